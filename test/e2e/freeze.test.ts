import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { servesDatabase } from '../../src/cli/embedded/temporal-server.ts';
import { findProcesses } from '../../src/cli/embedded/processes.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ config: { operators: ['ops'], liftBySecondPerson: true } });
});
afterAll(() => world?.close());

async function freeze(...tools: readonly string[]): Promise<string> {
  const { status, body } = await world.send('POST', '/v1/freezes', {
    as: 'ops-1',
    body: { tools, why: 'an incident' },
  });
  expect(status).toBe(201);
  return (body['freeze'] as { id: string }).id;
}
const lift = (id: string, as: 'ops-1' | 'ops-2') =>
  world.send('POST', `/v1/freezes/${id}/lift`, { as, body: { why: 'over' } });

test('operators stop everything without Temporal; after the lift the approved call runs, once', async () => {
  const [waiting, read] = [newRef('frozen'), newRef('read')];
  const { reviewId } = await world.hold('bank.pay', { ref: waiting });
  const first = await freeze('bank.pay');
  expect((await world.decide(reviewId, {})).status).toBe(200);
  await until(async () => (await world.review(reviewId)).status === 'approved' || undefined, { what: 'the approval' });
  expect((await world.review(reviewId, 'agent-1')).execution).toMatchObject({
    status: 'not_started',
    frozen: { by: 'ops-1', why: 'an incident' },
  });

  const file = join(world.holdpoint.dataDir, 'temporal.db');
  const servers = await findProcesses((argv) => servesDatabase(argv, file));
  for (const { pid } of servers) process.kill(pid, 'SIGSTOP');
  try {
    const second = await freeze('*');
    const blocked = await world.execute('bank.get', { ref: read });
    expect(blocked).toMatchObject({ status: 403, body: { outcome: 'BLOCKED', reasonCodes: ['frozen'] } });
    expect([world.target.count(read), world.target.count(waiting)]).toEqual([0, 0]);
    expect(await lift(second, 'ops-1')).toMatchObject({ status: 403, body: { code: 'second_person_required' } });
    for (const id of [second, first]) expect(await lift(id, 'ops-2')).toMatchObject({ status: 200 });
    expect(await world.execute('bank.get', { ref: read })).toMatchObject({ status: 200 });
  } finally {
    for (const { pid } of servers) process.kill(pid, 'SIGCONT');
  }
  expect(await world.settled(reviewId)).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  expect([world.target.count(read), world.target.count(waiting)]).toEqual([1, 1]);
});

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';
import { startParts, type PartsWorld } from '../support/chaos-parts.ts';

/** Reversible calls with the parts apart: nothing is made twice, whichever part stops, dies or comes back, and when. */
const isFull = process.env['CHAOS_TEMPORAL'] === 'full';

let world: PartsWorld;
beforeAll(async () => {
  world = await startParts({ isFull, instances: 1 });
  await ready();
}, 45 * 60_000);
afterAll(() => world.close());

interface Answer {
  readonly status: number;
  readonly body: { readonly reviewId?: string; readonly detail?: string; readonly code?: string };
}

/** Proposes a read; undefined: no answer came. */
const read = (ref: string): Promise<Answer | undefined> =>
  world
    .send('POST', '/v1/execute', 'agent-1', { service: 'bank', tool: 'bank.get', arguments: { ref } })
    .then((answer) => answer as Answer)
    .catch(() => undefined);

async function until<T>(look: () => Promise<T | undefined>, withinMs = 120_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error('it never came');
    await sleep(100);
  }
}

/** A read is answered at once: every part is there, and the api knows what Temporal can do. */
const ready = (): Promise<true> =>
  until(async () => {
    const answer = await read(`ready-${randomUUID()}`);
    return answer?.status === 200 && !(await hasWorkflow(answer.body.reviewId ?? '')) ? true : undefined;
  });

async function hasWorkflow(reviewId: string): Promise<boolean> {
  const connection = await Connection.connect({ address: world.temporalAddress });
  try {
    await new Client({ connection }).workflow.getHandle(reviewId).describe();
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

const settled = (reviewId: string): Promise<Review> =>
  until(async () => {
    const { status, body } = await world.send('GET', `/v1/reviews/${reviewId}?waitSeconds=5`, 'ops-1');
    const review = body as Review;
    return status === 200 && isFinal(review) ? review : undefined;
  });

const arrived = (ref: string): Promise<true> => until(async () => (world.target.count(ref) > 0 ? true : undefined));
const signal = (part: 'execute-1' | 'temporal', name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void => {
  expect(world.processes[part].signal(name)).toBe(true);
};

test('a worker killed while its call is on its way: 202, and unknown once the request can no longer be under way', async () => {
  const ref = `killed-${randomUUID()}`;
  world.target.script(ref, { kind: 'held' });
  const answering = read(ref);
  await arrived(ref);
  signal('execute-1', 'SIGKILL');
  const answer = await answering;
  expect(answer?.status).toBe(202);
  const { execution, status } = await settled(answer?.body.reviewId ?? '');
  expect([status, execution.status, execution.error?.code]).toEqual(['not_required', 'outcome_unknown', 'lost_worker']);
  expect(world.target.count(ref)).toBe(1);
  await ready();
});

test('a worker stopped over its time-out and continued: its result counts, and nothing is made again', async () => {
  const ref = `stopped-${randomUUID()}`;
  world.target.script(ref, { kind: 'held' });
  const answering = read(ref);
  await arrived(ref);
  signal('execute-1', 'SIGSTOP');
  const answer = await answering;
  expect(answer?.status).toBe(202);
  world.target.release(ref);
  signal('execute-1', 'SIGCONT');
  const { execution } = await settled(answer?.body.reviewId ?? '');
  // Its own clock may have given the target up meanwhile; a read that failed had no effect.
  expect(['executed', 'failed']).toContain(execution.status);
  expect(world.target.count(ref)).toBe(1);
});

test('a worker stopped before it takes the call up, and continued: the call is made once', async () => {
  await ready();
  const ref = `late-${randomUUID()}`;
  signal('execute-1', 'SIGSTOP');
  const answering = read(ref);
  // Until the workflow has taken the call over.
  const reviewId = await until(async () => {
    const { body } = await world.send('GET', '/v1/reviews?tool=bank.get&limit=100', 'ops-1');
    const rows = (body as { reviews: readonly { reviewId: string; summary: string }[] }).reviews;
    return rows.find(({ summary }) => summary.includes(ref))?.reviewId;
  });
  signal('execute-1', 'SIGCONT');
  expect((await settled(reviewId)).execution.status).toBe('executed');
  await answering;
  expect(world.target.count(ref)).toBe(1);
});

test('Temporal gone once the start was sent: 503 with the review, which may have run', async () => {
  await ready();
  const ref = `gone-${randomUUID()}`;
  signal('temporal', 'SIGSTOP');
  const answer = await read(ref);
  signal('temporal', 'SIGCONT');
  expect([answer?.status, answer?.body.code]).toEqual([503, 'temporal_unavailable']);
  expect(answer?.body.detail).toContain('may have run');
  expect(answer?.body.reviewId).toMatch(/^rev_/);
  await ready();
  expect(world.target.count(ref)).toBeLessThanOrEqual(1);
});

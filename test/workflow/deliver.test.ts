import type { TestWorkflowEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Foundation } from '../../src/cli/compose/foundation.ts';
import { openNotify } from '../../src/cli/compose/notify-part.ts';
import { runGateWorker, type RunningWorker } from '../../src/cli/compose/workers.ts';
import { createShutdown, type Shutdown } from '../../src/cli/compose/shutdown.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import { DELIVER_NOTICES, deliveryWorkflowId, GATE_TASK_QUEUE } from '../../src/workflows/messages.ts';
import { makeFixture, type GateFixture } from '../support/gate-fixture.ts';
import { startHookServer, type HookServer } from '../support/hook-server.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { AT, DIGEST, proposedEntry, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** The part of the gate worker that tells, on a real Temporal server, a real database and real HTTP. */
let server: TemporalServer;
let env: TestWorkflowEnvironment;
let gate: GateFixture;
let shutdown: Shutdown;
let worker: RunningWorker;
let hook: HookServer;
let other: HookServer;

beforeAll(async () => {
  server = await devServer();
  env = await connectTo(server.address);
  gate = await makeFixture();
  hook = await startHookServer();
  other = await startHookServer();
  const webhooks = [hook, other].map(({ url }) => ({ url: `${url}/hook`, secret: 'env:S', events: ['review.*'] }));
  gate.settings.update({ notifications: { webhooks } });
  shutdown = createShutdown(() => undefined);
  const foundation = {
    ...gate,
    settings: { ...gate.settings, resolve: () => SECRET, onChange: () => () => undefined },
    log: pino({ level: 'silent' }),
    shutdown,
    temporal: { client: env.client },
    callbackKey: () => undefined,
    mailKey: () => undefined,
    localUrl: null,
  } as unknown as Foundation;
  const notify = openNotify(foundation);
  worker = await runGateWorker(
    { connection: env.nativeConnection, namespace: 'default' },
    { ...createGateActivities(gate.gateDeps), ...notify.activities },
  );
  await notify.start();
});
afterAll(async () => {
  await worker?.stop();
  await shutdown?.run();
  await gate?.close();
  await hook?.close();
  await other?.close();
  await env?.teardown();
  await server?.stop();
});
beforeEach(() => {
  hook.answer = 204;
});

let reviews = 0;
/** The log says that another review waits. */
async function propose(): Promise<string> {
  const reviewId = reviewIdOf((reviews += 1));
  const classified: AuditEntry = {
    schemaVersion: 1,
    deploymentId: 'test',
    at: AT,
    type: 'classified',
    reviewId,
    revision: 1,
    class: 'irreversible',
    gate: 'hard',
    status: 'pending',
    reasonCodes: [],
    digest: DIGEST,
    policyDigest: DIGEST,
    override: false,
  };
  await gate.store.commit({
    entries: [proposedEntry(reviewId), classified],
    review: stateWrite(reviewOf(reviewId)),
  });
  return reviewId;
}
const destinationOf = (target: HookServer) => `webhook:${target.url}/hook`;
const told = (target: HookServer) => target.calls.map(({ body }) => String(body.data['reviewId']));
async function untilTold(target: HookServer, reviewId: string): Promise<void> {
  await expect.poll(() => told(target), { timeout: 90_000 }).toContain(reviewId);
}
const handleOf = (target: HookServer) => env.client.workflow.getHandle(deliveryWorkflowId(destinationOf(target)));

describe('a delivery workflow', () => {
  it('tries again with back-off, in order, while another destination goes on; ends when nothing waits', async () => {
    hook.answer = 503;
    const first = await propose();
    await untilTold(other, first);
    await untilTold(hook, first);
    const second = await propose();
    await untilTold(other, second);
    await expect.poll(() => told(hook).length, { timeout: 60_000 }).toBeGreaterThan(2);
    expect(told(hook)).not.toContain(second);
    hook.answer = 204;
    await untilTold(hook, second);
    await handleOf(hook).result();
    expect(new Set(hook.calls.slice(0, -1).map(({ id }) => id)).size).toBe(1);
    // What was tried in vain left nothing in the history: one activity, however many attempts.
    const { events } = await handleOf(hook).fetchHistory();
    expect(events?.filter((event) => event.activityTaskScheduledEventAttributes).length).toBeLessThanOrEqual(2);
  });

  it('that somebody ends is started again', async () => {
    hook.answer = 503;
    const reviewId = await propose();
    await untilTold(hook, reviewId);
    await handleOf(hook).terminate('by an intruder');
    hook.answer = 204;
    const before = told(hook).length;
    await expect.poll(() => told(hook).length, { timeout: 90_000 }).toBeGreaterThan(before);
    expect(told(hook).at(-1)).toBe(reviewId);
  });

  it('of an intruder tells nobody anything that the log does not say, whatever it is started with', async () => {
    await expect
      .poll(async () => (await gate.store.deliveries.list({ state: 'waiting' }))?.deliveries, { timeout: 60_000 })
      .toEqual([]);
    const before = [told(hook).length, told(other).length];
    const start = (workflowId: string, argument: unknown) =>
      env.client.workflow.execute(DELIVER_NOTICES, {
        workflowId,
        taskQueue: GATE_TASK_QUEUE,
        args: [argument],
        workflowTaskTimeout: '10s',
      });
    for (const [n, name] of [destinationOf(hook), 'webhook:http://127.0.0.1:9/', 'callback:rev_x'].entries())
      await start(`intruder-${n}`, name);
    await expect(start('intruder-object', { destination: destinationOf(hook) })).rejects.toThrow();
    expect([told(hook).length, told(other).length]).toEqual(before);
  });
});

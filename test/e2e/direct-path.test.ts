import type { ActivityExecutionFailedError, Client } from '@temporalio/client';
import { ServiceError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDirectActivities, createExecuteActivities } from '../../src/activities/execute/index.ts';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import { createRemoteHandOff, type HandOff } from '../../src/api/index.ts';
import { makeDirectly, type DirectEnd } from '../../src/api/service/direct.ts';
import { hasStandaloneActivities } from '../../src/cli/compose/standalone-activities.ts';
import { runDirectWorker, type RunningWorker } from '../../src/cli/compose/workers.ts';
import type { ExecuteRequest } from '../../src/contract/execute.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import {
  DIRECT_TASK_QUEUE,
  EXECUTE_FREE,
  EXECUTE_TASK_QUEUE,
  GATE_TASK_QUEUE,
  GATED_CALL,
} from '../../src/workflows/messages.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { specialServer } from '../support/special-server.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';

/**
 * Calls without a workflow, parts apart: real workers on a real server, and somebody with every power over it.
 * `HOLDPOINT_TEST_TEMPORAL` names another server than the dev server, with `activity.enableStandalone: true`.
 */
const log = pino({ level: 'silent' });

let stopServer: () => Promise<void> = async () => undefined;
let env: TestWorkflowEnvironment;
let gate: Harness;
let direct: RunningWorker | undefined;
let handOff: HandOff;

beforeAll(async () => {
  const given = process.env['HOLDPOINT_TEST_TEMPORAL'];
  const server = given === undefined ? await devServer() : undefined;
  if (server !== undefined) stopServer = () => server.stop();
  env = await connectTo(server?.address ?? (given as string));
  gate = await startHarness(env, { now: () => Date.now() });
  await startDirect();
  handOff = handOffOver(env.client);
}, 120_000);
beforeEach(async () => {
  gate.answer(() => ({ status: 'executed', body: { ok: true }, upstreamStatus: 200 }));
  await startDirect();
  await gate.startWorker('execute');
});
afterAll(async () => {
  await direct?.stop();
  await gate.stop();
  await env.teardown();
  await stopServer();
});

async function startDirect(): Promise<void> {
  if (direct !== undefined) return;
  const context = { connection: env.nativeConnection, namespace: env.namespace ?? 'default' };
  direct = await runDirectWorker(context, createDirectActivities(gate.executeDeps()), 1_000);
}

async function stopDirect(): Promise<void> {
  await direct?.stop();
  direct = undefined;
}

const handOffOver = (client: Client, onUnknown = (): void => undefined): HandOff =>
  createRemoteHandOff(client, { isForeign: () => false, isKnown: () => true, onUnknown });

interface Proposed {
  readonly reviewId: string;
  readonly request: ExecuteRequest;
  readonly proposal: DsseEnvelope;
}

function signed(direct: Parameters<Harness['proposeDirect']>[2] = {}): Proposed {
  const reviewId = gate.newReviewId();
  const request = { service: 'payouts', tool: 'payouts.get', arguments: { id: reviewId } };
  return { reviewId, request, proposal: gate.proposeDirect(reviewId, request, direct) };
}

const startGate = ({ reviewId, request, proposal }: Proposed): Promise<unknown> =>
  env.client.workflow.start(GATED_CALL, {
    workflowId: reviewId,
    taskQueue: GATE_TASK_QUEUE,
    args: [{ ...request, proposal }],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
  });

/** Proposes as the api does. */
const make = (proposed: Proposed, way = handOff): Promise<DirectEnd> =>
  makeDirectly(
    { store: gate.store, log },
    way,
    { ...proposed, callMs: 2_000, startGate: () => startGate(proposed) },
    new AbortController().signal,
  );

/** Starts an activity by itself, as anyone with access to the namespace can. */
const startAlone = (activity: string, id: string, taskQueue: string, input: unknown): Promise<unknown> =>
  env.client.activity.execute(activity, {
    id,
    taskQueue,
    args: [input],
    startToCloseTimeout: '10s',
    scheduleToStartTimeout: '5s',
    retry: { maximumAttempts: 1 },
  });

async function refusalOf(work: Promise<unknown>): Promise<string | null | undefined> {
  const error = (await work.then(
    () => undefined,
    (failure: unknown) => failure,
  )) as ActivityExecutionFailedError | undefined;
  return (error?.cause as ApplicationFailure | undefined)?.type;
}

const callsOf = ({ request }: Proposed): number =>
  gate.calls.filter(({ arguments: args }) => args['id'] === request.arguments['id']).length;

/** The ledger's word, once it is final. */
async function settled({ reviewId }: Proposed): Promise<string> {
  for (;;) {
    const row = await gate.store.readLedger(reviewId);
    if (row !== undefined && !['open', 'claimed'].includes(row.state)) return row.state;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const hasWorkflow = ({ reviewId }: Proposed): Promise<boolean> =>
  env.client.workflow
    .getHandle(reviewId)
    .describe()
    .then(
      () => true,
      () => false,
    );

describe('a call that policy frees', () => {
  test('is handed over by a standalone activity, with the options of the contract', async () => {
    const call = signed();
    expect(await make(call)).toMatchObject({ kind: 'ended', review: { execution: { status: 'executed' } } });
    expect(callsOf(call)).toBe(1);
    expect(await hasWorkflow(call)).toBe(false);
    const { info } = await env.client.workflowService.describeActivityExecution({
      namespace: env.namespace ?? 'default',
      activityId: call.reviewId,
    });
    expect({
      taskQueue: info?.taskQueue,
      scheduleToStart: Number(info?.scheduleToStartTimeout?.seconds),
      startToClose: Number(info?.startToCloseTimeout?.seconds),
      heartbeat: Number(info?.heartbeatTimeout?.seconds),
      attempts: info?.retryPolicy?.maximumAttempts,
    }).toEqual({ taskQueue: DIRECT_TASK_QUEUE, scheduleToStart: 2, startToClose: 7, heartbeat: 3, attempts: 1 });
    // Nothing of the call is readable in lists.
    expect(JSON.stringify([info?.searchAttributes, info?.userMetadata])).not.toContain('payouts');
  });

  test('takes the workflow where no worker takes it up in time, and is made by it once', async () => {
    await stopDirect();
    const call = signed();
    expect(await make(call)).toEqual({ kind: 'gated' });
    expect(await settled(call)).toBe('done');
    await startDirect();
    expect(callsOf(call)).toBe(1);
  });

  test.each([
    ['an old envelope', () => signed({ handedAt: new Date(Date.now() - 31_000).toISOString() })],
    ['another policy', () => signed({ policyDigest: `sha256:${'d'.repeat(64)}` })],
    ['another configuration', () => signed({ configDigest: `sha256:${'d'.repeat(64)}` })],
  ])('takes the workflow under %s', async (_name, sign) => {
    const call = sign();
    expect(await make(call)).toEqual({ kind: 'gated' });
    expect(await settled(call)).toBe('done');
    expect([callsOf(call), await hasWorkflow(call)]).toEqual([1, true]);
  });
});

describe('law 6: at most once', () => {
  test('the answer of the start is lost', async () => {
    const activity = Object.create(env.client.activity) as Client['activity'];
    const losing = Object.create(env.client, { activity: { value: activity } }) as Client;
    activity.start = async (...given) => {
      await env.client.activity.start(...given);
      throw Object.assign(new ServiceError('lost'), { cause: Object.assign(new Error('x'), { code: 4 }) });
    };
    const call = signed();
    const { kind } = await make(call, handOffOver(losing));
    expect(['ended', 'going']).toContain(kind);
    expect(await settled(call)).toBe('done');
    expect(callsOf(call)).toBe(1);
  });

  test('the same request is handed over twice', async () => {
    const call = signed();
    const ends = await Promise.all([make(call), make(call)]);
    expect(ends.map(({ kind }) => kind)).toContain('ended');
    expect(await settled(call)).toBe('done');
    expect(callsOf(call)).toBe(1);
  });

  test('an event loop that blocks beyond the heartbeat', async () => {
    gate.answer(() => {
      // The worker, and with it its heartbeat, stands still while its call is on its way.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_500);
      return { status: 'executed', body: {} };
    });
    const call = signed();
    const { kind } = await make(call);
    expect(['ended', 'going']).toContain(kind);
    expect(await settled(call)).toBe('done');
    expect(callsOf(call)).toBe(1);
  });

  test('the activity is deleted and started again under its id', async () => {
    const call = signed();
    expect(await make(call)).toMatchObject({ kind: 'ended' });
    await env.client.workflowService.deleteActivityExecution({
      namespace: env.namespace ?? 'default',
      activityId: call.reviewId,
    });
    const again = async (): Promise<unknown> => {
      // Deleted a moment later.
      for (;;) {
        const { reviewId, proposal } = call;
        const started = await startAlone(EXECUTE_FREE, reviewId, DIRECT_TASK_QUEUE, { proposal }).catch(
          (error: unknown) => error,
        );
        if ((started as Error).name !== 'ActivityExecutionAlreadyStartedError') return started;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    expect(await again()).toEqual({ status: 'taken', reviewId: call.reviewId });
    expect(callsOf(call)).toBe(1);
  });

  test.each(['completed', 'failed'] as const)('the activity is %s from outside while its call is made', async (how) => {
    let release: (() => void) | undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    gate.answer(async () => (await released, { status: 'executed', body: { real: true } }));
    const call = signed();
    const end = make(call);
    while (callsOf(call) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const id = { activityId: call.reviewId };
    if (how === 'completed') await env.client.activity.complete(id, { status: 'executed', reviewId: call.reviewId });
    else await env.client.activity.fail(id, new Error('never ran'));
    // The ledger has no result, so nobody is told one.
    expect(await end).toEqual({ kind: 'going' });
    expect(await hasWorkflow(call)).toBe(true);
    release?.();
    expect(await settled(call)).toBe('done');
    expect((await gate.store.readReview(call.reviewId))?.review).toMatchObject({
      status: 'not_required',
      execution: { body: { real: true } },
    });
    expect(callsOf(call)).toBe(1);
  });

  test('executeFree meets an open row, and does nothing', async () => {
    await gate.stopWorker('execute');
    const call = signed();
    await startGate(call);
    while ((await gate.store.readLedger(call.reviewId)) === undefined) await new Promise((r) => setTimeout(r, 20));
    const { reviewId, proposal } = call;
    const end = await startAlone(EXECUTE_FREE, reviewId, DIRECT_TASK_QUEUE, { proposal });
    expect(end).toEqual({ status: 'taken', reviewId });
    expect(callsOf(call)).toBe(0);
    await gate.startWorker('execute');
    expect(await settled(call)).toBe('done');
    expect(callsOf(call)).toBe(1);
  });
});

describe('law 2: every registered activity, started by itself', () => {
  const gateActivities = (): string[] => Object.keys(createGateActivities(gate.gateDeps));
  const executeActivities = (): string[] => Object.keys(createExecuteActivities(gate.executeDeps()));

  test('refuses outside a workflow', async () => {
    const call = signed();
    const { reviewId, proposal } = call;
    const input = { reviewId, proposal, request: call.request, runId: 'r', startedAt: 0, question: true };
    for (const name of gateActivities()) {
      expect([name, await refusalOf(startAlone(name, gate.newReviewId(), GATE_TASK_QUEUE, input))]).toEqual([
        name,
        'local_only',
      ]);
    }
    for (const name of executeActivities()) {
      expect([name, await refusalOf(startAlone(name, gate.newReviewId(), EXECUTE_TASK_QUEUE, input))]).toEqual([
        name,
        'workflow_only',
      ]);
    }
    expect(await gate.store.readLedger(reviewId)).toBeUndefined();
  });

  test('executeFree refuses another id than its review’s, and what the propose key did not sign for it', async () => {
    const call = signed();
    const { proposal } = call;
    const run = (id: string, given: unknown) => startAlone(EXECUTE_FREE, id, DIRECT_TASK_QUEUE, given);
    expect(await refusalOf(run(gate.newReviewId(), { proposal }))).toBe('foreign_review');
    expect(await refusalOf(run(gate.newReviewId(), call.request))).toBe('not_authorized');
    const plain = gate.newReviewId();
    expect(await run(plain, { proposal: gate.propose(plain, call.request) })).toMatchObject({ status: 'not_free' });
    const held = gate.newReviewId();
    const close = { service: 'payouts', tool: 'payouts.close', arguments: { id: held } };
    expect(await run(held, { proposal: gate.proposeDirect(held, close) })).toMatchObject({ status: 'not_free' });
    expect(callsOf(call)).toBe(0);
    expect(gate.calls.filter(({ tool }) => tool.name === 'payouts.close')).toEqual([]);
  });
});

test('a server without standalone activities says so beforehand, and refuses them', async () => {
  const other = await specialServer({ dynamicConfig: { 'activity.enableStandalone': false } });
  const there = await connectTo(other.address);
  try {
    expect(await hasStandaloneActivities(env.connection, env.namespace ?? 'default')).toBe(true);
    expect(await hasStandaloneActivities(there.connection, 'default')).toBe(false);
    let isUnknown = false;
    const way = handOffOver(there.client, () => (isUnknown = true));
    const call = signed();
    expect(await way.run(call.reviewId, call.proposal, 2_000)).toBe('refused');
    expect(isUnknown).toBe(true);
  } finally {
    await there.teardown();
    await other.stop();
  }
});

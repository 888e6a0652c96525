import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createExecuteActivities } from '../../src/activities/execute/index.ts';
import type { ExecuteDeps } from '../../src/activities/execute/deps.ts';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { ReceiptCode } from '../../src/contract/codes.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import type { ExecuteRequest } from '../../src/contract/execute.ts';
import type { ApprovalDecision, ApprovalRequest } from '../../src/contract/in-flow.ts';
import type { Review } from '../../src/contract/review.ts';
import type { ExecuteActivities, GateActivities, SignalKind } from '../../src/activities/api.ts';
import { runExecuteWorker, runGateWorker, type RunningWorker } from '../../src/cli/compose/workers.ts';
import {
  APPROVAL_GATE,
  GATE_TASK_QUEUE,
  GATED_CALL,
  getReview,
  reconcile,
  submitDecision,
  submitRevision,
  withdraw,
  type ReviewQueryResult,
} from '../../src/workflows/messages.ts';
import { ulid as newUlid } from 'ulid';
import { makeFixture, type FixtureOptions, type GateFixture } from './gate-fixture.ts';

export interface HarnessOptions extends FixtureOptions {
  readonly execute?: Partial<ExecuteDeps>;
  /** Wraps the gate's activities, e.g. to make one fail. */
  readonly wrap?: (activities: GateActivities) => GateActivities;
  readonly wrapExecute?: (activities: ExecuteActivities) => ExecuteActivities;
}

const SIGNALS = { decision: submitDecision, revision: submitRevision, withdrawal: withdraw, reconciliation: reconcile };

export type Harness = Awaited<ReturnType<typeof startHarness>>;

/** Both workers on a real server, over a real database and real signatures; the target is a connector that records. */
export async function startHarness(env: TestWorkflowEnvironment, options: HarnessOptions = {}) {
  let now = await env.currentTimeMs();
  const fixture: GateFixture = await makeFixture({ now: () => now, ...options });
  const gateActivities = createGateActivities(fixture.gateDeps);
  const context = { connection: env.nativeConnection, namespace: env.namespace ?? 'default' };
  const executeActivities = createExecuteActivities(fixture.executeDeps(options.execute));
  const workers: Partial<Record<'gate' | 'execute', RunningWorker>> = {};
  const startWorker = {
    gate: async () => {
      if (workers.gate !== undefined) return;
      workers.gate = await runGateWorker(context, options.wrap?.(gateActivities) ?? gateActivities);
    },
    execute: async () => {
      if (workers.execute !== undefined) return;
      const activities = options.wrapExecute?.(executeActivities) ?? executeActivities;
      workers.execute = await runExecuteWorker(context, activities, 1_000);
    },
  };
  const stopWorker = async (name: 'gate' | 'execute'): Promise<void> => {
    await workers[name]?.stop();
    delete workers[name];
  };
  await startWorker.gate();
  await startWorker.execute();
  const { client } = env;

  /** Brings the fixture's clock to the server's time, which a time-skipping server moves. */
  const sync = async (): Promise<number> => (now = await env.currentTimeMs());

  const query = async (reviewId: string): Promise<ReviewQueryResult> =>
    await client.workflow.getHandle(reviewId).query(getReview);

  /** Polls the query until it says what is waited for. */
  const until = async (
    reviewId: string,
    is: (result: ReviewQueryResult) => boolean,
    tries = 400,
  ): Promise<ReviewQueryResult> => {
    for (let n = 0; n < tries; n += 1) {
      const result = await query(reviewId);
      if (is(result)) return result;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`never came: ${JSON.stringify(await query(reviewId)).slice(0, 2_000)}`);
  };

  const untilStatus = async (reviewId: string, status: Review['status']): Promise<Review> => {
    const { review } = await until(reviewId, (result) => result.review?.status === status);
    if (review === null) throw new Error('no review');
    return review;
  };

  /** Signs decisions on the review as it is shown, looking once. */
  const signDecisions = async (
    reviewId: string,
    decisions: readonly Partial<Parameters<GateFixture['decide']>[1]>[],
  ): Promise<readonly { readonly decisionUlid: string; readonly envelope: DsseEnvelope }[]> => {
    await sync();
    const { review } = await query(reviewId);
    const digest = review?.call.digest ?? null;
    if (review === null || digest === null) throw new Error('nothing to decide yet');
    return decisions.map((decision) => {
      const decisionUlid = decision.decisionUlid ?? newUlid();
      const shown = { digest, revision: review.revision, level: Math.max(1, review.level) };
      return { decisionUlid, envelope: fixture.decide(reviewId, { ...shown, ...decision, decisionUlid }) };
    });
  };

  const signDecision = async (reviewId: string, decision: Partial<Parameters<GateFixture['decide']>[1]> = {}) => {
    const [signed] = await signDecisions(reviewId, [decision]);
    if (signed === undefined) throw new Error('nothing signed');
    return signed;
  };

  /** Sends an envelope. */
  const signal = async (reviewId: string, kind: SignalKind, envelope: DsseEnvelope): Promise<void> => {
    await client.workflow.getHandle(reviewId).signal(SIGNALS[kind], envelope);
  };

  const receiptOf = async (reviewId: string, decisionUlid: string): Promise<ReceiptCode> => {
    const { receipts } = await until(reviewId, (result) => result.receipts[decisionUlid] !== undefined);
    return receipts[decisionUlid] ?? 'envelope_invalid';
  };

  return {
    ...fixture,
    env,
    client,
    sync,
    query,
    until,
    untilStatus,
    signDecision,
    signDecisions,
    signal,
    receiptOf,
    startWorker: async (name: 'gate' | 'execute'): Promise<void> => await startWorker[name](),
    stopWorker,

    /** Sends an envelope and waits for its receipt. */
    send: async (reviewId: string, kind: SignalKind, envelope: DsseEnvelope): Promise<ReceiptCode> => {
      await signal(reviewId, kind, envelope);
      return await receiptOf(reviewId, ulidIn(envelope));
    },

    /** Starts a signed proposal. */
    start: async (
      request: Partial<ExecuteRequest> & { tool: string; arguments: ExecuteRequest['arguments'] },
      proposer?: string,
      reviewId = fixture.newReviewId(),
    ): Promise<{ reviewId: string; handle: WorkflowHandle<() => Promise<Review>> }> => {
      await sync();
      const full: ExecuteRequest = { service: request.tool.split('.')[0] ?? '', ...request };
      const proposal = fixture.propose(reviewId, full, proposer);
      const handle = await client.workflow.start(GATED_CALL, {
        workflowId: reviewId,
        taskQueue: GATE_TASK_QUEUE,
        args: [{ ...full, proposal }],
      });
      return { reviewId, handle };
    },

    /** Starts with whatever argument, as somebody with access to Temporal would. */
    startRaw: async (argument: unknown, reviewId = fixture.newReviewId()) => ({
      reviewId,
      handle: await client.workflow.start(GATED_CALL, {
        workflowId: reviewId,
        taskQueue: GATE_TASK_QUEUE,
        args: [argument],
      }),
    }),

    ask: async (
      question: ApprovalRequest,
      reviewId = fixture.newReviewId(),
    ): Promise<{ reviewId: string; handle: WorkflowHandle<() => Promise<ApprovalDecision>> }> => {
      await sync();
      const handle = await client.workflow.start(APPROVAL_GATE, {
        workflowId: reviewId,
        taskQueue: GATE_TASK_QUEUE,
        args: [question],
      });
      return { reviewId, handle };
    },

    /** Signs and sends a decision on the review as it is shown, then waits for its receipt. */
    decide: async (
      reviewId: string,
      decision: Partial<Parameters<GateFixture['decide']>[1]> = {},
    ): Promise<ReceiptCode> => {
      const { decisionUlid, envelope } = await signDecision(reviewId, decision);
      await signal(reviewId, 'decision', envelope);
      return await receiptOf(reviewId, decisionUlid);
    },

    digestOf: async (reviewId: string): Promise<string> => (await query(reviewId)).review?.call.digest ?? '',

    /** Reminders and escalations on record, in order: what people are told of them follows from these. */
    remindersOf: async (reviewId: string) =>
      (await fixture.store.entriesOf(reviewId)).flatMap(({ entry }) => (entry.type === 'notified' ? [entry] : [])),

    entryTypes: async (reviewId: string): Promise<readonly string[]> =>
      (await fixture.store.entriesOf(reviewId)).map(({ entry }) => entry.type),

    stop: async (): Promise<void> => {
      await Promise.all([stopWorker('gate'), stopWorker('execute')]);
      await fixture.close();
    },
  };
}

/** The receipt id inside an envelope. */
export function ulidIn(envelope: DsseEnvelope): string {
  return (JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as { decisionUlid: string }).decisionUlid;
}

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
import type { GateActivities } from '../../src/activities/api.ts';
import { runExecuteWorker, runGateWorker, type RunningWorker } from '../../src/cli/compose/workers.ts';
import {
  APPROVAL_GATE,
  GATE_TASK_QUEUE,
  GATED_CALL,
  getReview,
  submitDecision,
  submitRevision,
  withdraw,
  type ReviewQueryResult,
} from '../../src/workflows/messages.ts';
import { makeFixture, type FixtureOptions, type GateFixture } from './gate-fixture.ts';

export interface HarnessOptions extends FixtureOptions {
  readonly execute?: Partial<ExecuteDeps>;
  /** Wraps the gate's activities, e.g. to make one fail. */
  readonly wrap?: (activities: GateActivities) => GateActivities;
}

export type Harness = Awaited<ReturnType<typeof startHarness>>;

/** Both workers on a real server, over a real database and real signatures; the target is a connector that records. */
export async function startHarness(env: TestWorkflowEnvironment, options: HarnessOptions = {}) {
  let now = await env.currentTimeMs();
  const fixture: GateFixture = await makeFixture({ now: () => now, ...options });
  const gateActivities = createGateActivities(fixture.gateDeps);
  const context = { connection: env.nativeConnection, namespace: env.namespace ?? 'default' };
  const workers: RunningWorker[] = [
    await runGateWorker(context, options.wrap?.(gateActivities) ?? gateActivities),
    await runExecuteWorker(context, createExecuteActivities(fixture.executeDeps(options.execute)), 1_000),
  ];
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

  return {
    ...fixture,
    client,
    sync,
    query,
    until,
    untilStatus,

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

    signal: async (reviewId: string, kind: 'decision' | 'revision' | 'withdrawal', envelope: DsseEnvelope) => {
      const signal = { decision: submitDecision, revision: submitRevision, withdrawal: withdraw }[kind];
      await client.workflow.getHandle(reviewId).signal(signal, envelope);
    },

    /** Signs and sends a decision on the review as it is shown, then waits for its receipt. */
    decide: async (
      reviewId: string,
      decision: Partial<Parameters<GateFixture['decide']>[1]> = {},
    ): Promise<ReceiptCode> => {
      await sync();
      const { review } = await query(reviewId);
      if (review === null || review.call.digest === null) throw new Error('nothing to decide yet');
      const decisionUlid = ulidFrom(fixture.newReviewId());
      const envelope = fixture.decide(reviewId, {
        digest: review.call.digest,
        revision: review.revision,
        level: Math.max(1, review.level),
        decisionUlid,
        ...decision,
      });
      await client.workflow.getHandle(reviewId).signal(submitDecision, envelope);
      const { receipts } = await until(reviewId, (result) => result.receipts[decisionUlid] !== undefined);
      return receipts[decisionUlid] ?? 'envelope_invalid';
    },

    entryTypes: async (reviewId: string): Promise<readonly string[]> =>
      (await fixture.store.entriesOf(reviewId)).map(({ entry }) => entry.type),

    stop: async (): Promise<void> => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await fixture.close();
    },
  };
}

function ulidFrom(reviewId: string): string {
  return reviewId.slice('rev_'.length);
}

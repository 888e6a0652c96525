import {
  isGrpcDeadlineError,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { z } from 'zod';
import { RECEIPT_REFUSALS, type ReceiptRefusal } from '../contract/codes.ts';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { ReviewId } from '../contract/ids.ts';
import { summarize } from '../domain/gate/describe.ts';
import {
  APPROVAL_GATE,
  GATE_TASK_QUEUE,
  GATED_CALL,
  getReview,
  SEARCH_ATTRIBUTES,
  reconcile,
  submitDecision,
  submitRevision,
  withdraw,
  type GatedCallInput,
  type QuestionInput,
} from '../workflows/messages.ts';
import { ProblemError } from './problem.ts';

/** Temporal, as the api needs it. This file and `hand-off.ts` are the only ones in the api that know more. */
export interface GateClient {
  /**
   * Starts the workflow of a review. `existing`: the id is taken already, by an earlier try of the same request.
   * Throws ProblemError `temporal_unavailable`; then it is not known whether the start counted.
   */
  start(reviewId: ReviewId, input: GatedCallInput, texts: StartTexts): Promise<'started' | 'existing'>;
  /** Starts the workflow of a drill. `title`: what is asked. Throws `temporal_unavailable`. */
  startDrill(reviewId: ReviewId, drill: DsseEnvelope, title: string): Promise<void>;
  /** Delivers one signed envelope. `gone`: no workflow is open under this id. Throws `temporal_unavailable`. */
  signal(reviewId: ReviewId, name: GateSignal, envelope: DsseEnvelope): Promise<'delivered' | 'gone'>;
  /**
   * Asks the workflow whether it refused; undefined: it did not, not yet, or no answer came. One query is in flight per
   * review, and who asks meanwhile shares the next one (two at once can cost seconds). That it accepted is not asked:
   * any process that polls the task queue could say so.
   */
  refusal(reviewId: ReviewId, decisionUlid: string): Promise<ReceiptRefusal | undefined>;
  /** Throws where the server does not answer. */
  ping(): Promise<void>;
  /** What the start said of a review that no worker has looked at yet. Throws `temporal_unavailable`. */
  describe(reviewId: ReviewId): Promise<StartedReview | undefined>;
}

export interface StartTexts {
  /** Markdown; at most 400 bytes. */
  readonly summary: string;
  /** Markdown; at most 20,000 bytes. */
  readonly details: string;
  readonly memo: StartMemo;
  /** Search attributes as the api expects them; the workflow says them again only where it sees it otherwise. */
  readonly expected: { readonly status: string; readonly class: string };
}

/** Kept with the workflow, so that a review can be shown before any worker has seen it. */
const startMemoSchema = z.object({
  proposer: z.string(),
  service: z.string(),
  tool: z.string(),
  proposedAt: z.string(),
  group: z.string().nullable(),
  threadId: z.string().nullable(),
});
export type StartMemo = Readonly<z.infer<typeof startMemoSchema>>;

export interface StartedReview {
  readonly memo: StartMemo;
  readonly runId: string;
  readonly open: boolean;
}

const SIGNALS = { submitDecision, submitRevision, withdraw, reconcile } as const;
export type GateSignal = keyof typeof SIGNALS;

/** Time limits of single requests to Temporal, in ms. */
const DEADLINE = { start: 5_000, signal: 5_000, query: 2_000, describe: 2_000, ping: 1_500 } as const;
/** How the workflow of a review is started: never a second one under its id. */
const ONCE = {
  taskQueue: GATE_TASK_QUEUE,
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
  workflowIdConflictPolicy: 'FAIL',
} as const;
const MEMO_KEY = 'holdpointProposal';

/**
 * A {@link GateClient} over a real connection. `client` must use the deployment's payload converter.
 *
 * @param isForeign this Temporal has turned out not to be the one that the database belongs to: nothing is sent there.
 */
export function createGateClient(client: Client, isForeign: () => boolean = () => false): GateClient {
  const assertOwn = (): void => assertOwnTemporal(isForeign);
  const within = <T>(ms: number, call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + ms, call);
  const query = coalesce((reviewId: ReviewId) =>
    within(DEADLINE.query, () => client.workflow.getHandle(reviewId).query(getReview)),
  );

  return {
    async start(reviewId, input, texts) {
      assertOwn();
      try {
        await within(DEADLINE.start, () =>
          client.workflow.start(GATED_CALL, {
            ...ONCE,
            workflowId: reviewId,
            args: [input],
            staticSummary: texts.summary,
            staticDetails: texts.details,
            memo: { [MEMO_KEY]: texts.memo },
            typedSearchAttributes: [
              { key: SEARCH_ATTRIBUTES.status, value: texts.expected.status },
              { key: SEARCH_ATTRIBUTES.class, value: texts.expected.class },
              { key: SEARCH_ATTRIBUTES.tool, value: texts.memo.tool.slice(0, 255) },
              { key: SEARCH_ATTRIBUTES.proposer, value: texts.memo.proposer.slice(0, 255) },
            ],
          }),
        );
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'existing';
        throw asProblem(error);
      }
    },

    async startDrill(reviewId, drill, title) {
      assertOwn();
      try {
        await within(DEADLINE.start, () =>
          client.workflow.start<(input: QuestionInput) => Promise<unknown>>(APPROVAL_GATE, {
            ...ONCE,
            workflowId: reviewId,
            args: [{ drill }],
            staticSummary: summarize(title),
          }),
        );
      } catch (error) {
        throw asProblem(error);
      }
    },

    async signal(reviewId, name, envelope) {
      assertOwn();
      try {
        await within(DEADLINE.signal, () => client.workflow.getHandle(reviewId).signal(SIGNALS[name], envelope));
        return 'delivered';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'gone';
        throw asProblem(error);
      }
    },

    async refusal(reviewId, decisionUlid) {
      try {
        const { receipts } = await query(reviewId);
        const code = Object.hasOwn(receipts, decisionUlid) ? receipts[decisionUlid] : undefined;
        return RECEIPT_REFUSALS.find((refusal) => refusal === code);
      } catch {
        // No worker, no server, no workflow: in each case there is no refusal, which is all that was asked.
        return undefined;
      }
    },

    async describe(reviewId) {
      try {
        const found = await within(DEADLINE.describe, () => client.workflow.getHandle(reviewId).describe());
        // Any client of Temporal can have started the workflow and written this.
        const memo = startMemoSchema.safeParse(found.memo?.[MEMO_KEY]).data;
        if (memo === undefined) return undefined;
        return { memo, runId: found.runId, open: found.status.name === 'RUNNING' };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw asProblem(error);
      }
    },

    async ping() {
      await within(DEADLINE.ping, () => client.workflowService.getSystemInfo({}));
    },
  };
}

/** Throws `temporal_unavailable` where this is not the Temporal that the database belongs to: nothing is sent there. */
export function assertOwnTemporal(isForeign: () => boolean): void {
  if (!isForeign()) return;
  throw new ProblemError('temporal_unavailable', { detail: 'The database is bound to another Temporal.' });
}

/** At most one call per key in flight; who asks while it is on its way gets the answer of the next one. */
export function coalesce<K, T>(call: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const slots = new Map<K, { current: Promise<unknown>; next: Promise<T> | undefined }>();
  const run = (key: K): Promise<T> => {
    const promise = call(key);
    const slot = { current: promise, next: undefined };
    slots.set(key, slot);
    const done = (): void => {
      if (slots.get(key) === slot && slot.next === undefined) slots.delete(key);
    };
    promise.then(done, done);
    return promise;
  };
  return (key) => {
    const slot = slots.get(key);
    if (slot === undefined) return run(key);
    slot.next ??= slot.current.then(
      () => run(key),
      () => run(key),
    );
    return slot.next;
  };
}

function asProblem(cause: unknown): ProblemError {
  const inner = cause instanceof Error && isGrpcServiceError(cause.cause) ? cause.cause : cause;
  const unavailable = isGrpcDeadlineError(cause) || (isGrpcServiceError(inner) && TRANSIENT.has(inner.code));
  return new ProblemError(unavailable ? 'temporal_unavailable' : 'internal', { cause });
}
/** gRPC status codes: CANCELLED, DEADLINE_EXCEEDED, NOT_FOUND (namespace), RESOURCE_EXHAUSTED, UNAVAILABLE. */
const TRANSIENT: ReadonlySet<number> = new Set([1, 4, 5, 8, 14]);

import {
  ActivityExecutionAlreadyStartedError,
  ActivityExecutionFailedError,
  isGrpcServiceError,
  type ActivityHandle,
  type Client,
} from '@temporalio/client';
import { TimeoutFailure } from '@temporalio/common';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { ReviewId } from '../contract/ids.ts';
import type { FreeStatus } from '../domain/authorize/authorize-free.ts';
import { DIRECT_TASK_QUEUE, EXECUTE_FREE } from '../workflows/messages.ts';
import { assertOwnTemporal } from './gate-client.ts';

/**
 * What became of a call that was handed to an execute worker. Only a hint where it came through Temporal: anyone with access
 * to it can complete an activity, so the ledger is asked in any case.
 *
 * - `made`: it ended, and the ledger has its result.
 * - `refused`: nothing was done. Policy does not free it there, its row is taken, or no worker took it in time.
 * - `unclear`: it may have run.
 */
export type HandOffEnd = 'made' | 'refused' | 'unclear';

/** The way of a call that policy frees to an execute worker, without a workflow. */
export interface HandOff {
  /** False: calls take the workflow for now. */
  isOpen(): boolean;
  /** It goes through Temporal; otherwise it is a call within this process. */
  readonly isRemote: boolean;
  /**
   * Never interrupted. `callMs`: the longest that the call may take. Rejects where the call was certainly not made:
   * StorageError of this process, ProblemError `temporal_unavailable` where nothing was sent.
   */
  run(reviewId: ReviewId, proposal: DsseEnvelope, callMs: number): Promise<HandOffEnd>;
}

type ExecuteFree = (input: { readonly proposal: DsseEnvelope }) => Promise<{ readonly status: FreeStatus }>;

const END: Readonly<Record<FreeStatus, HandOffEnd>> = {
  executed: 'made',
  failed: 'made',
  outcome_unknown: 'made',
  executing: 'unclear',
  not_free: 'refused',
  taken: 'refused',
};

/** Calls an execute worker of this process; more than `slots` at once take the workflow, which queues them. */
export function createLocalHandOff(executeFree: ExecuteFree, slots: number): HandOff & { idle(): Promise<void> } {
  const running = new Set<Promise<unknown>>();
  return {
    isOpen: () => running.size < slots,
    isRemote: false,
    run: async (_reviewId, proposal) => {
      const call = executeFree({ proposal });
      running.add(call);
      try {
        return END[(await call).status];
      } finally {
        running.delete(call);
      }
    },
    idle: async () => {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

/** Longest time that the start may take, and that a worker has to take the call up, ms. */
const START_WITHIN = 3_000;
const TAKEN_WITHIN = 2_000;
/** A worker beats every second. */
const HEARTBEAT_WITHIN = 3_000;
/** What the activity may take beyond the call itself, ms. */
const CALL_MARGIN = 5_000;

/**
 * Starts a standalone activity, so that no port opens beside the credentials. `isKnown`: the server has such activities.
 * `onUnknown` is told where it turns out to have none.
 */
export function createRemoteHandOff(
  client: Client,
  options: { isForeign(): boolean; isKnown(): boolean; onUnknown(): void },
): HandOff {
  const start = async (reviewId: ReviewId, proposal: DsseEnvelope, startToClose: number): Promise<ActivityHandle> => {
    try {
      return await client.withDeadline(Date.now() + START_WITHIN, () =>
        client.activity.start(EXECUTE_FREE, {
          id: reviewId,
          taskQueue: DIRECT_TASK_QUEUE,
          args: [{ proposal }],
          scheduleToStartTimeout: TAKEN_WITHIN,
          startToCloseTimeout: startToClose,
          heartbeatTimeout: HEARTBEAT_WITHIN,
          // ◆ The default retries.
          retry: { maximumAttempts: 1 },
          idReusePolicy: 'REJECT_DUPLICATE',
          idConflictPolicy: 'FAIL',
        }),
      );
    } catch (error) {
      // By an earlier try of the same start, whose answer was lost, or of the same request.
      if (error instanceof ActivityExecutionAlreadyStartedError) return client.activity.getHandle(reviewId);
      throw error;
    }
  };
  return {
    isOpen: options.isKnown,
    isRemote: true,
    async run(reviewId, proposal, callMs) {
      assertOwnTemporal(options.isForeign);
      const startToClose = callMs + CALL_MARGIN;
      try {
        const handle = await start(reviewId, proposal, startToClose);
        const until = Date.now() + TAKEN_WITHIN + startToClose + CALL_MARGIN;
        const result: unknown = await client.withDeadline(until, () => handle.result());
        return endOf(result);
      } catch (error) {
        if (isUnimplemented(error)) {
          options.onUnknown();
          return 'refused';
        }
        return wasNeverTaken(error) ? 'refused' : 'unclear';
      }
    },
  };
}

/** The result may have been forged: it comes from the process that completed the activity. */
function endOf(result: unknown): HandOffEnd {
  const status = typeof result === 'object' && result !== null && 'status' in result ? result.status : undefined;
  return typeof status === 'string' && Object.hasOwn(END, status) ? END[status as FreeStatus] : 'unclear';
}

/** ◆ Of all time-outs this one alone means that it did not run. */
function wasNeverTaken(error: unknown): boolean {
  if (!(error instanceof ActivityExecutionFailedError)) return false;
  return error.cause instanceof TimeoutFailure && error.cause.timeoutType === 'SCHEDULE_TO_START';
}

const UNIMPLEMENTED = 12;

function isUnimplemented(error: unknown): boolean {
  const inner = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  return isGrpcServiceError(inner) && (inner.code as number) === UNIMPLEMENTED;
}

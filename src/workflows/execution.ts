import { ActivityFailure, ApplicationFailure, condition, proxyActivities, sleep } from '@temporalio/workflow';
import { LONGEST_TIMER_MS } from '../contract/constants.ts';
import type { ExecuteActivities } from '../activities/api.ts';
import {
  deniedExecution,
  isCallRefusal,
  isExecutionDenial,
  type CallRefusal,
  type Outcome,
} from '../domain/outcome.ts';
import { deny } from '../domain/gate/change.ts';
import { isUnclaimed } from '../domain/ledger.ts';
import { activities, noteHistory } from './local.ts';
import { EXECUTE_TASK_QUEUE } from './messages.ts';
import { processBatch } from './admission.ts';
import { openFromLedger, type ReviewRun } from './review-run.ts';
import { shouldContinue } from './gate-loop.ts';

/** What a run of the activity may take beyond the connector's own time-out, ms. */
const CALL_MARGIN_MS = 60_000;
const LONGEST_OPEN_MS = 30_000;
const LONGEST_CLAIMED_MS = 600_000;
const FIRST_POLL_MS = 10_000;
const LONGEST_POLL_MS = 3_600_000;

/**
 * Has the call made and records its outcome. The activity is only a messenger: it could be completed from outside, so after every attempt the ledger is asked, and an open row means that nothing has happened yet.
 */
export async function executeUntilSettled(run: ReviewRun, staleAt: number): Promise<void> {
  // The row was opened for this run, and no attempt was made yet: it is open.
  const isFresh = run.record.execution.status === 'not_started';
  let outcome: Outcome | null = isFresh ? null : await activities.readOutcome({ reviewId: run.reviewId });
  for (let wait = 1_000; ; wait *= 2) {
    if (outcome !== null && isSettled(outcome)) return settle(run, outcome);
    const isOpen = outcome === null || isUnclaimed(outcome.state);
    if (isOpen && Date.now() >= staleAt && (await refuseExecution(run, 'approval_stale'))) return;
    const refusal = await attempt(run, isOpen ? staleAt - Date.now() : null);
    outcome = await activities.readOutcome({ reviewId: run.reviewId });
    if (isSettled(outcome)) return settle(run, outcome);
    // Why it waits, for the Web UI and for the refusal that may follow.
    if (outcome.state === 'deferred') run.adopt({ ...run.record, execution: outcome.execution });
    if (isUnclaimed(outcome.state) && isCallRefusal(refusal)) {
      if (await refuseExecution(run, refusal)) return;
    }
    // A claim that is not settled (its worker is lost, and this run was reset behind it) may stay for ever.
    wait = Math.min(wait, isUnclaimed(outcome.state) ? LONGEST_OPEN_MS : LONGEST_CLAIMED_MS);
    await sleep(wait, { summary: 'Not run yet: waiting before the next attempt' });
    outcome = await activities.readOutcome({ reviewId: run.reviewId });
  }
}

function isSettled(outcome: Outcome): boolean {
  return outcome.state !== 'claimed' && !isUnclaimed(outcome.state);
}

/**
 * Waits until a person has reconciled, or a late result has settled, a call whose outcome is unknown. `continue`: time
 * to continue as new.
 */
export async function awaitReconciliation(run: ReviewRun): Promise<'settled' | 'continue'> {
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, LONGEST_POLL_MS)) {
    const hasSignal = (): boolean => run.inbox.size > 0;
    if (
      !(await condition(hasSignal, wait, {
        summary: 'Outcome unknown: waiting for a person to find out what happened',
      }))
    )
      noteHistory();
    while (run.inbox.size > 0) await processBatch(run);
    const outcome = await activities.readOutcome({ reviewId: run.reviewId });
    await settle(run, outcome);
    if (run.record.execution.status !== 'outcome_unknown') return 'settled';
    if (shouldContinue(run)) return 'continue';
  }
}

/** One scheduled activity. Returns the code with which it refused, if it did. */
async function attempt(run: ReviewRun, withinMs: number | null): Promise<string | undefined> {
  const { executeCall } = proxyActivities<Pick<ExecuteActivities, 'executeCall'>>({
    taskQueue: EXECUTE_TASK_QUEUE,
    startToCloseTimeout: run.timeoutMs + CALL_MARGIN_MS,
    heartbeatTimeout: '10s',
    ...(withinMs === null ? {} : { scheduleToCloseTimeout: Math.min(Math.max(1, withinMs), LONGEST_TIMER_MS) }),
    // Unlimited until the claim; the ledger, not the policy, sees to it that the call is made once.
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary: `Make the call: ${run.current.material.tool}`.slice(0, 200),
  });
  try {
    await executeCall({
      reviewId: run.reviewId,
      material: run.current.material,
      previous: run.previous,
      proposal: run.proposal,
      decisions: run.carrying,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return error.cause instanceof ApplicationFailure ? (error.cause.type ?? undefined) : undefined;
  }
}

/** Denies the row that is still open, so that the call can never be made. False: it was claimed meanwhile. */
async function refuseExecution(run: ReviewRun, code: CallRefusal): Promise<boolean> {
  const now = Date.now();
  const { ok } = await run.commit({
    key: `refused:${code}`,
    record: { ...run.record, execution: { ...deniedExecution(code, new Date(now).toISOString()), ...deferralOf(run) } },
    entries: [
      (base) => ({ ...base, type: 'finished', status: 'failed', errorCode: code, resultDigest: null, late: false }),
    ],
    ledger: deny(run, code, now),
    settlesExecution: true,
  });
  return ok;
}

/** Why the call waited, which the refusal keeps. */
function deferralOf(run: ReviewRun): Pick<ReviewRun['record']['execution'], 'deferred'> {
  const { deferred } = run.record.execution;
  return deferred === undefined ? {} : { deferred };
}

/** Takes over what the ledger says. Where it denies the call itself (this run was reset behind it), so does the review. */
async function settle(run: ReviewRun, outcome: Outcome): Promise<void> {
  if (outcome.denial !== null && !isExecutionDenial(outcome.denial)) return openFromLedger(run, outcome);
  run.adopt({ ...run.record, execution: outcome.execution });
}

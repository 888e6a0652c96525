import { allHandlersFinished, CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import { LONGEST_TIMER_MS } from '../contract/constants.ts';
import { aheadOf, dueBy, nextDueAt, type Due } from '../domain/deadline.ts';
import { approversAt } from '../domain/eligibility.ts';
import { decideTime } from '../domain/gate/decide.ts';
import { evolve, isEnded } from '../domain/gate/state.ts';
import { processBatch } from './admission.ts';
import { deny, requireOpen } from '../domain/gate/change.ts';
import type { Inbox } from './inbox.ts';
import { activities, isHistoryLong, noteHistory } from './local.ts';
import { installHandlers, openFromLedger, ReviewRun, type Snapshot } from './review-run.ts';

/** Set where Temporal asks for the workflow to be cancelled; `at` is workflow time. The gate decides what that means. */
interface Cancellation {
  at: number | null;
}

/**
 * What both workflows do first: they answer signals and the query, take up the state (an earlier run's, or what `open`
 * makes), and wait until the gate has ended. The rest runs in a scope that is not cancelled. `end` gets true where it is
 * time to continue as new.
 */
export async function runReview<T>(
  carried: Snapshot | undefined,
  open: (inbox: Inbox) => Promise<ReviewRun>,
  end: (run: ReviewRun, isTimeToContinue: boolean) => Promise<T>,
): Promise<T> {
  const cancellation: Cancellation = { at: null };
  CancellationScope.current().cancelRequested.catch(() => {
    cancellation.at = Date.now();
  });
  return CancellationScope.nonCancellable(async () => {
    let run: ReviewRun | undefined;
    const { inbox, snapshot } = installHandlers(carried, () => run);
    run = snapshot === undefined ? await open(inbox) : new ReviewRun(snapshot, inbox);
    run.show();
    const reached = run.gate === null ? 'ended' : await runGate(run, cancellation);
    if (reached === 'superseded') await openFromLedger(run, await activities.readOutcome({ reviewId: run.reviewId }));
    return end(run, reached === 'continue');
  });
}

/** What the next run starts with beside its arguments. ◆ The memo does not survive by itself. */
export async function continueOptions(): Promise<{ memo?: Record<string, unknown> }> {
  await condition(allHandlersFinished);
  const { memo } = workflowInfo();
  return memo === undefined ? {} : { memo };
}

type LoopEnd =
  /** The gate has ended. */
  | 'ended'
  /** The ledger says that this review ended in another run or was settled from outside. */
  | 'superseded'
  /** History is long and nothing is in hand: time to continue as new. */
  | 'continue';

/**
 * Waits for decisions until the gate has ended. Both workflows run this loop: signals come in through the inbox, are
 * admitted in batches and judged by the gate machine; time is judged by the workflow's own clock.
 */
async function runGate(run: ReviewRun, cancellation: Cancellation): Promise<LoopEnd> {
  while (run.gate !== null && !isEnded(run.gate)) {
    const { inbox, gate } = run;
    const { expiresAt } = gate.spec;
    const isAwake = (): boolean => inbox.size > 0 || cancellation.at !== null;
    const untilDue = Math.min(Math.max(1, nextDueAt(expiresAt, run.schedule) - Date.now()), LONGEST_TIMER_MS);
    const wasWoken = await condition(isAwake, untilDue, { summary: run.waitingWords() });
    if (!wasWoken) noteHistory();
    // What came before the deadline counts, even where the timer fires in the same breath; what came after it does not
    // hold the deadline up, however much it is.
    if (inbox.oldestAt !== undefined && inbox.oldestAt < expiresAt) {
      if ((await processBatch(run)) === 'superseded') return 'superseded';
    } else if (cancellation.at !== null && cancellation.at < expiresAt) {
      if (!(await abort(run, cancellation.at))) return 'superseded';
    } else if (!(await passTime(run))) {
      return 'superseded';
    }
    // A cancellation is not carried over: it is dealt with first.
    if (cancellation.at === null && shouldContinue(run)) return 'continue';
  }
  return 'ended';
}

export function shouldContinue(run: ReviewRun): boolean {
  return isHistoryLong() && run.inbox.size === 0;
}

/** Expiry, escalation and reminders that have come. False: superseded. */
async function passTime(run: ReviewRun): Promise<boolean> {
  const now = Date.now();
  const { gate } = run;
  if (gate === null) return true;
  const [expired] = decideTime(gate, now);
  if (expired !== undefined) {
    const { ok } = await run.commit({
      key: 'expired',
      record: { ...run.record, gate: evolve(gate, expired) },
      entries: [(base) => ({ ...base, type: 'expired', expiresAt: new Date(gate.spec.expiresAt).toISOString() })],
      ledger: deny(run, 'expired', now),
    });
    return ok;
  }
  const due = dueBy(now, run.schedule);
  run.schedule = aheadOf(now, run.schedule);
  for (const { event, at } of due) {
    if (!(await recordReminder(run, event, at))) return false;
  }
  return true;
}

/** Records that a reminder or an escalation is due; notifications follow the log. False: superseded. */
async function recordReminder(run: ReviewRun, event: Due['event'], due: number): Promise<boolean> {
  const { gate } = run;
  if (gate === null) return true;
  const { revision } = run.current.material;
  const level = gate.tag === 'pending' ? gate.spec.levels[gate.level - 1] : undefined;
  const recipients = level === undefined ? [] : [...approversAt(level, Date.now())];
  const { ok } = await run.commit({
    key: event === 'escalated' ? `escalated:${revision}` : `reminder:${revision}:${due}`,
    record: run.record,
    entries: [(base) => ({ ...base, type: 'notified', event, channel: 'log', recipients })],
    ledger: requireOpen(run, gate),
  });
  return ok;
}

/** Ended from outside: `withdrawn` for a question whose asker was cancelled, `aborted` for a call. */
async function abort(run: ReviewRun, at: number): Promise<boolean> {
  const { gate, record } = run;
  if (gate === null) return true;
  const inFlow = record.base.kind === 'in-flow';
  const by = record.base.proposer.id;
  const { ok } = await run.commit({
    key: 'cancelled',
    record: {
      ...record,
      gate: evolve(
        gate,
        inFlow ? { type: 'withdrawn', by, at } : { type: 'aborted', reason: 'The workflow was cancelled', at },
      ),
    },
    entries: [
      (base) =>
        inFlow
          ? { ...base, type: 'withdrawn', by, envelopeDigest: null }
          : { ...base, type: 'aborted', reason: 'cancelled' },
    ],
    ledger: deny(run, inFlow ? 'withdrawn' : 'aborted', at),
  });
  return ok;
}

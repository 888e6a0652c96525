import { condition } from '@temporalio/workflow';
import { LONGEST_TIMER_MS } from '../contract/constants.ts';
import { aheadOf, dueBy, nextDueAt, type Due } from '../domain/deadline.ts';
import { approversAt } from '../domain/eligibility.ts';
import { decideTime } from '../domain/gate/decide.ts';
import { evolve, isEnded } from '../domain/gate/state.ts';
import { processBatch } from './admission.ts';
import { deny, stayOpen } from '../domain/gate/change.ts';
import { isHistoryLong, noteHistory } from './history.ts';
import type { Session } from './session.ts';

/** Set where Temporal asks for the workflow to be cancelled; `at` is workflow time. */
export interface Cancellation {
  at: number | null;
}

export type LoopEnd =
  /** The gate has ended. */
  | 'ended'
  /** The ledger says that this review ended in another run or was settled from outside. */
  | 'superseded'
  /** History is long and nothing is in hand: time to continue as new. */
  | 'continue';

/**
 * Waits for decisions until the gate has ended. Both doors run this loop: signals come in through the inbox, are
 * admitted in batches and judged by the gate machine; time is judged by the workflow's own clock.
 */
export async function runGate(session: Session, cancellation: Cancellation): Promise<LoopEnd> {
  while (session.gate !== null && !isEnded(session.gate)) {
    const { inbox, gate } = session;
    const { expiresAt } = gate.spec;
    const isAwake = (): boolean => inbox.size > 0 || cancellation.at !== null;
    const untilDue = Math.min(Math.max(1, nextDueAt(expiresAt, session.schedule) - Date.now()), LONGEST_TIMER_MS);
    const wasWoken = await condition(isAwake, untilDue, { summary: 'waiting for a decision' });
    if (!wasWoken) noteHistory();
    // What came before the deadline counts, even where the timer fires in the same breath; what came after it does not
    // hold the deadline up, however much it is.
    if (inbox.oldestAt !== undefined && inbox.oldestAt < expiresAt) {
      if ((await processBatch(session)) === 'superseded') return 'superseded';
    } else if (cancellation.at !== null && cancellation.at < expiresAt) {
      if (!(await abort(session, cancellation.at))) return 'superseded';
    } else if (!(await passTime(session))) {
      return 'superseded';
    }
    // A cancellation is not carried over: it is dealt with first.
    if (cancellation.at === null && shouldContinue(session)) return 'continue';
  }
  return 'ended';
}

export function shouldContinue(session: Session): boolean {
  return isHistoryLong() && session.inbox.size === 0;
}

/** Expiry, escalation and reminders that have come. False: superseded. */
async function passTime(session: Session): Promise<boolean> {
  const now = Date.now();
  const { gate } = session;
  if (gate === null) return true;
  const [expired] = decideTime(gate, now);
  if (expired !== undefined) {
    const { ok } = await session.commit({
      key: 'expired',
      record: { ...session.record, gate: evolve(gate, expired) },
      entries: [(base) => ({ ...base, type: 'expired', expiresAt: new Date(gate.spec.expiresAt).toISOString() })],
      ledger: deny(session, 'expired', now),
    });
    return ok;
  }
  const due = dueBy(now, session.schedule);
  session.schedule = aheadOf(now, session.schedule);
  for (const { event, at } of due) {
    if (!(await recordReminder(session, event, at))) return false;
  }
  return true;
}

/** Records that a reminder or an escalation is due; notifications follow the log. False: superseded. */
async function recordReminder(session: Session, event: Due['event'], due: number): Promise<boolean> {
  const { gate } = session;
  if (gate === null) return true;
  const { revision } = session.current.material;
  const level = gate.tag === 'pending' ? gate.spec.levels[gate.level - 1] : undefined;
  const recipients = level === undefined ? [] : [...approversAt(level, Date.now())];
  const { ok } = await session.commit({
    key: event === 'escalated' ? `escalated:${revision}` : `reminder:${revision}:${due}`,
    record: session.record,
    entries: [(base) => ({ ...base, type: 'notified', event, channel: 'log', recipients })],
    ledger: stayOpen(session, gate),
  });
  return ok;
}

/** Ended from outside: `withdrawn` for a question whose asker was cancelled, `aborted` for a call. */
async function abort(session: Session, at: number): Promise<boolean> {
  const { gate, record } = session;
  if (gate === null) return true;
  const inFlow = record.base.kind === 'in-flow';
  const by = record.base.proposer.id;
  const { ok } = await session.commit({
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
    ledger: deny(session, inFlow ? 'withdrawn' : 'aborted', at),
  });
  return ok;
}

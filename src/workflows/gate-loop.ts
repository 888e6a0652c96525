import { condition, workflowInfo } from '@temporalio/workflow';
import { approversAt } from '../core/gate/check.ts';
import { decideTime } from '../core/gate/decide.ts';
import { evolve, isEnded, type GateState } from '../core/gate/state.ts';
import type { entryOf } from '../core/gate/entries.ts';
import { processBatch } from './admission.ts';
import { deny } from './changes.ts';
import { hasNoticesPending } from './notices.ts';
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

/** Beyond this many events a run continues as new, where the server does not ask for it earlier. */
const LONG_HISTORY = 4_000;

/**
 * Waits for decisions until the gate has ended. Both doors run this loop: signals come in through the inbox, are
 * admitted in batches and judged by the gate machine; time is judged by the workflow's own clock.
 */
export async function runGate(session: Session, cancellation: Cancellation): Promise<LoopEnd> {
  const due = dueTimes(session);
  while (session.gate !== null && !isEnded(session.gate)) {
    const { inbox } = session;
    const wakeAt = nextDue(session.gate, due);
    const isAwake = (): boolean => inbox.size > 0 || cancellation.at !== null;
    await condition(isAwake, Math.max(1, wakeAt - Date.now()), { summary: 'silence is no' });
    // Signals first: one that came before the deadline counts, even where the timer fires in the same breath.
    if (inbox.size > 0) {
      if ((await processBatch(session)) === 'superseded') return 'superseded';
    } else if (cancellation.at !== null) {
      if (!(await abort(session, cancellation.at))) return 'superseded';
    } else if (!(await passTime(session, due))) {
      return 'superseded';
    }
    if (shouldContinue(session)) return 'continue';
  }
  return 'ended';
}

export function shouldContinue(session: Session): boolean {
  const info = workflowInfo();
  const isLong = info.continueAsNewSuggested || info.historyLength > LONG_HISTORY;
  return isLong && session.inbox.size === 0 && !hasNoticesPending();
}

interface Due {
  remindAt: number[];
  escalateAt: number | null;
}

/** What is still ahead; after continue-as-new, times already passed have been dealt with. */
function dueTimes(session: Session): Due {
  const now = Date.now();
  const { remindAt, escalateAt } = session.schedule;
  return {
    remindAt: remindAt.filter((at) => at > now),
    escalateAt: escalateAt !== null && escalateAt > now ? escalateAt : null,
  };
}

function nextDue(state: GateState, due: Due): number {
  return Math.min(state.spec.expiresAt, due.remindAt[0] ?? Infinity, due.escalateAt ?? Infinity);
}

/** Expiry, escalation and reminders that have come. False: superseded. */
async function passTime(session: Session, due: Due): Promise<boolean> {
  const now = Date.now();
  const { gate } = session;
  if (gate === null) return true;
  const [expired] = decideTime(gate, now);
  if (expired !== undefined) {
    const next = evolve(gate, expired);
    const { ok } = await session.commit({
      key: 'expired',
      record: { ...session.record, gate: next },
      entries: [(base) => ({ ...base, type: 'expired', expiresAt: new Date(gate.spec.expiresAt).toISOString() })],
      ledger: deny(session, 'expired', now),
    });
    if (ok) session.tell({ event: 'resolved', to: approvers(session) });
    return ok;
  }
  if (due.escalateAt !== null && now >= due.escalateAt) {
    due.escalateAt = null;
    // Whom the list shows this review to has changed.
    await session.commit({
      key: `escalated:${session.current.material.revision}`,
      record: session.record,
      entries: [],
    });
    session.tell({ event: 'escalated', to: approvers(session) });
  }
  while (due.remindAt[0] !== undefined && now >= due.remindAt[0]) {
    due.remindAt.shift();
    session.tell({ event: 'reminder', to: approvers(session) });
  }
  return true;
}

/** Ended from outside: `withdrawn` for a question whose asker was cancelled, `aborted` for a call. */
async function abort(session: Session, at: number): Promise<boolean> {
  const { gate, record } = session;
  if (gate === null) return true;
  const inFlow = record.base.kind === 'in-flow';
  const next = evolve(
    gate,
    inFlow
      ? { type: 'withdrawn', by: record.base.proposer.id, at }
      : { type: 'aborted', reason: 'The workflow was cancelled', at },
  );
  const { ok } = await session.commit({
    key: 'cancelled',
    record: { ...record, gate: next },
    entries: [
      (base: ReturnType<typeof entryOf>) =>
        inFlow
          ? { ...base, type: 'withdrawn', by: record.base.proposer.id, envelopeDigest: null }
          : { ...base, type: 'aborted', reason: 'cancelled' },
    ],
    ledger: deny(session, inFlow ? 'withdrawn' : 'aborted', at),
  });
  return ok;
}

/** Groups that may vote on the open level now. */
export function approvers(session: Session): readonly string[] {
  const { gate } = session;
  if (gate?.tag !== 'pending') return [];
  const level = gate.spec.levels[gate.level - 1];
  return level === undefined ? [] : approversAt(level, Date.now());
}

import type { ReceiptRefusal } from '../../contract/codes.ts';
import { LIMITS } from '../../contract/constants.ts';
import { isExpired } from '../deadline.ts';
import {
  checkDecision,
  refusalOf,
  refusalOfClosed,
  refusalOfObjection,
  stateOfGate,
  type Voter,
} from '../eligibility.ts';
import {
  evolve,
  isEnded,
  type Answer,
  type DecisionFact,
  type GateEvent,
  type GateState,
  type RevisionFact,
  type RevisionSpec,
  type Vote,
  type WithdrawalFact,
} from './state.ts';

export type Ruling =
  | { readonly ok: true; readonly events: readonly GateEvent[] }
  | { readonly ok: false; readonly code: ReceiptRefusal };

/** A new revision of the call, classified and rendered: what an edit or a revision leads to. */
export type Prepared =
  | { readonly ok: true; readonly spec: RevisionSpec; readonly evidenceChanged: boolean }
  | { readonly ok: false };

const refuse = (code: ReceiptRefusal): Ruling => ({ ok: false, code });
const accept = (...events: readonly GateEvent[]): Ruling => ({ ok: true, events });

/** Refusal of a decision, if any, before the work of preparing an edit is done. `at`: epoch ms of its arrival. */
export function checkFact(state: GateState, fact: DecisionFact, at: number): ReceiptRefusal | undefined {
  const now = stateOfGate(state);
  const { spec, level } = now;
  // What was said while another level was open must not be refused here and stop the call at the claim.
  if (fact.type === 'reject')
    return refusalOfClosed(now, at) ?? refusalOfObjection(spec, voterIn(fact), fact.digest, at);
  const refusal = checkDecision(now, voterIn(fact), fact, at);
  if (refusal !== undefined) return refusal;
  // Signed for another revision or another level than the one that is open now.
  return fact.revision !== spec.revision || fact.level !== level ? 'digest_mismatch' : undefined;
}

/** Judges a decision other than an edit. */
export function decideVote(state: GateState, fact: DecisionFact, at: number): Ruling {
  const refusal = checkFact(state, fact, at);
  if (refusal !== undefined) return refuse(refusal);
  switch (fact.type) {
    case 'reject':
      return accept({ type: 'rejected', by: fact.reviewer, comment: fact.comment, at });
    case 'revise':
      return accept({ type: 'changesRequested', by: fact.reviewer, comment: fact.comment ?? '', at });
    case 'approve':
      return accept(...castVote(state, fact, { type: 'approve' }, { kind: 'approve' }, at));
    case 'respond':
      return accept(
        ...castVote(state, fact, { type: 'respond' }, { kind: 'respond', response: fact.response ?? null }, at),
      );
    case 'edit':
      return refuse('edit_invalid');
    default:
      return fact.type satisfies never;
  }
}

/**
 * Judges an edit. The new revision voids all votes and starts at level one; the editor's yes counts there only where
 * the editor may vote on it, never under separation of duties, and not if the evidence changed with the edit.
 */
export function decideEdit(state: GateState, fact: DecisionFact, prepared: Prepared, at: number): Ruling {
  const refusal = checkFact(state, fact, at);
  if (refusal !== undefined) return refuse(refusal);
  if (fact.type !== 'edit' || !prepared.ok) return refuse('edit_invalid');
  const revised: GateEvent = { type: 'revised', spec: prepared.spec };
  const next = evolve(state, revised);
  if (prepared.evidenceChanged || next.spec.separationOfDuties) return accept(revised);
  return refusalOf('approve', stateOfGate(next), voterIn(fact), at) === undefined
    ? accept(revised, ...castVote(next, fact, { type: 'edit', level: 1 }, { kind: 'approve' }, at))
    : accept(revised);
}

/** Refusal of a revision by the proposer, if any, before it is prepared. */
export function checkRevision(state: GateState, fact: RevisionFact, at: number): ReceiptRefusal | undefined {
  const closed = refusalOfClosed(stateOfGate(state), at);
  if (closed !== undefined) return closed;
  if (fact.proposer !== state.spec.proposer) return 'envelope_invalid';
  if (state.tag !== 'changes_requested') return 'not_awaiting_revision';
  if (fact.digest !== state.spec.digest) return 'digest_mismatch';
  if (state.spec.revision >= LIMITS.revisions) return 'too_many_revisions';
  return undefined;
}

export function decideRevision(state: GateState, fact: RevisionFact, prepared: Prepared, at: number): Ruling {
  const refusal = checkRevision(state, fact, at);
  if (refusal !== undefined) return refuse(refusal);
  return prepared.ok ? accept({ type: 'revised', spec: prepared.spec }) : refuse('revision_invalid');
}

export function decideWithdrawal(state: GateState, fact: WithdrawalFact, at: number): Ruling {
  const closed = refusalOfClosed(stateOfGate(state), at);
  if (closed !== undefined) return refuse(closed);
  if (fact.proposer !== state.spec.proposer) return refuse('envelope_invalid');
  if (fact.digest !== state.spec.digest) return refuse('digest_mismatch');
  return accept({ type: 'withdrawn', by: fact.proposer, at });
}

/** Silence is no: `expired` once workflow time has reached the deadline. */
export function decideTime(state: GateState, now: number): readonly GateEvent[] {
  return !isEnded(state) && isExpired(state.spec.expiresAt, now) ? [{ type: 'expired', at: now }] : [];
}

function voterIn({ reviewer, groups }: DecisionFact): Voter {
  return { id: reviewer, groups };
}

/** `as`: how the yes of this decision counts. */
function castVote(
  state: GateState,
  { decisionUlid, reviewer, level: said, comment }: DecisionFact,
  as: { readonly type: Vote['type']; readonly level?: number },
  answer: Answer,
  at: number,
): readonly GateEvent[] {
  const vote: Vote = { decisionUlid, reviewer, level: as.level ?? said, type: as.type };
  const voted: GateEvent = { type: 'voted', vote };
  const after = evolve(state, voted);
  const level = after.spec.levels[vote.level - 1];
  if (after.tag !== 'pending' || level === undefined) return [];
  const yeses = new Set(after.votes.filter((v) => v.level === vote.level).map((v) => v.reviewer)).size;
  if (yeses < level.quorum) return [voted];
  if (vote.level < after.spec.levels.length) return [voted, { type: 'levelPassed', level: vote.level }];
  return [
    voted,
    { type: 'levelPassed', level: vote.level },
    { type: 'approved', by: vote.reviewer, comment, answer, at },
  ];
}

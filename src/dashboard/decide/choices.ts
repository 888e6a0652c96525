import type { SessionResponse as Session } from '../../contract/api.ts';
import type { Json } from '../../contract/json.ts';
import type { DecisionType, Review } from '../../contract/review.ts';
import {
  approversAt,
  decisionsFor,
  openLevelOf,
  refusalOfReconcile,
  refusalOfVote,
  stateOfReview,
  voterOf,
} from '../../domain/eligibility.ts';
import { findInexact } from '../../contract/exact.ts';
import { parseStrictJson } from '../../domain/json/strict-json.ts';
import { shortDuration } from '../ui/time.ts';
import { words } from '../words.ts';

/** In the order of the buttons. */
export const BUTTONS: Readonly<
  Record<DecisionType, { readonly label: string; readonly key: string; readonly style: string }>
> = {
  approve: { label: words.decide.buttons.approve, key: 'a', style: 'button-main' },
  edit: { label: words.decide.buttons.edit, key: 'e', style: '' },
  respond: { label: words.decide.buttons.respond, key: 'w', style: '' },
  revise: { label: words.decide.buttons.revise, key: 'c', style: '' },
  reject: { label: words.decide.buttons.reject, key: 'r', style: 'button-bad' },
};

/** What is sent for what was typed: the text as it stands, or the value it writes. Undefined: neither. */
export function readAnswer(text: string, asJson: boolean): Json | undefined {
  if (text.trim() === '') return undefined;
  if (!asJson) return text;
  const parsed = parseStrictJson(text);
  return parsed.ok && findInexact(parsed.value).length === 0 ? parsed.value : undefined;
}

/** What this person may decide now, and where that is nothing, why; the server judges again, by what is in force there. */
export function choicesFor(
  review: Review,
  { reviewer }: Session,
  now: number,
): { readonly types: readonly DecisionType[]; readonly why: string } {
  if (review.status === 'pending' && review.call.digest === null) {
    return { types: [], why: words.decide.gathering };
  }
  const possible = decisionsFor(stateOfReview(review), voterOf(reviewer), now);
  return {
    types: (Object.keys(BUTTONS) as DecisionType[]).filter((type) => possible.includes(type)),
    why: possible.length > 0 ? '' : whyNothing(review, reviewer, now),
  };
}

function whyNothing(review: Review, reviewer: Session['reviewer'], now: number): string {
  if (review.status === 'approved') {
    const groups = review.levels.flatMap((level) => approversAt(level, now));
    return words.decide.canStop(anyOf([...new Set(groups)]));
  }
  if (review.status === 'changes_requested') return words.decide.changesRequested;
  const state = stateOfReview(review);
  const refusal = refusalOfVote(state, voterOf(reviewer), now);
  if (refusal === 'expired') return words.decide.expired;
  if (state.votes.some((vote) => vote.reviewer === reviewer.id)) return words.decide.voted;
  if (reviewer.role === 'auditor') return words.decide.auditor;
  if (refusal === 'self_approval') {
    return review.proposer.owner === reviewer.id ? words.decide.ownAgent : words.decide.ownVersion;
  }
  const level = openLevelOf(review);
  return level === undefined ? words.decide.nothing : words.decide.waitsFor(anyOf(approversAt(level, now)));
}

/** Why this person cannot say now what became of a call, in words; undefined: they can. */
export function whyNotReconcile(review: Review, { reviewer }: Session, now: number): string | undefined {
  const { levels, execution } = review;
  const { owner } = review.proposer;
  const isUnknown = execution.status === 'outcome_unknown' && execution.reconciled === undefined;
  const settledBy = execution.reconcilableFrom ?? null;
  const refusal = refusalOfReconcile({ isUnknown, settledBy, levels, owner }, voterOf(reviewer), now);
  const last = levels.at(-1);
  const who = last === undefined ? words.settle.anyReviewer : words.settle.memberOf(anyOf(approversAt(last, now)));
  const waits = owner === null ? words.decide.waitsFor(who) : words.settle.waitsForOther(who, owner);
  switch (refusal) {
    case 'not_an_approver':
      return reviewer.role === 'auditor' ? `${words.settle.auditor} ${waits}` : waits;
    case 'self_approval':
      return words.settle.ownAgent(who);
    case 'not_reconcilable': {
      if (!isUnknown || settledBy === null) return words.settle.nothing;
      return words.settle.inFlight(shortDuration(Date.parse(settledBy) - now));
    }
    case undefined:
      return undefined;
    default:
      return refusal satisfies never;
  }
}

function anyOf(groups: readonly string[]): string {
  return groups.join(words.policy.or);
}

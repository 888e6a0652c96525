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

/** In the order of the buttons. */
export const BUTTONS: Readonly<
  Record<DecisionType, { readonly label: string; readonly key: string; readonly style: string }>
> = {
  approve: { label: 'Approve', key: 'a', style: 'button-main' },
  edit: { label: 'Edit', key: 'e', style: '' },
  respond: { label: 'Answer', key: 'w', style: '' },
  revise: { label: 'Changes', key: 'c', style: '' },
  reject: { label: 'Reject', key: 'r', style: 'button-bad' },
};

/** Comments that are often needed; a person can change them before they are sent. */
export const PRESETS: Readonly<Record<'reject' | 'revise', readonly string[]>> = {
  reject: ['Not needed.', 'Wrong target.', 'Too risky at this time.', 'Ask its owner first.'],
  revise: ['Narrow this down to fewer items.', 'Say why this is needed.', 'Use a test target first.', 'Split this up.'],
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
    return { types: [], why: 'Holdpoint is still gathering evidence. Deciding becomes possible in a moment.' };
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
    return `Approved, and not run yet. ${[...new Set(groups)].join(' or ')} can still stop it.`;
  }
  if (review.status === 'changes_requested') return 'Changes requested: it waits for the proposer.';
  const state = stateOfReview(review);
  const refusal = refusalOfVote(state, voterOf(reviewer), now);
  if (refusal === 'expired') return 'The deadline has passed, and the answer was no.';
  if (state.votes.some((vote) => vote.reviewer === reviewer.id)) {
    return 'Your vote on this version counts. It waits for others.';
  }
  if (reviewer.role === 'auditor') return 'Auditors read everything and decide nothing.';
  if (refusal === 'self_approval') {
    return review.proposer.owner === reviewer.id
      ? 'You own the agent that proposed this, and separation of duties is on.'
      : 'You wrote this version, and separation of duties is on.';
  }
  const level = openLevelOf(review);
  return level === undefined ? 'There is nothing to decide.' : `It waits for ${approversAt(level, now).join(' or ')}.`;
}

/** Why this person cannot say now what became of a call, in words; undefined: they can. */
export function whyNotReconcile(review: Review, { reviewer }: Session, now: number): string | undefined {
  const { levels, execution } = review;
  const { owner } = review.proposer;
  const isUnknown = execution.status === 'outcome_unknown' && execution.reconciled === undefined;
  const settledBy = execution.reconcilableFrom ?? null;
  const refusal = refusalOfReconcile({ isUnknown, settledBy, levels, owner }, voterOf(reviewer), now);
  const last = levels.at(-1);
  const who = last === undefined ? 'any reviewer' : `a member of ${approversAt(last, now).join(' or ')}`;
  const notOwner = owner === null ? '' : `, but not ${owner}, who owns the proposer`;
  switch (refusal) {
    case 'not_an_approver':
      return reviewer.role === 'auditor'
        ? `Auditors read everything and settle nothing. It waits for ${who}${notOwner}.`
        : `It waits for ${who}${notOwner}.`;
    case 'self_approval':
      return `You own the agent that proposed this. It waits for ${who} other than you.`;
    case 'not_reconcilable': {
      if (!isUnknown || settledBy === null) return 'There is nothing to settle.';
      return `The request may still be in flight. It can be settled in ${shortDuration(Date.parse(settledBy) - now)}.`;
    }
    case undefined:
      return undefined;
    default:
      return refusal satisfies never;
  }
}

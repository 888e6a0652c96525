import type { Json, JsonObject } from '../../contract/json.ts';
import type { DecisionType, Level } from '../../contract/review.ts';
import { escalatedTo, isExpired } from '../deadline.ts';

/**
 * The one place where a decision is refused. Both the gate machine and the api (before it signs) ask here, so they
 * cannot come to differ. Checks run in the documented order; the first that fails is the answer.
 */
export interface DecisionContext {
  /** `approved`: a call that has not been claimed, so a reject still stops it; `started`: from the claim on. */
  readonly phase: 'pending' | 'changes_requested' | 'approved' | 'started' | 'expired' | 'ended';
  /** Epoch ms. */
  readonly expiresAt: number | null;
  readonly revision: number;
  /** 1-based. */
  readonly level: number;
  readonly levels: readonly Level[];
  readonly separationOfDuties: boolean;
  readonly proposer: string;
  readonly owner: string | null;
  /** The reviewer whose edit the open version is; absent: the proposer's own. */
  readonly editor?: string | undefined;
  readonly digest: string;
  readonly allowed: readonly DecisionType[];
  /** Votes on the current revision. */
  readonly votes: readonly { readonly reviewer: string; readonly level: number }[];
}

export interface ProposedDecision {
  readonly reviewer: string;
  readonly groups: readonly string[];
  readonly type: DecisionType;
  readonly digest: string;
  readonly comment: string | null;
  readonly editedArguments: JsonObject | null;
  readonly response: Json | undefined;
}

export type DecisionRefusal =
  | 'expired'
  | 'already_resolved'
  | 'already_started'
  | 'not_an_approver'
  | 'self_approval'
  | 'already_voted'
  | 'digest_mismatch'
  | 'decision_not_allowed'
  | 'comment_required'
  | 'response_required'
  | 'edit_invalid';

/** `at`: epoch ms at which the decision was received. */
export function checkDecision(
  context: DecisionContext,
  decision: ProposedDecision,
  at: number,
): DecisionRefusal | undefined {
  if (decision.type === 'reject' && context.phase === 'started') return 'already_started';
  if (decision.type === 'reject' && context.phase === 'approved') return checkObjection(context, decision, at);
  if (context.phase === 'expired') return 'expired';
  if (context.phase !== 'pending' && context.phase !== 'changes_requested') return 'already_resolved';
  if (isExpired(context.expiresAt, at)) return 'expired';
  if (!mayVote(context.levels[context.level - 1], decision.groups, at)) return 'not_an_approver';
  if (context.separationOfDuties && isConflicted(context, decision.reviewer)) return 'self_approval';
  if (hasVoted(context, decision.reviewer)) return 'already_voted';
  if (decision.digest !== context.digest) return 'digest_mismatch';
  return checkContent(context, decision);
}

/**
 * A no to an approved call, or to one that is about to be claimed. A reviewer who may vote on any level may say it: an
 * earlier yes of theirs, separation of duties or a closed level do not take that away.
 */
export function checkObjection(
  { levels, digest }: Pick<DecisionContext, 'levels' | 'digest'>,
  objection: Pick<ProposedDecision, 'groups' | 'digest'>,
  at: number,
): Extract<DecisionRefusal, 'not_an_approver' | 'digest_mismatch'> | undefined {
  if (!levels.some((level) => mayVote(level, objection.groups, at))) return 'not_an_approver';
  return objection.digest === digest ? undefined : 'digest_mismatch';
}

function checkContent(context: DecisionContext, decision: ProposedDecision): DecisionRefusal | undefined {
  const allowed =
    context.phase === 'changes_requested' ? context.allowed.filter((t) => t === 'reject') : context.allowed;
  if (!allowed.includes(decision.type)) return 'decision_not_allowed';
  if (decision.type === 'revise' && isBlank(decision.comment)) return 'comment_required';
  if (decision.type === 'respond' && decision.response === undefined) return 'response_required';
  if (decision.type === 'edit' && decision.editedArguments === null) return 'edit_invalid';
  return undefined;
}

/** Group membership by exact name; from `escalation.at` on, the escalation's groups count too. */
export function mayVote(level: Level | undefined, groups: readonly string[], at: number): boolean {
  if (level === undefined) return false;
  return approversAt(level, at).some((group) => groups.includes(group));
}

export function approversAt(level: Level, at: number): readonly string[] {
  return [...new Set([...level.approvers, ...escalatedTo(level, at)])];
}

/** Separation of duties: the proposer, its owner, whoever wrote this version, and whoever voted on an earlier level. */
function isConflicted(context: DecisionContext, reviewer: string): boolean {
  if ([context.proposer, context.owner, context.editor].includes(reviewer)) return true;
  return context.votes.some((vote) => vote.reviewer === reviewer && vote.level < context.level);
}

function hasVoted(context: DecisionContext, reviewer: string): boolean {
  return context.votes.some((vote) => vote.reviewer === reviewer && vote.level === context.level);
}

function isBlank(text: string | null): boolean {
  return text === null || text.trim() === '';
}

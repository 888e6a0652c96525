import type { ReviewerConfig } from '../contract/config.ts';
import { LIMITS } from '../contract/constants.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { DecisionType, Level, Review, ReviewRow, Shortfall } from '../contract/review.ts';
import { escalatedTo, isExpired } from './deadline.ts';
import { findUnfillable } from './gate/seats.ts';
import { hasEnded } from './lifecycle.ts';
import { isEnded, type GateState, type RevisionSpec, type Vote } from './gate/state.ts';

// Who may do what to a review, and why not. Every part asks here: the gate machine, the api before it signs, the page,
// mails, Slack, lists and notifications. Only the execute worker judges once more before the claim (`authorize/`).
// Times are epoch ms; groups are those of the directory in force.

/** A person, and the groups for which they may vote. */
export interface Voter {
  readonly id: string;
  readonly groups: readonly string[];
}

/** An auditor reads everything and decides nothing, whatever groups it has. */
export function voterOf({ id, groups, role }: Pick<ReviewerConfig, 'id' | 'groups' | 'role'>): Voter {
  return { id, groups: role === 'auditor' ? [] : groups };
}

/** People who may vote for one of these groups. */
export function membersOf<P extends Pick<ReviewerConfig, 'id' | 'groups' | 'role'>>(
  groups: readonly string[],
  people: readonly P[],
): readonly P[] {
  return people.filter((person) => voterOf(person).groups.some((group) => groups.includes(group)));
}

/** What decides about a person's vote: the revision that is open, and how far it is. */
export interface ReviewState {
  /** `approved`: a call that has not been claimed, so a reject still stops it; `started`: from the claim on. */
  readonly phase: 'pending' | 'changes_requested' | 'approved' | 'started' | 'expired' | 'ended';
  readonly spec: RevisionSpec;
  /** 1-based. */
  readonly level: number;
  /** On this revision. */
  readonly votes: readonly Pick<Vote, 'reviewer' | 'level'>[];
}

export function stateOfGate(state: GateState): ReviewState {
  const { spec } = state;
  if (state.tag === 'pending') return { phase: 'pending', spec, level: state.level, votes: state.votes };
  const phase = isEnded(state) ? (state.tag === 'expired' ? 'expired' : 'ended') : state.tag;
  return { phase, spec, level: 1, votes: [] };
}

/** `digest`: of what the review shows, where the stored one is not to be relied on. */
export function stateOfReview(review: Review, digest = review.call.digest): ReviewState {
  const isPending = review.status === 'pending';
  return {
    phase: phaseOf(review),
    spec: {
      revision: review.revision,
      digest: digest ?? '',
      levels: review.levels,
      separationOfDuties: review.separationOfDuties,
      proposer: review.proposer.id,
      owner: review.proposer.owner,
      editor: review.revisions.at(-1)?.by,
      expiresAt: review.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(review.expiresAt),
      allowed: review.allowedDecisions,
    },
    level: isPending ? review.level : 1,
    votes: isPending ? review.levels.flatMap(({ decisions }) => decisions) : [],
  };
}

function phaseOf(review: Review): ReviewState['phase'] {
  const { status, kind, execution } = review;
  if (!hasEnded(status) || status === 'expired') return status;
  if (status !== 'approved' || kind === 'in-flow') return 'ended';
  if (isStoppable(kind, execution.status)) return 'approved';
  // Stopped, or refused otherwise, before it was claimed: over, and nothing ran.
  return execution.startedAt === null ? 'ended' : 'started';
}

/** Whether a reject still stops an approved review: a call can be stopped until the claim. */
export function isStoppable(kind: Review['kind'], execution: Review['execution']['status']): boolean {
  return kind === 'call' && execution === 'not_started';
}

/** Which decisions are taken at all now, of those that the review allows. */
export function decisionsTaken(phase: ReviewState['phase'], allowed: readonly DecisionType[]): DecisionType[] {
  switch (phase) {
    case 'pending':
      return [...allowed];
    case 'changes_requested':
      return allowed.filter((type) => type === 'reject');
    case 'approved':
      return ['reject'];
    case 'started':
    case 'expired':
    case 'ended':
      return [];
    default:
      return phase satisfies never;
  }
}

export type DecisionRefusal =
  | VoteRefusal
  | 'already_started'
  | 'digest_mismatch'
  | 'decision_not_allowed'
  | 'too_many_revisions'
  | 'comment_required'
  | 'response_required'
  | 'edit_invalid';
type VoteRefusal = 'expired' | 'already_resolved' | 'not_an_approver' | 'self_approval' | 'already_voted';

/**
 * Why this person may not take such a decision now; undefined: they may. Checks run in the documented order, and the
 * first that fails is the answer. `digest`: what the decision names.
 */
export function refusalOf(
  type: DecisionType,
  state: ReviewState,
  voter: Voter,
  at: number,
  digest = state.spec.digest,
): DecisionRefusal | undefined {
  const { phase, spec } = state;
  if (type === 'reject' && phase === 'started') return 'already_started';
  if (type === 'reject' && phase === 'approved') return refusalOfObjection(spec, voter, digest, at);
  const refusal = refusalOfVote(state, voter, at);
  if (refusal !== undefined) return refusal;
  if (digest !== spec.digest) return 'digest_mismatch';
  if (!decisionsTaken(phase, spec.allowed).includes(type)) return 'decision_not_allowed';
  return type === 'edit' && spec.revision >= LIMITS.revisions ? 'too_many_revisions' : undefined;
}

/** What this person may decide now. */
export function decisionsFor(state: ReviewState, voter: Voter, at: number): readonly DecisionType[] {
  return decisionsTaken(state.phase, state.spec.allowed).filter(
    (type) => refusalOf(type, state, voter, at) === undefined,
  );
}

/** Why this person has no vote on the open level, whatever they would decide. */
export function refusalOfVote(state: ReviewState, voter: Voter, at: number): VoteRefusal | undefined {
  const closed = refusalOfClosed(state, at);
  if (closed !== undefined) return closed;
  if (!mayVote(state.spec.levels[state.level - 1], voter.groups, at)) return 'not_an_approver';
  return refusalOfPerson(state, voter.id);
}

/** Why nothing is decided any more. */
export function refusalOfClosed({ phase, spec }: ReviewState, at: number): 'expired' | 'already_resolved' | undefined {
  if (phase === 'expired') return 'expired';
  if (phase !== 'pending' && phase !== 'changes_requested') return 'already_resolved';
  return isExpired(spec.expiresAt, at) ? 'expired' : undefined;
}

/** Those who could still vote on the open level. */
export function findVoters<P extends Pick<ReviewerConfig, 'id' | 'groups' | 'role'>>(
  review: Review,
  people: readonly P[],
  at: number,
): readonly P[] {
  const state = stateOfReview(review);
  if (state.phase !== 'pending') return [];
  return people.filter((person) => refusalOfVote(state, voterOf(person), at) === undefined);
}

/**
 * The first level that the people of the directory in force cannot pass any more; undefined: they can, or nothing waits for
 * them. Those whom an escalation still lets in count.
 */
export function findShortfall(
  review: Review,
  people: readonly Pick<ReviewerConfig, 'id' | 'groups' | 'role'>[],
): Shortfall | undefined {
  const { spec, phase } = stateOfReview(review);
  if (phase !== 'pending') return undefined;
  const directory = people.map(voterOf);
  const votersOf = (level: Review['levels'][number], index: number): Voters => {
    const voted = level.decisions.map(({ reviewer }) => reviewer);
    const elsewhere = review.levels.filter((other) => other !== level).flatMap(({ decisions }) => decisions);
    const state = { phase, spec, level: index + 1, votes: [] };
    const eligible = directory.filter(
      ({ id, groups }) =>
        approversOf(level).some(
          ({ group, from }) => groups.includes(group) && (from === null || Date.parse(from) < spec.expiresAt),
        ) &&
        refusalOfPerson(state, id) === undefined &&
        !(spec.separationOfDuties && !voted.includes(id) && elsewhere.some(({ reviewer }) => reviewer === id)),
    );
    return { level, voted, eligible: new Set(eligible.map(({ id }) => id)) };
  };
  const voters = review.levels.map(votersOf);
  // A vote of someone who may not vote any more still counts at the gate, and no longer before the call is made.
  const broken = voters.find(({ voted, eligible }) => voted.some((id) => !eligible.has(id)));
  if (broken !== undefined && review.kind === 'call') return shortfallOf(broken);
  const seats = voters.map(({ level, voted, eligible }) => ({
    quorum: level.quorum,
    people: new Set([...eligible, ...voted]),
  }));
  const short = voters[findUnfillable(seats, spec.separationOfDuties)[0] ?? -1];
  return short && shortfallOf(short);
}

interface Voters {
  readonly level: Review['levels'][number];
  readonly voted: readonly string[];
  /** Those who may vote on it, or did and still could. */
  readonly eligible: ReadonlySet<string>;
}

function shortfallOf({ level, voted, eligible }: Voters): Shortfall {
  return {
    level: level.name,
    quorum: level.quorum,
    votes: voted.length,
    left: [...eligible].filter((id) => !voted.includes(id)),
    lost: voted.filter((id) => !eligible.has(id)),
  };
}

/** People who may not vote on the open level, whatever their groups. */
export function barredFrom(state: ReviewState): readonly string[] {
  const { proposer, owner, editor } = state.spec;
  const people = [...state.votes.map(({ reviewer }) => reviewer), owner, editor, proposer];
  const known = people.filter((id) => id !== null && id !== undefined);
  return [...new Set(known)].filter((id) => refusalOfPerson(state, id) !== undefined);
}

/**
 * Nobody votes twice on a level. Separation of duties also bars the proposer, its owner, the author of this revision, and
 * those who voted on an earlier level.
 */
function refusalOfPerson(
  { spec, level, votes }: ReviewState,
  id: string,
): 'self_approval' | 'already_voted' | undefined {
  const own = votes.filter(({ reviewer }) => reviewer === id);
  const isConflicted = [spec.proposer, spec.owner, spec.editor].includes(id) || own.some((vote) => vote.level < level);
  if (spec.separationOfDuties && isConflicted) return 'self_approval';
  return own.some((vote) => vote.level === level) ? 'already_voted' : undefined;
}

/**
 * A signed no counts on whichever level its reviewer may vote: an earlier yes of theirs, separation of duties, a closed
 * level or what a question allows do not take that away. The claim, and the commit that answers a question, ask the same.
 */
export function refusalOfObjection(
  { levels, digest }: Pick<RevisionSpec, 'levels' | 'digest'>,
  { groups }: Pick<Voter, 'groups'>,
  named: string,
  at: number,
): 'not_an_approver' | 'digest_mismatch' | undefined {
  if (!levels.some((level) => mayVote(level, groups, at))) return 'not_an_approver';
  return named === digest ? undefined : 'digest_mismatch';
}

export interface ProposedDecision {
  readonly type: DecisionType;
  readonly digest: string;
  readonly comment: string | null;
  readonly editedArguments: JsonObject | null;
  readonly response: Json | undefined;
}

/** As {@link refusalOf}, with what the decision carries. */
export function checkDecision(
  state: ReviewState,
  voter: Voter,
  decision: ProposedDecision,
  at: number,
): DecisionRefusal | undefined {
  const { type, digest, comment, editedArguments, response } = decision;
  const refusal = refusalOf(type, state, voter, at, digest);
  if (refusal !== undefined) return refusal;
  if (type === 'revise' && (comment ?? '').trim() === '') return 'comment_required';
  if (type === 'respond' && response === undefined) return 'response_required';
  return type === 'edit' && editedArguments === null ? 'edit_invalid' : undefined;
}

/** Group membership by exact name. */
export function mayVote(level: Level | undefined, groups: readonly string[], at: number): boolean {
  return level !== undefined && approversAt(level, at).some((group) => groups.includes(group));
}

export function approversAt(level: Pick<Level, 'approvers' | 'escalation'>, at: number): readonly string[] {
  return [...new Set([...level.approvers, ...escalatedTo(level, at)])];
}

/** Every group that may ever vote on a level, and from when on (ISO 8601; null: from the start). */
export function approversOf({
  approvers,
  escalation,
}: Pick<Level, 'approvers' | 'escalation'>): readonly { readonly group: string; readonly from: string | null }[] {
  const own = [...new Set(approvers)].map((group) => ({ group, from: null }));
  const later = [...new Set(escalation?.to)].filter((group) => !approvers.includes(group));
  return [...own, ...later.map((group) => ({ group, from: escalation?.at ?? null }))];
}

/** The level that waits for votes. */
export function openLevelOf(review: Pick<Review, 'status' | 'level' | 'levels'>): Review['levels'][number] | undefined {
  return review.status === 'pending' ? review.levels[review.level - 1] : undefined;
}

/** Votes that a level has. An edit and an answer count as a vote too. */
export function countYeses({ decisions }: Pick<Review['levels'][number], 'decisions'>): number {
  return decisions.filter(({ type }) => type !== 'reject' && type !== 'revise').length;
}

/** Whether a row of a list waits for this person. */
export function waitsFor({ status, approvers, closedTo }: ReviewRow, { id, groups }: Voter): boolean {
  return status === 'pending' && approvers.some((group) => groups.includes(group)) && !closedTo.includes(id);
}

/** What decides whether an outcome can be settled by hand. */
export interface OutcomeState {
  /** The execution is `outcome_unknown` and has not been reconciled. */
  readonly isUnknown: boolean;
  /** ISO 8601; before it the request may still be in flight. */
  readonly settledBy: string | null;
  readonly levels: readonly Level[];
  readonly owner: string | null;
}

/**
 * Who may say what became of a call: a reviewer who may vote on the last level and is not the owner. A call that needed
 * no decision can be reconciled by any reviewer but the owner.
 */
export function refusalOfReconcile(
  { isUnknown, settledBy, levels, owner }: OutcomeState,
  { id, groups }: Voter,
  at: number,
): 'not_reconcilable' | 'not_an_approver' | 'self_approval' | undefined {
  if (!isUnknown) return 'not_reconcilable';
  const last = levels.at(-1);
  if (last === undefined ? groups.length === 0 : !mayVote(last, groups, at)) return 'not_an_approver';
  if (id === owner) return 'self_approval';
  return settledBy !== null && at < Date.parse(settledBy) ? 'not_reconcilable' : undefined;
}

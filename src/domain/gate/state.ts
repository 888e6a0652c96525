import type { Json, JsonObject } from '../../contract/json.ts';
import type { DecisionType, Level, Material } from '../../contract/review.ts';
import { hasEnded } from '../lifecycle.ts';

/** What one revision asks for. Times are epoch ms. */
export interface RevisionSpec {
  readonly revision: number;
  readonly digest: string;
  readonly levels: readonly Level[];
  readonly separationOfDuties: boolean;
  readonly proposer: string;
  readonly owner: string | null;
  /** The reviewer whose edit this revision is; under separation of duties they have no vote on it. */
  readonly editor?: string | undefined;
  readonly expiresAt: number;
  readonly allowed: readonly DecisionType[];
}

/** A yes that counts on the current revision. */
export interface Vote {
  readonly decisionUlid: string;
  readonly reviewer: string;
  /** 1-based. */
  readonly level: number;
  readonly type: 'approve' | 'edit' | 'respond';
}

interface Ended {
  readonly spec: RevisionSpec;
  readonly votes: readonly Vote[];
  readonly at: number;
}

/** The gate machine. Each state holds what belongs to it and nothing else. */
export type GateState =
  | { readonly tag: 'pending'; readonly spec: RevisionSpec; readonly level: number; readonly votes: readonly Vote[] }
  | {
      readonly tag: 'changes_requested';
      readonly spec: RevisionSpec;
      readonly by: string;
      readonly comment: string;
      readonly at: number;
    }
  | (Ended & {
      readonly tag: 'approved';
      readonly by: string;
      readonly comment: string | null;
      readonly answer: Answer;
    })
  | (Ended & { readonly tag: 'rejected'; readonly by: string; readonly comment: string | null })
  | (Ended & { readonly tag: 'expired' })
  | (Ended & { readonly tag: 'withdrawn'; readonly by: string })
  | (Ended & { readonly tag: 'aborted'; readonly reason: string });

/** How a yes was said: as it stands, or (in-flow only) with an answer instead. */
export type Answer = { readonly kind: 'approve' } | { readonly kind: 'respond'; readonly response: Json };

/** A verified decision, as the admission activity hands it over: plain facts, no judgement yet. */
export interface DecisionFact {
  readonly decisionUlid: string;
  readonly revision: number;
  readonly level: number;
  readonly type: DecisionType;
  readonly digest: string;
  readonly reviewer: string;
  /** Groups by the directory in force when the decision was admitted, never from the envelope; empty: unknown person. */
  readonly groups: readonly string[];
  readonly editedArguments: JsonObject | null;
  readonly response: Json | undefined;
  readonly comment: string | null;
}

/** A verified revision by the proposer; a withdrawal is one without arguments. */
export interface RevisionFact {
  readonly decisionUlid: string;
  readonly proposer: string;
  readonly digest: string;
  readonly arguments: JsonObject;
}

export type WithdrawalFact = Omit<RevisionFact, 'arguments'>;

export type GateEvent =
  | { readonly type: 'voted'; readonly vote: Vote }
  | { readonly type: 'levelPassed'; readonly level: number }
  | {
      readonly type: 'approved';
      readonly by: string;
      readonly comment: string | null;
      readonly answer: Answer;
      readonly at: number;
    }
  | { readonly type: 'rejected'; readonly by: string; readonly comment: string | null; readonly at: number }
  | { readonly type: 'changesRequested'; readonly by: string; readonly comment: string; readonly at: number }
  /** A new digest: all votes are void, level one is open again. */
  | { readonly type: 'revised'; readonly spec: RevisionSpec }
  | { readonly type: 'withdrawn'; readonly by: string; readonly at: number }
  | { readonly type: 'expired'; readonly at: number }
  | { readonly type: 'aborted'; readonly reason: string; readonly at: number };

export type EndedState = Exclude<GateState, { tag: 'pending' | 'changes_requested' }>;

export function isEnded(state: GateState): state is EndedState {
  return hasEnded(state.tag);
}

export function openGate(spec: RevisionSpec): GateState {
  return { tag: 'pending', spec, level: 1, votes: [] };
}

/** Applies one event. An ended state stays as it is, whatever comes. */
export function evolve(state: GateState, event: GateEvent): GateState {
  if (isEnded(state)) return state;
  const { spec } = state;
  const votes = state.tag === 'pending' ? state.votes : [];
  switch (event.type) {
    case 'voted':
      return state.tag === 'pending' ? { ...state, votes: [...state.votes, event.vote] } : state;
    case 'levelPassed':
      return state.tag === 'pending' ? { ...state, level: event.level + 1 } : state;
    case 'approved':
      return state.tag === 'pending'
        ? { tag: 'approved', spec, votes, at: event.at, by: event.by, comment: event.comment, answer: event.answer }
        : state;
    case 'rejected':
      return { tag: 'rejected', spec, votes, at: event.at, by: event.by, comment: event.comment };
    case 'changesRequested':
      return state.tag === 'pending'
        ? { tag: 'changes_requested', spec, by: event.by, comment: event.comment, at: event.at }
        : state;
    case 'revised':
      return openGate({ ...event.spec, expiresAt: Math.min(event.spec.expiresAt, spec.expiresAt) });
    case 'withdrawn':
      return { tag: 'withdrawn', spec, votes, at: event.at, by: event.by };
    case 'expired':
      return { tag: 'expired', spec, votes, at: event.at };
    case 'aborted':
      return { tag: 'aborted', spec, votes, at: event.at, reason: event.reason };
    default:
      return event satisfies never;
  }
}

/**
 * What the gate machine needs of a revision of the call. A held revision always has a deadline. `editor`: the reviewer
 * whose edit led to it.
 */
export function specOf(
  material: Material,
  digest: string,
  allowed: readonly DecisionType[],
  editor?: string,
): RevisionSpec {
  return {
    revision: material.revision,
    digest,
    levels: material.levels,
    separationOfDuties: material.separationOfDuties,
    proposer: material.proposer,
    owner: material.owner,
    ...(editor === undefined ? {} : { editor }),
    expiresAt: material.expiresAt === null ? 0 : Date.parse(material.expiresAt),
    allowed,
  };
}

import { defineSearchAttributeKey } from '@temporalio/common';
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { BODY_LIMITS } from '../contract/constants.ts';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { ExecuteRequest } from '../contract/execute.ts';
import type { ApprovalRequest } from '../contract/in-flow.ts';
import type { ReceiptCode } from '../contract/codes.ts';
import type { Review } from '../contract/review.ts';

/**
 * Everything that crosses between a Holdpoint workflow and those who start, signal or query it. Senders import these
 * definitions instead of writing signal names by hand.
 */
export const GATE_TASK_QUEUE = 'holdpoint-gate';
export const EXECUTE_TASK_QUEUE = 'holdpoint-execute';
/** For the one activity that runs outside a workflow: its slots are its own, so that reads never delay approved calls. */
export const DIRECT_TASK_QUEUE = 'holdpoint-direct';
export const EXECUTE_FREE = 'executeFree';
export const GATED_CALL = 'gatedCall';
export const APPROVAL_GATE = 'approvalGate';

/**
 * The only argument of `gatedCall`: the body of `POST /v1/execute` and, where the starter can sign, its proposal. With
 * a valid envelope only the envelope counts; without one the review is not attested.
 */
export type GatedCallInput = ExecuteRequest & { readonly proposal?: DsseEnvelope };

/** The only argument of `approvalGate`: a question, or a reviewer's signed request for a drill. */
export type QuestionInput = ApprovalRequest | { readonly drill: DsseEnvelope };

export const submitDecision = defineSignal<[DsseEnvelope]>('submitDecision');
export const submitRevision = defineSignal<[DsseEnvelope]>('submitRevision');
export const withdraw = defineSignal<[DsseEnvelope]>('withdraw');
export const reconcile = defineSignal<[DsseEnvelope]>('reconcile');

/** State as the workflow sees it. `review` is null until the call is classified. */
export interface ReviewQueryResult {
  readonly review: Review | null;
  /** The last 200: decisionUlid → `accepted` or the code of its refusal. */
  readonly receipts: Readonly<Record<string, ReceiptCode>>;
}
export const getReview = defineQuery<ReviewQueryResult>('getReview');

/** Registered with the namespace before any worker polls; an unknown one would wedge workflow tasks. */
export const SEARCH_ATTRIBUTES = {
  status: defineSearchAttributeKey('HoldpointStatus', 'KEYWORD'),
  class: defineSearchAttributeKey('HoldpointClass', 'KEYWORD'),
  tool: defineSearchAttributeKey('HoldpointTool', 'KEYWORD'),
  proposer: defineSearchAttributeKey('HoldpointProposer', 'KEYWORD'),
} as const;
/** A function, not a constant: the client, which needs none of it, would be packed with it. */
export function searchAttributeNames(): readonly string[] {
  return Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
}

/**
 * A start can carry 2 MB, of which the review would be more than may be stored or queried. What stands beside the
 * envelope is as long as the body of `POST /v1/execute` may be, or is not looked at.
 */
export function boundRequest(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return null;
  const { proposal, ...rest } = request as { readonly proposal?: unknown };
  return fits(rest) ? request : { proposal };
}

/** The same for a question, which is not signed: there `proposal` is what is asked. */
export function boundQuestion(question: unknown): unknown {
  return typeof question === 'object' && question !== null && fits(question) ? question : null;
}

function fits(value: object): boolean {
  return new TextEncoder().encode(JSON.stringify(value)).length <= BODY_LIMITS.call;
}

/** TypeScript client of Holdpoint. No run-time dependencies: `fetch` and nothing else. */
export { Holdpoint, type Audit, type ExecuteOptions, type Freezes } from './holdpoint.ts';
export type { Duration, HoldpointOptions } from './options.ts';
export type { RetryOptions } from './retry.ts';
export {
  HoldpointError,
  ResolutionTimeoutError,
  type HoldpointErrorCode,
  type HoldpointErrorDetails,
  type LocalErrorCode,
} from './errors.ts';
export type {
  BatchCall,
  BatchResult,
  BlockedResult,
  ErrorResult,
  EscalatedResult,
  ExecutedResult,
  ExecuteResult,
} from './result.ts';
export type { Resolution, ResolvedCall } from './resolution.ts';
export type { ChangesRequested, OnChangesRequested } from './long-poll.ts';
export type {
  ResolutionOptions,
  ReviewHandle,
  RevisionOptions,
  DecideResult,
  DecisionResult,
  GetOptions,
  ListOptions,
  ReviewPage,
  Reviews,
} from './reviews.ts';
export type { ReviewEvent, ReviewRowEvent, WatchOptions } from './events.ts';
export {
  verifyCallback,
  verifyWebhook,
  type Callback,
  type Webhook,
  type WebhookOptions,
  type WebhookRequest,
} from './webhook.ts';
export { newReviewId, signProposal, type SignedProposal, type SignProposalOptions } from './proposal.ts';
export type { AuditPage, CheckpointResponse, Explanation, ExplainRequest } from '../contract/api.ts';
export type { ProblemCode, ReasonCode, ExecutionErrorCode } from '../contract/codes.ts';
export type { FreezeAnswer, FreezeList, FreezeRequest, FreezeView } from '../contract/freeze.ts';
export type { ExecuteRequest, ExecuteResponse } from '../contract/execute.ts';
export type { DecisionRequest, ReconcileRequest } from '../contract/decision.ts';
export type { Json, JsonObject } from '../contract/json.ts';
export type { Review, ReviewRow, ReviewStatus, ExecutionStatus, ExecutionView } from '../contract/review.ts';
export type { ProofFile, AuditEntry, IndexedEntry } from '../contract/audit.ts';

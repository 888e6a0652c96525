import type {
  AuditPage,
  CheckpointResponse,
  Explanation,
  ExplainRequest,
  ListQuery,
  ListResponse,
  Queued,
} from '../../contract/api.ts';
import type { DecisionRequest, ReconcileRequest, RevisionRequest } from '../../contract/decision.ts';
import type { ExecuteBatchRequest, ExecuteRequest, ExecuteResponse } from '../../contract/execute.ts';
import type {
  AuditFilter,
  AuditKeys,
  ConsistencyResponse,
  EntriesQuery,
  InclusionResponse,
} from '../../contract/audit-query.ts';
import type { IndexedEntry, ProofFile } from '../../contract/audit.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Review, ReviewRow } from '../../contract/review.ts';
import type { AgentPrincipal, Principal, ReviewerPrincipal } from '../principal.ts';
import type { Scan } from './scan.ts';

/** How long to hold a state that may change. */
export interface WaitOptions {
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
  /** Held no longer, either, once a reviewer has asked for changes: the proposer's turn. */
  readonly orChanges?: boolean;
}

/** What every request brings along besides its body. */
export interface Caller {
  /** Where this service is reached, without a slash at the end; for `statusUrl`. */
  readonly baseUrl: string;
  /** Aborted when the caller is gone or the process shuts down; waiting ends, work that was begun does not. */
  readonly signal: AbortSignal;
}

export interface ExecuteOptions extends Caller {
  readonly idempotencyKey?: string | undefined;
}

export interface ExecuteAnswer {
  readonly httpStatus: 200 | 202 | 403 | 502;
  readonly body: ExecuteResponse;
  /** The idempotency key was seen before: this is the review of the first request. */
  readonly replayed: boolean;
}

export interface BatchAnswer {
  readonly group: string;
  /** One per call, in order: the fields of a single execute, or of a problem, and its `httpStatus`. */
  readonly results: readonly Readonly<Record<string, unknown>>[];
}

/** What became of a signed signal. */
export type Settled =
  | { readonly httpStatus: 200; readonly review: Review }
  /** Durably queued: no worker has looked at it within 2 s. */
  | { readonly httpStatus: 202; readonly queued: Queued };

export interface DecisionResult {
  readonly reviewId: ReviewId;
  readonly httpStatus: number;
  readonly code?: string;
}

/** A change in a stream; `index` is the audit index of the entry that made it. */
interface ReviewEvent<T extends Review | ReviewRow> {
  readonly index: number;
  readonly review: T;
}

/** Streams yield what has happened together, and `idle` when nothing did for 15 s. */
export type Streamed<T extends Review | ReviewRow> = readonly ReviewEvent<T>[] | 'idle';

/**
 * Everything a door (HTTP, MCP) does for an authenticated principal. Free of transport: arguments are validated
 * shapes, refusals are thrown as `ProblemError` with a stable code.
 */
export interface GateService {
  /** Loads the SQL parser and begins to follow the audit log. */
  start(): Promise<void>;
  close(): Promise<void>;

  execute(principal: AgentPrincipal, request: ExecuteRequest, options: ExecuteOptions): Promise<ExecuteAnswer>;
  executeBatch(principal: AgentPrincipal, request: ExecuteBatchRequest, options: ExecuteOptions): Promise<BatchAnswer>;
  revise(principal: AgentPrincipal, reviewId: ReviewId, request: RevisionRequest, caller: Caller): Promise<Settled>;
  withdraw(principal: AgentPrincipal, reviewId: ReviewId, caller: Caller): Promise<Settled>;

  decide(principal: ReviewerPrincipal, reviewId: ReviewId, request: DecisionRequest, caller: Caller): Promise<Settled>;
  /** Each stands alone; several on one review are taken in order. */
  decideMany(
    principal: ReviewerPrincipal,
    decisions: readonly (DecisionRequest & { readonly reviewId: ReviewId })[],
    caller: Caller,
  ): Promise<readonly DecisionResult[]>;
  reconcile(
    principal: ReviewerPrincipal,
    reviewId: ReviewId,
    request: ReconcileRequest,
    caller: Caller,
  ): Promise<Settled>;

  /** Full state as the principal may read it; with `waitSeconds` held until final. Throws `not_found`. */
  getReview(principal: Principal, reviewId: ReviewId, options: WaitOptions): Promise<Review>;
  listReviews(principal: Principal, query: ListQuery): Promise<ListResponse>;
  /** Ends after the final state. Undefined: final, and the caller has seen it (`after`). */
  watchReview(
    principal: Principal,
    reviewId: ReviewId,
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<Streamed<Review>> | undefined>;
  /** Rows of all reviews that change and that the principal may see, without end. Throws `resume_too_old`. */
  watchAll(principal: Principal, after: number | undefined, scan: Scan): Promise<AsyncGenerator<Streamed<ReviewRow>>>;
  explain(principal: Principal, request: ExplainRequest): Explanation;
  proof(reviewId: ReviewId, signal: AbortSignal): Promise<ProofFile>;
  auditEntries(query: EntriesQuery, scan: Scan): Promise<AuditPage>;
  /** Every entry that fits, page by page, up to the present end of the log; ends early once `scan` is aborted. */
  exportEntries(filter: AuditFilter, scan: Scan): AsyncGenerator<readonly IndexedEntry[]>;
  /** Both throw `invalid_request` where the log is not that long. */
  inclusionProofs(size: number, indices: readonly number[]): Promise<InclusionResponse>;
  consistencyProof(from: number, to: number): Promise<ConsistencyResponse>;
  auditKeys(): AuditKeys;
  auditCheckpoint(): Promise<CheckpointResponse>;
}

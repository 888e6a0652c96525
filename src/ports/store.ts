import type { AuditEntry, IndexedEntry } from '../contract/audit.ts';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { ReviewId } from '../contract/ids.ts';
import type { Timestamp } from '../contract/json.ts';
import type { ExecutionView, Material, Review, ReviewRow, ReviewStatus } from '../contract/review.ts';
import type { StoredEnvelope } from '../domain/gate/change.ts';
import type { LedgerRow, LedgerTransition } from '../domain/ledger.ts';
import type { ListedTool, UpstreamTool } from '../domain/upstream.ts';
import type { FreezeStore, FreezeWrite } from './freezes.ts';
import type { ObjectionStore } from './objections.ts';
import type { DeliveryStore } from './outbox.ts';
import type { PartStore } from './parts.ts';
import type { McpRequests, ProposedCalls } from './proposed-calls.ts';
import type { RecoveryStore } from './recovery.ts';
import type { SessionStore } from './sessions.ts';

/**
 * Storage as its users see it. One verb writes: {@link Store.commit} takes at most one ledger transition, the audit
 * entries that record it and the review row that shows it, and writes all of them or none.
 */

/** What the commit does to the reviews table (serves reads; execution never reads it). */
export type ReviewWrite =
  /**
   * By the gate worker: the whole state except `execution`, which is kept where the row has one already. `envelopes`
   * and `materials` are those that this commit adds; a material replaces an earlier one of the same revision.
   */
  | {
      readonly kind: 'state';
      readonly review: Review;
      readonly envelopes: readonly StoredEnvelope[];
      readonly materials: readonly Material[];
      /** The execution is written too: this very commit settles it in the ledger (a call refused, one reconciled). */
      readonly settlesExecution?: boolean;
    }
  /** By the execute worker, the sweeper and reconcile. */
  | {
      readonly kind: 'execution';
      readonly reviewId: ReviewId;
      readonly execution: ExecutionView;
      /** Whose call it is, where that is known. Not stored: for who is told of the commit. */
      readonly of?: Pick<Material, 'proposer' | 'tool' | 'class'> | undefined;
    }
  /** By the sweeper, for a review whose workflow is gone: ends it as `status`. */
  | { readonly kind: 'end'; readonly reviewId: ReviewId; readonly status: ReviewStatus; readonly at: Timestamp };

export interface Commit {
  /**
   * Makes the commit idempotent: local activities are tried again after a time-out that may have hidden a success.
   * A commit whose key is in the store already writes nothing and answers `ok` with the current ledger row and the
   * indices written then. Unique over the whole store, e.g. `decided:<decisionUlid>`. The key is kept only where the
   * commit succeeded.
   */
  readonly key?: string;
  readonly ledger?: LedgerTransition;
  readonly entries: readonly AuditEntry[];
  readonly review?: ReviewWrite;
  /** Goes with its entry, `frozen` or `lifted`, and refuses from then on what was judged without it. */
  readonly freeze?: FreezeWrite;
}

export type CommitResult =
  /** Written. `row` is the ledger row after it, where a transition was asked for; `indices` those of the entries. */
  | { readonly ok: true; readonly row: LedgerRow | null; readonly indices: readonly number[] }
  /** `open` only: a row of this proposal is there already; nothing was written. */
  | { readonly ok: false; readonly why: 'existing'; readonly row: LedgerRow }
  /**
   * Nothing was written: the row is in another state (or of another proposal), or (`outdated`) the call was judged by other
   * freezes than those that stand.
   */
  | { readonly ok: false; readonly why: 'refused' | 'outdated'; readonly row: LedgerRow | null };

export interface ListFilter {
  readonly status?: readonly string[];
  readonly tool?: string;
  readonly service?: string;
  readonly proposer?: string;
  readonly threadId?: string;
  readonly group?: string;
  /** Only those that wait to be reconciled, or only approved calls that have not been claimed. */
  readonly execution?: 'outcome_unknown' | 'not_started';
  /** Pending reviews whose open level one of these groups may vote on (`approver=me`). */
  readonly approverGroups?: readonly string[];
}

export interface StoredReview {
  readonly review: Review;
  /** Audit index of the last change; the `id` of its event. */
  readonly index: number;
}

/** Place in the order of last changes: audit index, then review. `''` comes before every review. */
export interface ChangeCursor {
  readonly index: number;
  readonly reviewId: ReviewId | '';
}

/** A review as {@link Store.listReviews} shows it; `index` is the audit index of its last change. */
export interface ChangedRow {
  readonly index: number;
  readonly row: ReviewRow;
}

/** What storage can tell of an entry; all that is given must fit. */
export interface EntryFilter {
  readonly types?: readonly string[];
  readonly person?: string;
  /** `since` ≤ time < `until`, to the second. */
  readonly since?: Timestamp;
  readonly until?: Timestamp;
}

/** Entries `from` to before `to`. */
export interface LogStretch {
  readonly from: number;
  readonly to: number;
  readonly order: 'asc' | 'desc';
}

export interface AuditHead {
  readonly size: number;
  /** Base64 SHA-256 root hash (RFC 6962); of the empty string for an empty log. */
  readonly root: string;
}

/** A change as the tail of the audit log tells it: one per entry that belongs to a review, in order. */
export interface TailEvent {
  readonly index: number;
  readonly entry: AuditEntry;
}

/**
 * Errors of storage.
 *
 * - `database_unavailable`: trying again may help. Where the connection was lost while writing, the write may have
 *   happened; a commit with a `key` can be repeated safely.
 * - `write_refused`: this write can never succeed: the login lacks the right, or the data does not fit. Nothing was written.
 * - `log_rolled_back`: the log does not extend the last checkpoint that this machine kept.
 * - `pooler_in_transaction_mode`: a session is needed, for settings, notifications and the lock of migrations.
 * - `storage_corrupt`: what is stored contradicts itself.
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code:
    | 'database_unavailable'
    | 'write_refused'
    | 'log_rolled_back'
    | 'storage_corrupt'
    | 'pooler_in_transaction_mode';
  constructor(code: StorageError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface Store {
  /** Group commit: concurrent calls share one transaction; each stands or falls alone. */
  commit(commit: Commit): Promise<CommitResult>;
  readLedger(reviewId: ReviewId): Promise<LedgerRow | undefined>;
  /** Evidence envelopes, written by the execute worker and read back by the gate worker. Last write wins. */
  putEvidence(reviewId: ReviewId, revision: number, envelope: DsseEnvelope): Promise<void>;
  readEvidence(reviewId: ReviewId, revision: number): Promise<DsseEnvelope | undefined>;
  /** Hard-gated reviews that have not ended, of one proposer or of all with this beginning of their ids. */
  countPending(of: string | { readonly prefix: string }): Promise<number>;
  /** When the `n`-th of a tool's irreversible calls was claimed, counted back from the last. Undefined: there are fewer. */
  nthLastClaim(tool: string, n: number): Promise<Timestamp | undefined>;
  /**
   * Counts a sensitive call that is to run without a decision. False: `atMost` of its tool were counted in the last hour
   * (over all workers), and this one was not. The same review is counted once.
   */
  admitSensitive(tool: string, reviewId: ReviewId, atMost: number): Promise<boolean>;

  readReview(reviewId: ReviewId): Promise<StoredReview | undefined>;
  /** Envelopes and digest inputs of a review, for proofs. */
  readRecord(
    reviewId: ReviewId,
  ): Promise<{ envelopes: readonly StoredEnvelope[]; materials: readonly Material[] } | undefined>;
  /** Ordered by deadline (none last), then id. `cursor` is opaque; an unreadable one is treated as a malformed request (`undefined` returned). */
  listReviews(
    filter: ListFilter,
    limit: number,
    cursor?: string,
  ): Promise<{ rows: readonly ReviewRow[]; nextCursor: string | null } | undefined>;

  /**
   * Reviews that changed after a place in the log, each once and as it stands now, in the order of their last change. With
   * a `proposer` only that one's, at no cost for what others have done.
   */
  changes(after: ChangeCursor, limit: number, proposer?: string): Promise<readonly ChangedRow[]>;
  /** How many reviews of a proposer changed after an audit index; counts no further than `most`. */
  countChanges(after: number, proposer: string, most: number): Promise<number>;

  head(): Promise<AuditHead>;
  entries(from: number, limit: number): Promise<readonly IndexedEntry[]>;
  /** Of a stretch of the log the first entries that may fit, in its order; whether one does is for the caller to ask again. */
  findEntries(filter: EntryFilter, stretch: LogStretch, limit: number): Promise<readonly IndexedEntry[]>;
  entriesOf(reviewId: ReviewId): Promise<readonly IndexedEntry[]>;
  /** RFC 6962 proofs; base64 hashes. */
  inclusionProof(index: number, size: number): Promise<readonly string[]>;
  consistencyProof(from: number, to: number): Promise<readonly string[]>;
  /** Latest signed checkpoint (C2SP note), if any. */
  checkpoint(): Promise<{ size: number; note: string } | undefined>;
  putCheckpoint(size: number, note: string): Promise<void>;
  /**
   * Tools of upstream MCP servers: the execute worker writes what a server lists now, the others read it. Resolves with
   * the number of new names that were left out, which have no tools then: the server has had too many.
   */
  putUpstreamTools(server: string, tools: readonly ListedTool[]): Promise<number>;
  readUpstreamTools(): Promise<readonly UpstreamTool[]>;
  /**
   * Every commit that this process writes from now on, once it is durable; a repeated one (`key`) is told once. Returns how to
   * stop.
   */
  onWritten(listener: (commit: Commit) => void): () => void;
  /** Every entry from now on, in order, without gaps. Returns how to stop. */
  tail(listener: (event: TailEvent) => void): Promise<() => void>;

  readonly objections: ObjectionStore;
  readonly freezes: FreezeStore;
  readonly sessions: SessionStore;
  readonly statements: StatementStore;
  /** What people and machines are told, derived from the log. */
  readonly deliveries: DeliveryStore;
  readonly proposedCalls: ProposedCalls;
  readonly mcpRequests: McpRequests;
  readonly recovery: RecoveryStore;
  readonly parts: PartStore;

  /**
   * Deletes arguments, results, comments and materials of reviews that ended before a time, in batches; the log still
   * verifies. `onBatch` hears after each how many were erased so far.
   */
  erase(endedBefore: Timestamp, onBatch?: (erased: number) => void): Promise<number>;
  ping(): Promise<void>;
  /** What operators watch. */
  operation(): Promise<OperationalState>;
  /** Connections of this process; null: the embedded database has none. */
  connections(): ConnectionUse | null;
  close(): Promise<void>;
}

/** Counts, and ages in seconds; an age is 0 where there is nothing that could have one. */
export interface OperationalState {
  /** Hard-gated reviews that have not ended. */
  readonly pending: number;
  readonly pendingOldest: number;
  /** How much of its time the pending review with the nearest deadline has used up: 0 to 1. */
  readonly deadlineElapsed: number;
  /** Approved calls that have not been claimed; their age is counted from the approval. */
  readonly approved: number;
  readonly approvedOldest: number;
  /** Calls whose outcome a person must settle; their age is counted from the claim. */
  readonly unknown: number;
  readonly unknownOldest: number;
  readonly logSize: number;
  /** Of the last checkpoint, where the log has grown since. */
  readonly checkpointAge: number;
  /** Entries of the log that have not been looked at for notifications. */
  readonly outboxLag: number;
  /** What waits to be told, by channel; channels where nothing waits are left out. */
  readonly outbox: readonly { readonly channel: string; readonly waiting: number; readonly oldest: number }[];
  /** Destinations that are told nothing since they answered 410. */
  readonly outboxDisabled: number;
}

export interface ConnectionUse {
  readonly open: number;
  readonly idle: number;
  /** Statements and transactions that wait for a connection. */
  readonly waiting: number;
}

/**
 * Statements of completeness and who waits for one. The api asks; the execute worker, which has no port, looks for
 * requests and answers them. Whatever stands here is believed only for the execute worker's signature.
 */
export interface StatementStore {
  /** Asks for a new statement on a review; asking twice is asking once. */
  request(reviewId: ReviewId): Promise<void>;
  /** Reviews that a statement is asked for, the longest waiting first. */
  requested(limit: number): Promise<readonly ReviewId[]>;
  /** Ends the request. Without a statement (none can be given) an earlier one stays. */
  answer(reviewId: ReviewId, statement?: DsseEnvelope): Promise<void>;
  read(reviewId: ReviewId): Promise<{ readonly statement: DsseEnvelope | null; readonly isRequested: boolean }>;
}

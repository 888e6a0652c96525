import { watchAll, watchReview, type ReviewEvent, type ReviewRowEvent, type WatchOptions } from './events.ts';
import { pollUntilFinal, type ResolutionOptions } from './long-poll.ts';
import type { Resolution } from './resolution.ts';
import type { Transport } from './transport.ts';
import type { ListResponse, Queued } from '../contract/api.ts';
import type { ProofFile } from '../contract/audit.ts';
import type { DecisionRequest, ReconcileRequest } from '../contract/decision.ts';
import type { DrillReport, DrillRequest, DrillStarted } from '../contract/drill.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Review, ReviewRow, ReviewStatus } from '../contract/review.ts';

export interface ListOptions {
  readonly status?: ReviewStatus | readonly ReviewStatus[];
  readonly tool?: string;
  readonly service?: string;
  readonly proposer?: string;
  readonly threadId?: string;
  readonly group?: string;
  /**
   * `outcome_unknown`: only calls with an unknown outcome, which wait for {@link Reviews.reconcile}. `not_started`: only
   * approved calls that have not started, which a `reject` still stops.
   */
  readonly execution?: 'outcome_unknown' | 'not_started';
  /** `me`: pending reviews whose open level this reviewer may vote on. */
  readonly approver?: 'me';
  readonly limit?: number;
  readonly cursor?: string;
}

export type ReviewPage = ListResponse;

export interface GetOptions {
  /** Seconds (0–60) that the server holds the answer until the review is final. */
  readonly waitSeconds?: number;
  readonly signal?: AbortSignal;
}

/**
 * What became of a decision, a revision, a withdrawal or a reconciliation. `admitted: false` (HTTP 202): it is queued and
 * not counted yet, because no worker has processed it. It is neither a yes nor a no, and may still be refused.
 */
export type DecideResult =
  | { readonly admitted: true; readonly review: Review }
  | { readonly admitted: false; readonly reviewId: string; readonly decisionUlid: string };

export interface DecisionResult {
  readonly reviewId: string;
  /** 200 admitted, 202 queued and not counted yet; anything else was refused with `code`. */
  readonly httpStatus: number;
  readonly code?: string;
  /** With `repeat_not_confirmed`: the reviews of the equal calls, to be named in `repeats`. */
  readonly repeats?: readonly string[];
}

/** Reviews as this key may see them: an agent its own, a reviewer or auditor all. */
export class Reviews {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Full state. Throws `not_found`, for an agent also where the review is another's. */
  async get(reviewId: string, options: GetOptions = {}): Promise<Review> {
    const { waitSeconds, signal } = options;
    return this.#transport.ask({
      method: 'GET',
      path: pathOf(reviewId),
      query: { waitSeconds },
      repeatable: 'always',
      holds: (waitSeconds ?? 0) * 1_000,
      signal,
    });
  }

  /** One page, ordered by deadline. */
  async list(options: ListOptions = {}): Promise<ReviewPage> {
    const { status, ...rest } = options;
    const query = { ...rest, status: status === undefined ? undefined : [status].flat().join(',') };
    return this.#transport.ask({ method: 'GET', path: '/v1/reviews', query, repeatable: 'always' });
  }

  /** Every review of a list, page by page. */
  async *listAll(options: Omit<ListOptions, 'cursor'> = {}): AsyncIterableIterator<ReviewRow> {
    let cursor: string | null = null;
    do {
      const page: ReviewPage = await this.list({ ...options, ...(cursor === null ? {} : { cursor }) });
      yield* page.reviews;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /** Changes as they come, across reconnects: of one review until it is final, or of all without end. */
  watch(reviewId: string, options?: WatchOptions): AsyncIterableIterator<ReviewEvent>;
  watch(options?: WatchOptions): AsyncIterableIterator<ReviewRowEvent>;
  watch(
    first?: string | WatchOptions,
    options?: WatchOptions,
  ): AsyncIterableIterator<ReviewEvent> | AsyncIterableIterator<ReviewRowEvent> {
    return typeof first === 'string' ? watchReview(this.#transport, first, options) : watchAll(this.#transport, first);
  }

  /** Waits until the review is final; see {@link ReviewHandle.resolution}. */
  resolution(reviewId: string, options?: ResolutionOptions): Promise<Resolution> {
    return pollUntilFinal(
      reviewId,
      (wait) => this.get(reviewId, wait),
      options,
      (args, revision) => this.revise(reviewId, args, { revision }),
    );
  }

  /**
   * Decides as the reviewer whose token this is, on exactly the digest that was shown. Not sent again when the
   * connection breaks: the first copy may have counted, so look before trying again.
   */
  async decide(reviewId: string, decision: DecisionRequest): Promise<DecideResult> {
    return this.#act(reviewId, 'decision', decision, 'unless-lost');
  }

  /** Several decisions in one request; each stands alone. */
  async decideMany(
    decisions: readonly (DecisionRequest & { readonly reviewId: string })[],
  ): Promise<readonly DecisionResult[]> {
    const { results } = await this.#transport.ask<{ readonly results: readonly DecisionResult[] }>({
      method: 'POST',
      path: '/v1/decisions',
      body: { decisions },
      repeatable: 'unless-lost',
    });
    return results;
  }

  /**
   * Answers a request for changes. It names the revision that it answers, so it is sent again where the connection
   * breaks, and counts once.
   */
  async revise(reviewId: string, args: JsonObject, options: RevisionOptions = {}): Promise<DecideResult> {
    const revision = options.revision ?? (await this.get(reviewId)).revision;
    return this.#act(reviewId, 'revision', { arguments: args, ...options, revision }, 'always');
  }

  /** Takes the proposal back. While it is only queued, the call may still be approved and run. */
  async withdraw(reviewId: string): Promise<DecideResult> {
    return this.#act(reviewId, 'withdraw', {}, 'unless-lost');
  }

  /** Settles `outcome_unknown`: what a person found out about the call. */
  async reconcile(reviewId: string, request: ReconcileRequest): Promise<DecideResult> {
    return this.#act(reviewId, 'reconcile', request, 'unless-lost');
  }

  /** The portable proof of a review; `holdpoint audit verify --proof` checks it offline. */
  async proof(reviewId: string): Promise<ProofFile> {
    return this.#transport.ask({ method: 'GET', path: `${pathOf(reviewId)}/proof`, repeatable: 'always' });
  }

  /** Starts a drill: everyone in the group is asked to answer, and nothing follows. A reviewer of the group may. */
  async startDrill(request: DrillRequest): Promise<DrillStarted> {
    return this.#transport.ask({ method: 'POST', path: '/v1/drills', body: request, repeatable: 'unless-lost' }, [202]);
  }

  /** Who was told of a drill, and who has answered so far. */
  async drillReport(reviewId: string): Promise<DrillReport> {
    const path = `/v1/drills/${encodeURIComponent(reviewId)}`;
    return this.#transport.ask({ method: 'GET', path, repeatable: 'always' });
  }

  async #act(
    reviewId: string,
    action: string,
    body: unknown,
    repeatable: 'always' | 'unless-lost',
  ): Promise<DecideResult> {
    const path = `${pathOf(reviewId)}/${action}`;
    const answer = await this.#transport.send(
      { method: 'POST', path, body, repeatable },
      ({ status }) => status === 200 || status === 202,
    );
    if (answer.status === 200) return { admitted: true, review: answer.json as Review };
    return { admitted: false, reviewId, decisionUlid: (answer.json as Queued).decisionUlid };
  }
}

function pathOf(reviewId: string): string {
  return `/v1/reviews/${encodeURIComponent(reviewId)}`;
}

export type { ResolutionOptions } from './long-poll.ts';

export interface RevisionOptions {
  readonly reason?: string;
  /**
   * The revision that changes were asked of; default: the present one. Give it where your process may die and answer
   * again: a revision that you have answered is not answered twice.
   */
  readonly revision?: number;
}

/** One review, by id. Keep the id and `client.review(id)` gives the same handle in another process. */
export interface ReviewHandle {
  readonly id: string;
  get(): Promise<Review>;
  /**
   * Waits until the review is final: it ended and its execution, if any, ended or is unknown. Polls and reconnects by
   * itself. Throws {@link ResolutionTimeoutError} when `timeout` runs out and the signal's reason when it is aborted.
   */
  resolution(options?: ResolutionOptions): Promise<Resolution>;
  /** Changes of this review as they come; ends when it is final. */
  watch(options?: WatchOptions): AsyncIterableIterator<ReviewEvent>;
  /** Answers a request for changes with other arguments of the same tool. The proposer alone may. */
  revise(args: JsonObject, options?: RevisionOptions): Promise<DecideResult>;
  /** Takes the proposal back. The proposer alone may. */
  withdraw(): Promise<DecideResult>;
}

export function reviewHandle(id: string, reviews: Reviews): ReviewHandle {
  return {
    id,
    get: () => reviews.get(id),
    resolution: (options) => reviews.resolution(id, options),
    watch: (options) => reviews.watch(id, options),
    revise: (args, options) => reviews.revise(id, args, options),
    withdraw: () => reviews.withdraw(id),
  };
}

import { HoldpointError } from './errors.ts';
import type { HoldpointOptions } from './options.ts';
import {
  parseBatchResults,
  type BatchCall,
  type BatchResult,
  isExecuteResponse,
  toExecuteResult,
  type ExecuteResult,
} from './result.ts';
import { reviewHandle, type ReviewHandle, Reviews } from './reviews.ts';
import { Transport } from './transport.ts';
import type { ExplainRequest, Explanation, AuditPage, CheckpointResponse } from '../contract/api.ts';
import type { IndexedEntry } from '../contract/audit.ts';
import type { ExecuteRequest } from '../contract/execute.ts';
import type { FreezeAnswer, FreezeList, FreezeRequest, FreezeView } from '../contract/freeze.ts';

export interface ExecuteOptions {
  /**
   * Same key and same body: the same review, however often it is sent. Default: a new one for each call of
   * `execute`, kept across its retries. Give one of your own where your process may die and propose again.
   */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/**
 * Client of one Holdpoint for one agent or one reviewer.
 *
 * @example
 * const hp = new Holdpoint();
 * const d = await hp.execute({ service: 'github', tool: 'github.repos.delete', arguments: { owner, repo } });
 * if (d.executed) use(d.execution.body);
 * else if (d.escalated) await d.review.resolution({ timeout: '10m' });
 * else if (d.blocked) explain(d.reasonCodes);
 * else report(d.executionError);
 */
export class Holdpoint {
  readonly reviews: Reviews;
  readonly audit: Audit;
  readonly freezes: Freezes;
  readonly #transport: Transport;

  /** Throws `not_configured` where URL or key are neither given nor in the environment. */
  constructor(options: HoldpointOptions = {}) {
    this.#transport = new Transport(options);
    this.reviews = new Reviews(this.#transport);
    this.audit = new Audit(this.#transport);
    this.freezes = new Freezes(this.#transport);
  }

  get url(): string {
    return this.#transport.url;
  }

  /** A handle on a review that exists already. */
  review(reviewId: string): ReviewHandle {
    return reviewHandle(reviewId, this.reviews);
  }

  /**
   * Proposes one call. Resolves for every outcome of the proposal; throws {@link HoldpointError} only where there is
   * no outcome (not authenticated, malformed, unavailable after all retries …).
   */
  async execute(call: ExecuteRequest, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    const answer = await this.#transport.send(
      {
        method: 'POST',
        path: '/v1/execute',
        body: call,
        headers: { 'idempotency-key': options.idempotencyKey ?? newKey() },
        repeatable: 'always',
        holds: Math.max(30, call.waitSeconds ?? 0) * 1_000,
        signal: options.signal,
      },
      ({ json }) => isExecuteResponse(json),
    );
    return this.#resultOf(answer.json);
  }

  /** Proposes up to 50 calls under one group. Each stands alone; results come in the order of the calls. */
  async executeBatch(
    calls: readonly BatchCall[],
    options: ExecuteOptions & { readonly group?: string } = {},
  ): Promise<BatchResult> {
    const { group, idempotencyKey, signal } = options;
    const answer = await this.#transport.ask({
      method: 'POST',
      path: '/v1/execute/batch',
      body: { calls, ...(group === undefined ? {} : { group }) },
      headers: { 'idempotency-key': idempotencyKey ?? newKey() },
      repeatable: 'always',
      holds: 60_000,
      signal,
    });
    return parseBatchResults(answer, (json) => this.#resultOf(json));
  }

  /** What policy says about a call, without proposing it. Runs nothing. */
  async explain(call: ExplainRequest): Promise<Explanation> {
    return this.#transport.ask({ method: 'POST', path: '/v1/policy/explain', body: call, repeatable: 'always' });
  }

  /** Public keys (`whpk_…`) that callbacks are signed with, for `verifyCallback`. Keep them; ask again when none holds. */
  async callbackKeys(): Promise<readonly string[]> {
    const { keys } = await this.#transport.ask<{ readonly keys: readonly { readonly publicKey: string }[] }>({
      method: 'GET',
      path: '/v1/callback-keys',
      repeatable: 'always',
    });
    return keys.map(({ publicKey }) => publicKey);
  }

  #resultOf(json: unknown): ExecuteResult {
    if (!isExecuteResponse(json)) {
      throw new HoldpointError({ code: 'unreadable_answer', status: 200, retryable: false, detail: 'not a result' });
    }
    return toExecuteResult(json, this.review(json.reviewId));
  }
}

function newKey(): string {
  return globalThis.crypto.randomUUID();
}

/** The audit log, for reviewers and auditors. What it answers is to be verified, not believed. */
export class Audit {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page of entries in order of their index. */
  async entries(options: { readonly from?: number; readonly limit?: number } = {}): Promise<AuditPage> {
    return this.#transport.ask({ method: 'GET', path: '/v1/audit/entries', query: options, repeatable: 'always' });
  }

  /** Every entry from an index on, page by page. */
  async *allEntries(
    options: { readonly from?: number; readonly limit?: number } = {},
  ): AsyncIterableIterator<IndexedEntry> {
    let from: number | null = options.from ?? 0;
    while (from !== null) {
      const page: AuditPage = await this.entries({ ...options, from });
      yield* page.entries;
      from = page.nextFrom;
    }
  }

  /** Latest signed checkpoint. Keep it: with it you can check later whether the log was tampered with. */
  async checkpoint(): Promise<CheckpointResponse> {
    return this.#transport.ask({ method: 'GET', path: '/v1/audit/checkpoint', repeatable: 'always' });
  }
}

/** What operators stop while everything runs. For reviewers; only operators freeze and lift. */
export class Freezes {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Those that stand, and the latest that were lifted. */
  async list(): Promise<FreezeList> {
    return this.#transport.ask({ method: 'GET', path: '/v1/freezes', repeatable: 'always' });
  }

  /** In force for every worker once this resolves. Sent again after a lost answer, it may make a second freeze. */
  async freeze(request: FreezeRequest): Promise<FreezeAnswer> {
    return this.#transport.ask({ method: 'POST', path: '/v1/freezes', body: request, repeatable: 'always' }, [201]);
  }

  /** Its `lifted` is null where no execute worker has looked at the lift yet. */
  async lift(freezeId: string, why: string): Promise<FreezeView> {
    const path = `/v1/freezes/${encodeURIComponent(freezeId)}/lift`;
    return this.#transport.ask({ method: 'POST', path, body: { why }, repeatable: 'unless-lost' }, [200, 202]);
  }
}

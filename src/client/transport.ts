import { LONGEST_TIMER_MS } from '../contract/constants.ts';
import { parseJsonWithTexts } from '../contract/exact-number.ts';
import { encodeJson } from './encode-json.ts';
import { HoldpointError, parseProblem } from './errors.ts';
import { toMs, resolveApiKey, resolveUrl, type HoldpointOptions } from './options.ts';
import { nextDelay, parseRetryAfter, retryPolicy, sleep, type RetryPolicy } from './retry.ts';

/**
 * What may be sent again when nothing came back. `always`: reading, or carrying an idempotency key. `unless-lost`: a
 * request whose first copy may have counted; it is sent again only when the server said that it did nothing.
 */
type Repeatable = 'always' | 'unless-lost';

interface RequestSpec {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeatable: Repeatable;
  /** Added to the request's own time-out, for long polls; ms. */
  readonly holds?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly json: unknown;
}

/** Sends requests and tries again where that is safe. */
export class Transport {
  readonly url: string;
  readonly parseJson: (text: string) => unknown;
  readonly #authorization: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #retry: RetryPolicy;
  readonly #timeout: number;

  constructor(options: HoldpointOptions) {
    this.url = resolveUrl(options.url);
    this.parseJson = options.parseJson ?? parseJsonWithTexts;
    this.#authorization = `Bearer ${resolveApiKey(options.apiKey)}`;
    // Bound at call time and called without a receiver: some runtimes refuse `this.fetch(…)`.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#headers = options.headers ?? {};
    this.#retry = retryPolicy(options.retry);
    this.#timeout = toMs(options.requestTimeout ?? 40_000);
  }

  /** Sends until answered; resolves for every status that `accept` takes. Throws HoldpointError, or the signal's reason. */
  async send(spec: RequestSpec, accept: (answer: Answer) => boolean): Promise<Answer> {
    // Every attempt sends the same bytes, whatever becomes of the value meanwhile.
    const body = spec.body === undefined ? undefined : encodeJson(spec.body);
    for (let attempt = 0; ; attempt += 1) {
      const result = await this.#attempt(spec, body, accept);
      if ('answer' in result) return result.answer;
      const { error, mayRepeat } = result;
      const delay = mayRepeat ? nextDelay(attempt, error.retryAfter, this.#retry, Math.random()) : undefined;
      if (delay === undefined) throw error;
      await sleep(delay, spec.signal);
    }
  }

  /** As {@link send}, for answers of which the status says all; the body is taken for a `T`, as the contract has it. */
  async ask<T>(spec: RequestSpec, statuses: readonly number[] = [200]): Promise<T> {
    const { json } = await this.send(spec, ({ status }) => statuses.includes(status));
    return json as T;
  }

  /** Opens a stream of server-sent events: one attempt, no time-out. Undefined: there is nothing more to come (204). */
  async open(spec: RequestSpec): Promise<ReadableStream<Uint8Array> | undefined> {
    const response = await this.#fetchOnce(spec, undefined, spec.signal, 'text/event-stream');
    if (response.status === 204) return undefined;
    if (response.ok && response.body !== null) return response.body;
    const text = await response.text().catch(() => '');
    throw parseProblem(response.status, text, parseRetryAfter(response.headers.get('retry-after'), Date.now()));
  }

  async #attempt(
    spec: RequestSpec,
    body: string | undefined,
    accept: (answer: Answer) => boolean,
  ): Promise<{ readonly answer: Answer } | { readonly error: HoldpointError; readonly mayRepeat: boolean }> {
    const deadline = AbortSignal.timeout(Math.min(this.#timeout + (spec.holds ?? 0), LONGEST_TIMER_MS));
    const signal = spec.signal === undefined ? deadline : AbortSignal.any([spec.signal, deadline]);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetchOnce(spec, body, signal, 'application/json');
      text = await response.text();
    } catch (cause) {
      if (cause instanceof HoldpointError) return { error: cause, mayRepeat: spec.repeatable === 'always' };
      if (spec.signal?.aborted === true) throw spec.signal.reason;
      return { error: lostConnection(this.url, cause), mayRepeat: spec.repeatable === 'always' };
    }
    const json = this.#readJson(text);
    const answer = { status: response.status, json };
    if (json !== undefined && accept(answer)) return { answer };
    const retryAfter = parseRetryAfter(response.headers.get('retry-after'), Date.now());
    const error = parseProblem(response.status, text, retryAfter);
    return { error, mayRepeat: error.retryable && (spec.repeatable === 'always' || saysNothingWasDone(error)) };
  }

  async #fetchOnce(
    spec: RequestSpec,
    body: string | undefined,
    signal: AbortSignal | undefined,
    accept: string,
  ): Promise<Response> {
    try {
      return await this.#fetch(this.#address(spec), {
        method: spec.method,
        headers: {
          ...this.#headers,
          accept,
          authorization: this.#authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...spec.headers,
        },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
        // A redirect could carry the key to another place: it is handed out as an answer that is not ours.
        redirect: 'manual',
      });
    } catch (cause) {
      if (spec.signal?.aborted === true) throw spec.signal.reason;
      throw lostConnection(this.url, cause);
    }
  }

  /** Undefined where it is not JSON. */
  #readJson(text: string): unknown {
    try {
      return this.parseJson(text);
    } catch {
      return undefined;
    }
  }

  #address(spec: RequestSpec): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(spec.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const text = query.toString();
    return `${this.url}${spec.path}${text === '' ? '' : `?${text}`}`;
  }
}

/** 429 and 503 come with a code of ours only before anything was started; a proxy's own 503 says nothing. */
function saysNothingWasDone(error: HoldpointError): boolean {
  return (error.status === 429 || error.status === 503) && error.code !== 'unreadable_answer';
}

function lostConnection(url: string, cause: unknown): HoldpointError {
  return new HoldpointError(
    { code: 'connection_failed', status: 0, retryable: true, detail: `no answer from ${url}` },
    { cause },
  );
}

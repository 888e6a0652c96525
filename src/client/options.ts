import { localError, type HoldpointError } from './errors.ts';
import type { RetryOptions } from './retry.ts';

export interface HoldpointOptions {
  /** Where Holdpoint is, e.g. `https://holdpoint.example.com`. Default: `HOLDPOINT_URL`. */
  readonly url?: string;
  /** An agent's key (`hpk_…`) or a reviewer's token (`hpr_…`). Default: `HOLDPOINT_API_KEY`. */
  readonly apiKey?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  readonly retry?: RetryOptions;
  /** Longest wait for one answer, beyond what a long poll asks for; default 40 s. */
  readonly requestTimeout?: Duration;
  /**
   * Parses answers and events. Default: `JSON.parse`, but numbers whose digits a double would change (beyond 2^53,
   * `1e400`) are the text of their literal. Throws where the text is not JSON.
   */
  readonly parseJson?: (text: string) => unknown;
  /** Headers sent with each request, e.g. for a proxy. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Reads one variable where the runtime has an environment; edge runtimes may have none. */
function readEnvironment(name: string): string | undefined {
  const runtime = globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> } };
  const value = runtime.process?.env?.[name];
  return value === undefined || value === '' ? undefined : value;
}

/** Base URL without a trailing slash. Throws `not_configured` where there is none or it is not http(s). */
export function resolveUrl(url: string | undefined): string {
  const text = url ?? readEnvironment('HOLDPOINT_URL');
  if (text === undefined)
    throw notConfigured(
      'no URL of Holdpoint is set; pass { url } to new Holdpoint(…), or set HOLDPOINT_URL, such as http://127.0.0.1:8080',
    );
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '') {
    throw notConfigured(`the URL must start with http:// or https:// and have no query, such as http://127.0.0.1:8080`);
  }
  return `${parsed.origin}${parsed.pathname}`.replace(/\/$/, '');
}

export function resolveApiKey(apiKey: string | undefined): string {
  const key = apiKey ?? readEnvironment('HOLDPOINT_API_KEY');
  if (key === undefined)
    throw notConfigured(
      'no key is set; pass { apiKey } to new Holdpoint(…), or set HOLDPOINT_API_KEY to an agent’s key (hpk_…) or a reviewer’s token (hpr_…)',
    );
  // A header value with anything else fails inside fetch with an error that quotes the key.
  if (!/^[\x21-\x7e]+$/.test(key)) throw notConfigured('the key contains characters that keys never contain');
  return key;
}

function notConfigured(detail: string): HoldpointError {
  return localError('not_configured', detail);
}

/** Milliseconds, or text such as `4s`, `30m`, `24h`, `7d`. */
export type Duration = number | string;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration. Throws a RangeError on anything else, so that a typing error never waits for ever. */
export function toMs(duration: Duration): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration) && duration >= 0) return duration;
    throw new RangeError(`not a duration in milliseconds: ${duration}`);
  }
  const match = /^([0-9]{1,7})(ms|s|m|h|d)$/.exec(duration);
  if (match === null) throw new RangeError(`not a duration such as 4s, 30m or 24h: ${duration}`);
  return Number(match[1]) * (UNITS[match[2] as string] as number);
}

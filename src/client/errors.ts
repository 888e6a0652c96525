import type { ProblemCode } from '../contract/codes.ts';

/** Codes that arise on this side of the wire; all others come from the server (`ProblemCode`). */
export type LocalErrorCode =
  /** No answer: refused, reset, timed out, name not found. */
  | 'connection_failed'
  /** Something answered, but not Holdpoint: a proxy's page, a cut body. */
  | 'unreadable_answer'
  /** `resolution()` waited as long as it was told to. The review goes on. */
  | 'local_timeout'
  /** Arguments hold what JSON cannot carry as it is, such as a `Date`, `NaN` or `-0`; `errors` names the place. Nothing was sent. */
  | 'arguments_invalid'
  /** No URL, no key or no secret, here or in the environment; or one that is none. */
  | 'not_configured'
  /** A webhook without the headers of Standard Webhooks. */
  | 'webhook_unsigned'
  /** A webhook that was sent too long ago, or by a clock that differs too much. */
  | 'webhook_expired'
  /** A webhook that none of the secrets signed. */
  | 'webhook_signature_invalid';

export type HoldpointErrorCode = ProblemCode | LocalErrorCode;

export interface HoldpointErrorDetails {
  readonly code: HoldpointErrorCode;
  /** HTTP status; 0 where nothing answered. */
  readonly status: number;
  /** Whether the same request, sent later, can succeed. */
  readonly retryable: boolean;
  /** Seconds the server asked to wait. */
  readonly retryAfter?: number;
  readonly detail?: string;
  /** What in the request does not fit, where the server says so. */
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
  /** The review that it is about, where the server says so: with `idempotency_mismatch` the one that the key stands for. */
  readonly reviewId?: string;
  /** With `repeat_not_confirmed`: the reviews of the equal calls. */
  readonly repeats?: readonly string[];
}

/** Every failure of the client. Branch on `code`; the message is for people. */
export class HoldpointError extends Error {
  override readonly name: string = 'HoldpointError';
  readonly code: HoldpointErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;
  readonly errors: readonly { readonly pointer: string; readonly message: string }[];
  readonly reviewId: string | undefined;
  readonly repeats: readonly string[];

  constructor(details: HoldpointErrorDetails, options?: ErrorOptions) {
    super(details.detail === undefined ? details.code : `${details.code}: ${details.detail}`, options);
    this.code = details.code;
    this.status = details.status;
    this.retryable = details.retryable;
    this.retryAfter = details.retryAfter;
    this.errors = details.errors ?? [];
    this.reviewId = details.reviewId;
    this.repeats = details.repeats ?? [];
  }
}

/** `resolution()` ran out of its own time. It decided nothing: the review is as it was, and may be waited for again. */
export class ResolutionTimeoutError extends HoldpointError {
  override readonly name = 'ResolutionTimeoutError';
  declare readonly reviewId: string;

  constructor(reviewId: string) {
    super({
      code: 'local_timeout',
      status: 0,
      retryable: true,
      detail: `${reviewId} has not been resolved yet; call resolution() again to keep waiting`,
      reviewId,
    });
  }
}

/** A failure on this side of the wire that the same request, sent again, meets again. */
export function localError(
  code: HoldpointErrorCode,
  detail: string,
  { errors, ...options }: ErrorOptions & { readonly errors?: HoldpointError['errors'] } = {},
): HoldpointError {
  return new HoldpointError({ code, status: 0, retryable: false, detail, ...(errors && { errors }) }, options);
}

/** The error that an answer which is no result stands for. `retryAfter` in seconds. */
export function parseProblem(status: number, text: string, retryAfter?: number): HoldpointError {
  const problem = readProblem(text);
  const wait = retryAfter === undefined ? {} : { retryAfter };
  if (problem === undefined) {
    const detail = `HTTP ${status} with a body that is not from Holdpoint; is this the right URL?`;
    return new HoldpointError({ code: 'unreadable_answer', status, retryable: status >= 500, detail, ...wait });
  }
  return new HoldpointError({ ...problem, status, retryable: status === 429 || status >= 500, ...wait });
}

function readProblem(text: string): Omit<HoldpointErrorDetails, 'status' | 'retryable'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, title, detail, errors, reviewId, repeats } = value as Record<string, unknown>;
  if (typeof code !== 'string') return undefined;
  const said = [detail, title].find((one) => typeof one === 'string');
  return {
    // A newer server may know codes that this client does not; they pass through as they are.
    code: code as ProblemCode,
    ...(said === undefined ? {} : { detail: said }),
    ...(Array.isArray(errors) ? { errors: errors as HoldpointError['errors'] } : {}),
    ...(typeof reviewId === 'string' ? { reviewId } : {}),
    ...(Array.isArray(repeats) ? { repeats: repeats.map(String) } : {}),
  };
}

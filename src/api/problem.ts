import type { Logger } from 'pino';
import type { FieldError } from '../contract/api.ts';
import { PROBLEMS, type ProblemCode } from '../contract/codes.ts';
import type { ReviewId } from '../contract/ids.ts';
import { formatCount } from '../domain/text/time.ts';
import { StorageError } from '../ports/store.ts';
import { defined } from '../contract/defined.ts';

export interface ProblemOptions {
  /** Words for the caller; written here, never taken from an error. Default: the code's title. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  /** The review that it is about, for `idempotency_mismatch`. */
  readonly reviewId?: ReviewId;
  /** The equal calls, for `repeat_not_confirmed`. */
  readonly repeats?: readonly ReviewId[];
  /** Methods that the path has, for `method_not_allowed`. */
  readonly allow?: readonly string[];
  readonly cause?: unknown;
}

/** A refusal with a stable code. The only error whose words reach a caller. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly reviewId: ReviewId | undefined;
  readonly repeats: readonly ReviewId[] | undefined;
  readonly allow: readonly string[] | undefined;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(code, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    const told = `${PROBLEMS[code].title}${listErrors(options.errors ?? [])}`;
    this.detail = options.detail ?? (told.endsWith('?') ? told : `${told}.`);
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds ?? DEFAULT_RETRY_AFTER[code];
    this.reviewId = options.reviewId;
    this.repeats = options.repeats;
    this.allow = options.allow;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** The first thing that is wrong, with its place; the others are in `errors`. */
function listErrors(errors: readonly FieldError[]): string {
  const [first, ...rest] = errors;
  if (first === undefined) return '';
  const more = rest.length === 0 ? '' : `, and ${rest.length} more`;
  return `: ${placeOf(first)}${first.message}${more}`;
}

/** A query parameter or header by its name; of the body, the pointer. */
function placeOf({ pointer, in: part }: FieldError): string {
  if (pointer === '') return '';
  const place = pointer.slice(0, 200);
  return part === undefined ? `${place}: ` : `${part === 'query' ? 'query parameter' : 'header'} ${place.slice(1)}: `;
}

/** Of `payload_too_large`: how long a body may be here. */
export function limitWords(bytes: unknown): ProblemOptions {
  return typeof bytes === 'number' ? { detail: `The body is too large: at most ${formatCount(bytes)} bytes.` } : {};
}

/** Seconds after which trying again can help. */
const DEFAULT_RETRY_AFTER: Partial<Record<ProblemCode, number>> = {
  rate_limited: 10,
  too_many_pending: 30,
  temporal_unavailable: 2,
  worker_unavailable: 2,
  objection_unreadable: 10,
  database_unavailable: 2,
};

/** Any failure as a problem: an error that is not one yet is storage that does not answer, or a bug. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StorageError && error.code === 'database_unavailable') {
    return new ProblemError('database_unavailable', { cause: error });
  }
  return new ProblemError('internal', { cause: error });
}

/** A failure as one item of a result that holds several. */
export function problemFields(
  context: { readonly log: Pick<Logger, 'error'> },
  error: unknown,
): {
  readonly httpStatus: number;
  readonly code: string;
  readonly detail: string;
  readonly repeats?: readonly ReviewId[];
} & Readonly<Record<string, unknown>> {
  const problem = asProblem(error);
  if (problem.code === 'internal') context.log.error({ err: error }, 'an item of a batch failed');
  const { status: httpStatus, code, detail, errors, reviewId, repeats } = problem;
  return { httpStatus, code, detail, ...defined({ errors, reviewId, repeats }) };
}

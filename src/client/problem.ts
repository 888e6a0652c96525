import type { ProblemCode } from '../contract/codes.ts';
import { HoldpointError } from './errors.ts';

interface Problem {
  readonly code: ProblemCode;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
  readonly reviewId?: string;
}

/** The error that an answer which is no result stands for. `retryAfter` in seconds. */
export function parseProblem(status: number, text: string, retryAfter?: number): HoldpointError {
  const problem = readProblem(text);
  const wait = retryAfter === undefined ? {} : { retryAfter };
  if (problem === undefined) {
    const detail = `HTTP ${status} with a body that is not Holdpoint's; is this the right URL?`;
    return new HoldpointError({ code: 'unreadable_answer', status, retryable: status >= 500, detail, ...wait });
  }
  const detail = problem.detail ?? problem.title;
  return new HoldpointError({
    code: problem.code,
    status,
    retryable: status === 429 || status >= 500,
    ...(detail === undefined ? {} : { detail }),
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    ...(problem.reviewId === undefined ? {} : { reviewId: problem.reviewId }),
    ...wait,
  });
}

function readProblem(text: string): Problem | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, title, detail, errors, reviewId } = value as Record<string, unknown>;
  if (typeof code !== 'string') return undefined;
  return {
    // A newer server may know codes that this client does not; they pass through as they are.
    code: code as ProblemCode,
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof detail === 'string' ? { detail } : {}),
    ...(Array.isArray(errors) ? { errors: errors as NonNullable<Problem['errors']> } : {}),
    ...(typeof reviewId === 'string' ? { reviewId } : {}),
  };
}

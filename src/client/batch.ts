import type { ProblemCode } from '../contract/codes.ts';
import type { ExecuteRequest } from '../contract/execute.ts';
import { HoldpointError } from './errors.ts';
import { isExecuteResponse, type ExecuteResult } from './result.ts';

export type BatchCall = Omit<ExecuteRequest, 'group' | 'waitSeconds'>;

export interface BatchResult {
  readonly group: string;
  /** One for each call, in order: its result, or the error that kept it from having one. */
  readonly results: readonly (ExecuteResult | HoldpointError)[];
}

/** `toResult` throws for what is not the result of a proposal. */
export function parseBatchResults(json: unknown, toResult: (item: unknown) => ExecuteResult): BatchResult {
  const { group, results } = json as { readonly group: string; readonly results: readonly unknown[] };
  return { group, results: results.map((item) => (isExecuteResponse(item) ? toResult(item) : toError(item))) };
}

function toError(item: unknown): HoldpointError {
  const { code, httpStatus, detail } = item as {
    readonly code?: ProblemCode;
    readonly httpStatus?: number;
    readonly detail?: string;
  };
  const status = httpStatus ?? 0;
  return new HoldpointError({
    code: code ?? 'unreadable_answer',
    status,
    retryable: status === 429 || status >= 500,
    ...(detail === undefined ? {} : { detail }),
  });
}

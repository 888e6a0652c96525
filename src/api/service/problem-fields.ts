import { StorageError } from '../../ports/store.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';

/** Any failure as a problem: what is not one already is storage that does not answer, or a fault of ours. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StorageError && error.code === 'database_unavailable') {
    return new ProblemError('database_unavailable', { cause: error });
  }
  return new ProblemError('internal', { cause: error });
}

/** A failure as one item of a result that holds several. */
export function problemFields(
  context: Pick<ServiceContext, 'log'>,
  error: unknown,
): { readonly httpStatus: number; readonly code: string; readonly detail: string } & Readonly<Record<string, unknown>> {
  const problem = asProblem(error);
  if (problem.code === 'internal') context.log.error({ err: error }, 'an item of a batch failed');
  return {
    httpStatus: problem.status,
    code: problem.code,
    detail: problem.detail,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  };
}

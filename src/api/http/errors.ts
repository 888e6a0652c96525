import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import type { Problem } from '../../contract/api.ts';
import { PROBLEMS, type ProblemCode } from '../../contract/codes.ts';
import { noteOf } from './logging.ts';
import { ProblemError, asProblem, limitWords } from '../problem.ts';
import { defined } from '../../contract/defined.ts';

/** The HTML that tells a problem where people read it and no program; undefined: elsewhere. May set headers. */
type ProblemPage = (req: Request, res: Response, problem: ProblemError) => string | undefined;

/**
 * The one place where an error becomes an answer. Only the words of a ProblemError, which are ours, leave the house;
 * what else is known of the error is in the log under the same instance.
 */
export function errorMiddleware(
  log: Logger,
  count: (code: ProblemCode) => void,
  pageFor: ProblemPage,
): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const problem = asProblem(fromParser(error) ?? error);
    const instance = instanceOf(res);
    count(problem.code);
    noteOf(res, problem);
    if (problem.status >= 500) {
      const level = problem.code === 'internal' ? 'error' : 'warn';
      log[level]({ err: problem.cause ?? problem, code: problem.code, instance }, 'request failed');
    }
    if (res.headersSent) {
      // A stream had begun: nothing can be said any more, and a cut connection is what makes the reader resume.
      res.destroy();
      return;
    }
    writeHeaders(res, problem);
    const page = pageFor(req, res, problem);
    if (page === undefined) sendProblem(res, problem, instance);
    else res.status(problem.status).type('text/html').send(page);
  };
}

function writeHeaders(res: Response, problem: ProblemError): void {
  if (problem.retryAfterSeconds !== undefined) res.setHeader('Retry-After', String(problem.retryAfterSeconds));
  if (problem.allow !== undefined) res.setHeader('Allow', problem.allow.join(', '));
}

function sendProblem(res: Response, problem: ProblemError, instance: string): void {
  const { code, status, detail, errors, reviewId, repeats } = problem;
  const body: Problem = {
    type: `urn:holdpoint:problem:${code}`,
    title: PROBLEMS[code].title,
    status,
    detail,
    instance,
    code,
    ...defined({ errors: errors && [...errors], reviewId, repeats: repeats && [...repeats] }),
  };
  if (code === 'unauthenticated') {
    const challenge: unknown = res.locals['challenge'];
    const more = typeof challenge === 'string' ? `, ${challenge}` : '';
    res.setHeader('WWW-Authenticate', `Bearer realm="holdpoint"${more}`);
  }
  res.status(status).type('application/problem+json').send(JSON.stringify(body));
}

function instanceOf(res: Response): string {
  return `urn:holdpoint:request:${String(res.locals['requestId'])}`;
}

/** Errors of the body reader and the router, told apart by their documented `type` and `status`. */
function fromParser(error: unknown): ProblemError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { type, status, limit } = error as Error & {
    readonly type?: unknown;
    readonly status?: unknown;
    readonly limit?: unknown;
  };
  switch (type) {
    case 'entity.too.large':
      return new ProblemError('payload_too_large', limitWords(limit));
    case 'encoding.unsupported':
      return new ProblemError('unsupported_media_type', { detail: 'The body must not be compressed.' });
    case 'request.aborted':
    case 'request.size.invalid':
      return new ProblemError('malformed_json', { detail: 'The body ended early.' });
    default:
      // The router could not decode a path parameter.
      return error instanceof URIError || (status === 400 && error.name === 'URIError')
        ? new ProblemError('not_found')
        : undefined;
  }
}

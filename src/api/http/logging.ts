import { newUlid } from '../service/context.ts';
import { reviewIdSchema } from '../../contract/ids.ts';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { Principal } from '../principal.ts';
import { readAddress } from './addresses.ts';
import type { ApiMetrics } from './metrics.ts';

/** Adds to the line of a request what is known of it beside its route. Only ids and codes, never what a caller wrote. */
export function noteOf(
  res: Response,
  { reviewId, outcome, code }: { readonly reviewId?: unknown; readonly outcome?: unknown; readonly code?: string },
): void {
  res.locals['notes'] = {
    ...(res.locals['notes'] as Notes | undefined),
    ...(reviewIdSchema.safeParse(reviewId).success ? { reviewId } : {}),
    ...(typeof outcome === 'string' ? { outcome } : {}),
    ...(code === undefined ? {} : { code }),
  };
}

/**
 * Names every request and logs how it ended: route, status, time, who (else, where it was refused, from which address),
 * which review and with what outcome. No bodies, no queries, no headers: they hold arguments and credentials. Checks of
 * health and metrics are asked for every few seconds, so those that succeed are for `debug`.
 */
export function logRequests(log: Logger, metrics: ApiMetrics): RequestHandler {
  return (req, res, next) => {
    const requestId = `req_${newUlid(Date.now())}`;
    const startedAt = performance.now();
    // Read now: a closed connection has no address any more.
    const address = readAddress(req.ip ?? '');
    res.locals['requestId'] = requestId;
    res.setHeader('X-Request-Id', requestId);
    res.once('close', () => {
      const ms = performance.now() - startedAt;
      const { method, route, status, notes } = describeRequest(req, res);
      const principal = res.locals['principal'] as Principal | undefined;
      metrics.durations.observe({ method, route, status: String(status) }, ms / 1_000);
      const isStranger = principal === undefined && status >= 400;
      const who = principal === undefined ? {} : { [principal.kind]: principal.id };
      const level = status < 400 && PROBES.has(route) ? 'debug' : 'info';
      log[level](
        { requestId, method, route, status, ms: Math.round(ms), ...who, ...(isStranger && { address }), ...notes },
        'request',
      );
    });
    next();
  };
}

interface Notes {
  readonly reviewId?: string;
  readonly outcome?: string;
  readonly code?: string;
}

/** What is known of a request that has ended. Method and route are of few values, whatever a caller sends. */
export function describeRequest(
  req: Request,
  res: Response,
): { readonly method: string; readonly route: string; readonly status: number; readonly notes: Notes | undefined } {
  return {
    method: METHODS.has(req.method) ? req.method : 'other',
    route: typeof res.locals['route'] === 'string' ? res.locals['route'] : 'other',
    status: res.writableFinished ? res.statusCode : 499,
    notes: res.locals['notes'] as Notes | undefined,
  };
}

const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']);

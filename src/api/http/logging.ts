import { newUlid } from '../service/context.ts';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { principalKey, type Principal } from '../principal.ts';
import type { ApiMetrics } from './metrics.ts';

/**
 * Names every request and logs how it ended: route, status, time and who. No bodies, no queries, no headers: they hold
 * arguments and credentials.
 */
export function logRequests(log: Logger, metrics: ApiMetrics): RequestHandler {
  return (req, res, next) => {
    const requestId = `req_${newUlid(Date.now())}`;
    const startedAt = performance.now();
    res.locals['requestId'] = requestId;
    res.setHeader('X-Request-Id', requestId);
    res.once('close', () => {
      const ms = performance.now() - startedAt;
      const route = typeof res.locals['route'] === 'string' ? res.locals['route'] : 'other';
      const principal = res.locals['principal'] as Principal | undefined;
      const method = METHODS.has(req.method) ? req.method : 'other';
      const status = res.writableFinished ? res.statusCode : 499;
      metrics.durations.observe({ method, route, status: String(status) }, ms / 1_000);
      const who = principal === undefined ? null : principalKey(principal);
      log.info({ requestId, method, route, status, ms: Math.round(ms), who }, 'request');
    });
    next();
  };
}
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']);

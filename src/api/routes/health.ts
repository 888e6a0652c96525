import type { Request, Response } from 'express';
import { z } from 'zod';
import { readinessSchema } from '../../contract/api.ts';
import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import type { ApiMetrics } from '../http/metrics.ts';
import type { Readiness } from '../http/readiness.ts';

/**
 * `isSignedIn`: whether a request carries a credential that is in force. `document`: of the api, built once from the endpoints
 * themselves, and written once: anybody may ask for it.
 */
export function operationEndpoints(
  readiness: Readiness,
  metrics: ApiMetrics,
  isSignedIn: (req: Request, res: Response) => Promise<boolean>,
  document: () => unknown,
): Endpoint[] {
  let text: string | undefined;
  return [
    endpoint({
      method: 'get',
      path: '/healthz',
      tag: 'Operation',
      summary: 'The process is alive',
      who: 'public',
      answers: { 200: { description: 'Alive', schema: z.object({ status: z.literal('ok') }) } },
      problems: [],
      handle: () => ok({ status: 'ok' }),
    }),
    endpoint({
      method: 'get',
      path: '/readyz',
      tag: 'Operation',
      summary: 'Everything that a call needs is available',
      description:
        'What is wrong, and which parts there are, is told to callers that are signed in; others get `ready` and `problemCount`. A broken configuration file is reported without making the service unready: the old one is in force.',
      who: 'public',
      answers: {
        200: { description: 'Ready', schema: readinessSchema },
        503: { description: 'Not ready', schema: readinessSchema },
      },
      problems: [],
      async handle({ req, res }) {
        const { ready, problemCount, ...details } = await readiness.check();
        const json = { ready, problemCount, ...((await isSignedIn(req, res)) ? details : {}) };
        return { status: ready ? 200 : 503, json };
      },
    }),
    endpoint({
      method: 'get',
      path: '/metrics',
      tag: 'Operation',
      summary: 'Metrics for Prometheus',
      who: 'public',
      answers: { 200: { description: 'Prometheus text format', contentType: 'text/plain' } },
      problems: [],
      async handle() {
        return { status: 200, text: await metrics.render(), contentType: metrics.contentType };
      },
    }),
    endpoint({
      method: 'get',
      path: '/openapi.json',
      tag: 'Operation',
      summary: 'This document',
      who: 'public',
      answers: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
      problems: [],
      handle: () => ({
        status: 200,
        text: (text ??= JSON.stringify(document())),
        contentType: 'application/json; charset=utf-8',
      }),
    }),
  ];
}

import { z } from 'zod';
import { readinessSchema } from '../../contract/api.ts';
import { endpoint, type Endpoint } from '../http/endpoint.ts';
import type { ApiMetrics } from '../http/metrics.ts';
import type { Readiness } from '../http/readiness.ts';

export function healthEndpoints(readiness: Readiness, metrics: ApiMetrics): Endpoint[] {
  return [
    endpoint<'public'>({
      method: 'get',
      path: '/healthz',
      tag: 'Operation',
      summary: 'The process is alive',
      who: 'public',
      answers: { 200: { description: 'Alive', schema: z.object({ status: z.literal('ok') }) } },
      problems: [],
      handle: () => ({ status: 200, json: { status: 'ok' } }),
    }),
    endpoint<'public'>({
      method: 'get',
      path: '/readyz',
      tag: 'Operation',
      summary: 'Everything that a call needs is available',
      description:
        'A broken configuration file is reported without making the service unready: the old one is in force.',
      who: 'public',
      answers: {
        200: { description: 'Ready', schema: readinessSchema },
        503: { description: 'Not ready; names what is down', schema: readinessSchema },
      },
      problems: [],
      async handle() {
        const report = await readiness.check();
        return { status: report.ready ? 200 : 503, json: report };
      },
    }),
    endpoint<'public'>({
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
  ];
}

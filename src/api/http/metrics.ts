import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import { ProblemError } from '../problem.ts';
import type { Settled } from '../service/types.ts';
import { atMostEvery } from './readiness.ts';
import type { StreamSlots } from './sse.ts';

/** Ms. Anybody may ask, and it takes queries. */
const RENDERED_EVERY = 1_000;

export interface ApiMetrics {
  readonly executes: Counter<'outcome'>;
  readonly decisions: Counter<'type' | 'result'>;
  readonly refusals: Counter<'code'>;
  /** Seconds. `route` is a path of the API or `other`: what callers make up is no label. */
  readonly durations: Histogram<'method' | 'route' | 'status'>;
  /** Reads itself. */
  readonly streams: Gauge;
  readonly contentType: string;
  render(): Promise<string>;
}

interface MetricsDeps {
  readonly registry: Registry;
  readonly slots: StreamSlots;
}

export function createMetrics({ registry, slots }: MetricsDeps): ApiMetrics {
  const registers = [registry];
  return {
    executes: new Counter({
      name: 'holdpoint_executes_total',
      help: 'Proposals by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    decisions: new Counter({
      name: 'holdpoint_decisions_total',
      help: 'Requests to decide, by type of decision and what came of them',
      labelNames: ['type', 'result'],
      registers,
    }),
    refusals: new Counter({
      name: 'holdpoint_refused_requests_total',
      help: 'Requests that were answered with a problem, by its code',
      labelNames: ['code'],
      registers,
    }),
    durations: new Histogram({
      name: 'holdpoint_http_request_duration_seconds',
      help: 'Time to answer, including held answers',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60],
      registers,
    }),
    streams: new Gauge({
      name: 'holdpoint_event_streams',
      help: 'Open streams of server-sent events',
      registers,
      collect() {
        this.set(slots.open);
      },
    }),
    contentType: registry.contentType,
    render: atMostEvery(RENDERED_EVERY, () => registry.metrics()),
  };
}

/** Counts what came of a decision. */
export async function countDecision(
  { decisions }: ApiMetrics,
  type: string,
  decide: () => Promise<Settled>,
): Promise<Settled> {
  try {
    const settled = await decide();
    decisions.inc({ type, result: settled.httpStatus === 200 ? 'accepted' : 'queued' });
    return settled;
  } catch (error) {
    decisions.inc({ type, result: error instanceof ProblemError ? error.code : 'internal' });
    throw error;
  }
}

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { ProblemError } from '../problem.ts';
import type { Settled } from '../service/types.ts';
import { atMostEvery } from './readiness.ts';
import type { StreamSlots } from './sse.ts';

/** Ms. Anybody may ask, and it takes queries. */
const RENDERED_EVERY = 1_000;

export type ApiMetrics = ReturnType<typeof createMetrics>;

/** Makes the metrics of a registry. */
export function metersOf(registry: Registry) {
  const registers = [registry];
  return {
    counter: <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> =>
      new Counter({ name, help, labelNames, registers }),
    histogram: <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
      new Histogram({ name, help, labelNames, buckets, registers }),
    /** `collect` sets it whenever it is read. */
    gauge: <L extends string = never>(
      name: string,
      help: string,
      collect: (gauge: Gauge<L>) => Promise<void> | void,
      labelNames: readonly L[] = [],
    ): Gauge<L> =>
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          return collect(this);
        },
      }),
  };
}

const ANSWER_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60];

export function createMetrics(registry: Registry, slots: StreamSlots) {
  const { counter, gauge, histogram } = metersOf(registry);
  return {
    executes: counter('holdpoint_executes_total', 'Proposals by outcome', ['outcome']),
    decisions: counter('holdpoint_decisions_total', 'Requests to decide, by type of decision and what came of them', [
      'type',
      'result',
    ]),
    refusals: counter('holdpoint_refused_requests_total', 'Requests that were answered with a problem, by its code', [
      'code',
    ]),
    /** Seconds. `route` is a path of the API or `other`: what callers make up is no label. */
    durations: histogram(
      'holdpoint_http_request_duration_seconds',
      'Time to answer, including held answers',
      ['method', 'route', 'status'],
      ANSWER_SECONDS,
    ),
    streams: gauge('holdpoint_event_streams', 'Open streams of server-sent events', (self) => self.set(slots.open)),
    contentType: registry.contentType,
    render: atMostEvery(RENDERED_EVERY, () => registry.metrics()),
  };
}

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

import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import { ProblemError } from '../problem.ts';
import type { Settled } from '../service/types.ts';
import type { Store } from '../../ports/store.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { atMostEvery } from './readiness.ts';
import type { StreamSlots } from './sse.ts';

/** Ms. Anybody may ask, and it takes queries. */
const RENDERED_EVERY = 1_000;

export interface ApiMetrics {
  readonly executes: Counter<'outcome'>;
  readonly decisions: Counter<'type' | 'result'>;
  /** Seconds. `route` is a path of the API or `other`: what callers make up is no label. */
  readonly durations: Histogram<'method' | 'route' | 'status'>;
  readonly contentType: string;
  render(): Promise<string>;
}

interface MetricsDeps {
  readonly registry: Registry;
  readonly store: Store;
  readonly settings: SettingsSource;
  readonly slots: StreamSlots;
}

export function createMetrics({ registry, store, settings, slots }: MetricsDeps): ApiMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => Promise<number> | number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        try {
          this.set(await read());
        } catch {
          // Storage is away: better no value than an old one that looks current.
          this.reset();
          this.set(Number.NaN);
        }
      },
    });
  gauge('holdpoint_pending_reviews', 'Hard-gated reviews of configured agents that have not ended', async () => {
    const counts = await Promise.all(settings.current().agents.map((agent) => store.countPending(agent.id)));
    return counts.reduce((sum, count) => sum + count, 0);
  });
  gauge('holdpoint_audit_entries', 'Entries in the audit log', async () => (await store.head()).size);
  gauge('holdpoint_sweep_halted', '1 while too many lost reviews wait for a person', async () => {
    const { halt } = await store.recovery.status();
    return halt === null ? 0 : 1;
  });
  gauge(
    'holdpoint_lost_reviews_last_hour',
    'Reviews whose workflow Temporal has lost, settled by sweeps in the last hour',
    async () => (await store.recovery.status()).lostLastHour,
  );
  gauge('holdpoint_event_streams', 'Open streams of server-sent events', () => slots.open);
  return {
    executes: new Counter({
      name: 'holdpoint_executes_total',
      help: 'Proposals by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    decisions: new Counter({
      name: 'holdpoint_decisions_total',
      help: 'Decisions by type and result',
      labelNames: ['type', 'result'],
      registers,
    }),
    durations: new Histogram({
      name: 'holdpoint_http_request_duration_seconds',
      help: 'Time to answer, including held answers',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60],
      registers,
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

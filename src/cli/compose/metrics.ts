import { collectDefaultMetrics, Registry } from 'prom-client';
import { CHANNEL_NAMES } from '../../activities/notify/channel.ts';
import { metersOf } from '../../api/http/metrics.ts';
import { atMostEvery } from '../../api/http/readiness.ts';
import { EXECUTION_ERRORS, REASONS } from '../../contract/codes.ts';
import type { Readiness } from '../../contract/api.ts';
import type { Part } from '../../contract/part.ts';
import { findTool } from '../../domain/policy/assess.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { Attempt } from '../../activities/notify/deliver.ts';
import type { Commit, OperationalState, Store } from '../../ports/store.ts';
import type { UnsettledState } from '../../ports/recovery.ts';

/** How often the database is asked at most, whoever scrapes, ms. */
const READ_EVERY_MS = 1_000;
const CALL_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** From a second to three days. */
const DECISION_SECONDS = [1, 5, 15, 60, 300, 900, 1_800, 3_600, 14_400, 43_200, 86_400, 259_200];
const OTHER = 'other';

/** The metrics of one process. What happens is counted where it is recorded; what stands in the database is read from it. */
export interface Metrics {
  readonly registry: Registry;
  countAttempt(attempt: Attempt): void;
  countSwept(was: UnsettledState): void;
}

export function createMetrics({
  part,
  store,
  settings,
}: {
  readonly part: Part;
  readonly store: Store;
  readonly settings: SettingsSource;
}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ part: part.name });
  collectDefaultMetrics({ register: registry });
  // Gauges whose names end as those of counters do.
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  const { counter } = metersOf(registry);
  describeProcess(registry, part, settings);
  describeDatabase(registry, store);
  store.onWritten(countCommits(registry, settings));
  const attempts = counter(
    'holdpoint_delivery_attempts_total',
    'Attempts to deliver notifications, by channel and what came of them',
    ['channel', 'result'],
  );
  const swept = counter(
    'holdpoint_sweep_actions_total',
    'Reviews that a sweep of this process settled because Temporal has lost them, by their state before',
    ['was'],
  );
  return {
    registry,
    countAttempt: (attempt) => attempts.inc({ ...attempt }),
    countSwept: (was) => swept.inc({ was }),
  };
}

/** What runs here, and by which files it judges. */
function describeProcess(registry: Registry, part: Part, settings: SettingsSource): void {
  const { gauge } = metersOf(registry);
  gauge(
    'holdpoint_build_info',
    'Version of Holdpoint that runs here; always 1',
    (self) => self.set({ version: part.version }, 1),
    ['version'],
  );
  gauge(
    'holdpoint_config_info',
    'Digests of the configuration and the policy in force here; always 1',
    (self) => {
      const { configDigest, policy } = settings.current();
      self.reset();
      self.set({ config_digest: configDigest, policy_digest: policy.digest }, 1);
    },
    ['config_digest', 'policy_digest'],
  );
  gauge('holdpoint_config_in_force', '1 if the files on disk are the ones in force, 0 if they are broken', (self) =>
    self.set(settings.problem() === null ? 1 : 0),
  );
}

/** What `/readyz` of this part says. A worker's problems are told by itself; of a part that is lost, others have to. */
export function describeReadiness(
  registry: Registry,
  check: () => Promise<Pick<Readiness, 'ready' | 'problems'>>,
): void {
  const { gauge } = metersOf(registry);
  gauge('holdpoint_ready', '1 if this part does its work, else 0', async (self) =>
    self.set((await check()).ready ? 1 : 0),
  );
  gauge(
    'holdpoint_problem',
    '1 for each problem that /readyz of this part names of itself or of the whole, by its code',
    async (self) => {
      const { problems = [] } = await check();
      self.reset();
      for (const { code, part } of problems) if (part === undefined || code === 'part_lost') self.set({ code }, 1);
    },
    ['code'],
  );
}

type Reading = OperationalState & Awaited<ReturnType<Store['recovery']['status']>>;

/** Every part may read these, and all say the same: take the greatest. */
const READINGS: readonly (readonly [name: string, help: string, read: (reading: Reading) => number])[] = [
  ['pending_reviews', 'Hard-gated reviews that have not ended', ({ pending }) => pending],
  ['oldest_pending_age_seconds', 'Age of the oldest hard-gated review that has not ended', (r) => r.pendingOldest],
  [
    'deadline_elapsed_ratio',
    'How much of its time the pending review with the nearest deadline has used up, 0 to 1',
    (r) => r.deadlineElapsed,
  ],
  ['approved_waiting_calls', 'Approved calls that have not been claimed', ({ approved }) => approved],
  [
    'oldest_approved_age_seconds',
    'Time since the approval of the call that has waited longest to be executed',
    (r) => r.approvedOldest,
  ],
  ['outcome_unknown_calls', 'Calls whose outcome a person must settle', ({ unknown }) => unknown],
  ['oldest_outcome_unknown_age_seconds', 'Age of the oldest claim whose outcome is unknown', (r) => r.unknownOldest],
  ['audit_entries', 'Entries in the audit log', ({ logSize }) => logSize],
  ['checkpoint_age_seconds', 'Age of the last checkpoint if the log has grown since, else 0', (r) => r.checkpointAge],
  ['outbox_lag_entries', 'Audit entries not yet looked at for notifications', ({ outboxLag }) => outboxLag],
  ['outbox_disabled_destinations', 'Destinations told nothing since they answered 410', (r) => r.outboxDisabled],
  ['sweep_halted', '1 while too many lost reviews wait for a person', ({ halt }) => (halt === null ? 0 : 1)],
  [
    'lost_reviews_last_hour',
    'Reviews whose workflow Temporal has lost, settled by sweeps in the last hour',
    ({ lostLastHour }) => lostLastHour,
  ],
];

function describeDatabase(registry: Registry, store: Store): void {
  const { gauge } = metersOf(registry);
  const read = atMostEvery(READ_EVERY_MS, async (): Promise<Reading> => {
    const [operation, status] = await Promise.all([store.operation(), store.recovery.status()]);
    return { ...operation, ...status };
  });
  for (const [name, help, value] of READINGS) {
    // The database is away: better no value than an old one that looks current.
    gauge(`holdpoint_${name}`, help, async (self) => self.set(await read().then(value, () => Number.NaN)));
  }
  const ofChannel = (name: string, help: string, value: 'waiting' | 'oldest') =>
    gauge(
      `holdpoint_outbox_${name}`,
      help,
      async (self) => {
        const outbox = await read().then(
          (reading) => reading.outbox,
          () => undefined,
        );
        for (const channel of CHANNEL_NAMES) {
          const row = outbox?.find((of) => of.channel === channel);
          self.set({ channel }, outbox === undefined ? Number.NaN : (row?.[value] ?? 0));
        }
      },
      ['channel'],
    );
  ofChannel('waiting_notifications', 'Notifications that wait to be delivered', 'waiting');
  ofChannel('oldest_age_seconds', 'Age of the oldest notification that waits to be delivered', 'oldest');
  if (store.connections() === null) return;
  gauge(
    'holdpoint_database_connections',
    'Connections of this process to the database, by state',
    (self) => {
      const { open, idle } = store.connections() ?? { open: 0, idle: 0 };
      self.set({ state: 'idle' }, idle);
      self.set({ state: 'busy' }, open - idle);
    },
    ['state'],
  );
  gauge(
    'holdpoint_database_waiting_queries',
    'Queries and transactions of this process that wait for a connection',
    (self) => self.set(store.connections()?.waiting ?? 0),
  );
}

/** Counts what this process records; the sum over all processes is what happened. */
function countCommits(registry: Registry, settings: SettingsSource): (commit: Commit) => void {
  const { counter, histogram } = metersOf(registry);
  const executions = counter('holdpoint_executions_total', 'Calls with a recorded result, by tool and outcome', [
    'tool',
    'outcome',
  ]);
  const seconds = histogram(
    'holdpoint_execution_duration_seconds',
    'Time from the claim of a call to its result',
    ['tool'],
    CALL_SECONDS,
  );
  const decisions = counter('holdpoint_decisions_recorded_total', 'Decisions that counted, by channel and type', [
    'channel',
    'decision',
  ]);
  const timeToDecide = histogram(
    'holdpoint_time_to_decide_seconds',
    'Time from the proposal to each decision, by channel',
    ['channel'],
    DECISION_SECONDS,
  );
  const expiries = counter('holdpoint_expiries_total', 'Reviews that ended because no decision was made in time');
  const denials = counter('holdpoint_denied_calls_total', 'Calls that will never be made, by the code of the reason', [
    'code',
  ]);
  const countCall = (tool: string | undefined, outcome: string, startedAt: string | null, at: string): void => {
    // An agent may invent a tool, but only one of the policy ever runs.
    const label = tool === undefined || findTool(settings.current(), tool) === undefined ? OTHER : tool;
    executions.inc({ tool: label, outcome });
    if (startedAt !== null) seconds.observe({ tool: label }, secondsBetween(startedAt, at));
  };
  return ({ ledger, entries, review }) => {
    if (ledger?.to === 'deny') denials.inc({ code: isCode(ledger.reason) ? ledger.reason : OTHER });
    for (const entry of entries) {
      switch (entry.type) {
        case 'finished':
        case 'unknown': {
          if (review?.kind !== 'execution') break;
          const outcome = entry.type === 'unknown' ? 'outcome_unknown' : entry.status;
          countCall(review.of?.tool, outcome, review.execution.startedAt, entry.at);
          break;
        }
        case 'decided':
          decisions.inc({ channel: entry.channel, decision: entry.decision });
          if (review?.kind !== 'state') break;
          timeToDecide.observe({ channel: entry.channel }, secondsBetween(review.review.proposedAt, entry.at));
          break;
        case 'objected':
          decisions.inc({ channel: entry.channel, decision: 'reject' });
          break;
        case 'expired':
          expiries.inc();
          break;
        default:
      }
    }
  };
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000;
}

/** Rules of a policy give reasons of their own. */
function isCode(reason: string): boolean {
  return Object.hasOwn(REASONS, reason) || Object.hasOwn(EXECUTION_ERRORS, reason);
}

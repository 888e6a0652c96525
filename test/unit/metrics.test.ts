import { beforeEach, expect, test } from 'vitest';
import { createMetrics, describeReadiness, type Metrics } from '../../src/cli/compose/metrics.ts';
import type { Commit, OperationalState, Store } from '../../src/ports/store.ts';
import { TOOLS, makeSettings } from '../support/gate-fixture.ts';
import { AT, LATER, proposedEntry, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';

const id = reviewIdOf(1);
const TOOL = TOOLS[0]?.name ?? '';
const STATE: OperationalState = {
  pending: 2,
  pendingOldest: 0,
  deadlineElapsed: 0,
  approved: 0,
  approvedOldest: 0,
  unknown: 0,
  unknownOldest: 0,
  logSize: 0,
  checkpointAge: 0,
  outboxLag: 0,
  outbox: [{ channel: 'slack', waiting: 3, oldest: 7 }],
  outboxDisabled: 0,
};

let metrics: Metrics;
let write: (commit: Commit) => void;
let reads: number;
let read: () => Promise<OperationalState>;
const settings = makeSettings({});

beforeEach(() => {
  reads = 0;
  read = async () => STATE;
  const store = {
    onWritten: (listener: typeof write) => (write = listener),
    operation: () => {
      reads += 1;
      return read();
    },
    connections: () => ({ open: 4, idle: 1, waiting: 2 }),
    recovery: { status: async () => ({ halt: null, lostLastHour: 20 }) },
  } as unknown as Store;
  metrics = createMetrics({ part: { name: 'gate', instance: 'host-1', version: '1.2.3' }, store, settings });
});

const common = { schemaVersion: 1, deploymentId: 'test', reviewId: id } as const;
const finish = (tool: string | undefined): Commit => ({
  entries: [
    { ...common, at: LATER, type: 'finished', status: 'executed', errorCode: null, resultDigest: null, late: false },
  ],
  review: {
    kind: 'execution',
    reviewId: id,
    execution: { status: 'executed', error: null, startedAt: AT, finishedAt: LATER },
    of: tool === undefined ? undefined : { tool, proposer: 'agent-1', class: 'irreversible' },
  },
});
const lines = async (name: string): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`));

test('an execution is counted by its tool; one that policy does not name is `other`', async () => {
  write(finish(TOOL));
  write(finish('invented.by.an-agent'));
  write(finish(undefined));
  expect(await lines('holdpoint_executions_total')).toEqual([
    `holdpoint_executions_total{tool="${TOOL}",outcome="executed",part="gate"} 1`,
    'holdpoint_executions_total{tool="other",outcome="executed",part="gate"} 2',
  ]);
  expect(await lines('holdpoint_execution_duration_seconds_sum')).toContain(
    `holdpoint_execution_duration_seconds_sum{part="gate",tool="${TOOL}"} 3600`,
  );
});

test('decisions, expiries and denials are counted as they are recorded; a policy’s own reason is `other`', async () => {
  const decided = { decisionUlid: 'x', reviewer: 'ops-1', revision: 1, level: 1, digest: 'd', envelopeDigest: 'e' };
  write({
    entries: [
      { ...common, ...decided, at: LATER, type: 'decided', decision: 'approve', channel: 'slack', status: 'approved' },
      { ...common, at: LATER, type: 'expired', expiresAt: LATER },
      proposedEntry(id),
    ],
    review: stateWrite(reviewOf(id)),
  });
  for (const reason of ['expired', 'says the policy']) {
    write({ ledger: { to: 'deny', reviewId: id, proposalDigest: 'd', reason, at: AT }, entries: [] });
  }
  expect(await lines('holdpoint_decisions_recorded_total')).toEqual([
    'holdpoint_decisions_recorded_total{channel="slack",decision="approve",part="gate"} 1',
  ]);
  expect(await lines('holdpoint_time_to_decide_seconds_sum')).toEqual([
    'holdpoint_time_to_decide_seconds_sum{part="gate",channel="slack"} 3600',
  ]);
  expect(await lines('holdpoint_expiries_total')).toEqual(['holdpoint_expiries_total{part="gate"} 1']);
  expect(await lines('holdpoint_denied_calls_total')).toEqual([
    'holdpoint_denied_calls_total{code="expired",part="gate"} 1',
    'holdpoint_denied_calls_total{code="other",part="gate"} 1',
  ]);
});

test('the database is asked once for all that is read from it, and once a second however many scrape', async () => {
  await Promise.all([metrics.registry.metrics(), metrics.registry.metrics()]);
  expect(await lines('holdpoint_pending_reviews')).toEqual(['holdpoint_pending_reviews{part="gate"} 2']);
  expect(await lines('holdpoint_lost_reviews_last_hour')).toEqual(['holdpoint_lost_reviews_last_hour{part="gate"} 20']);
  expect(await lines('holdpoint_outbox_waiting_notifications')).toContain(
    'holdpoint_outbox_waiting_notifications{channel="slack",part="gate"} 3',
  );
  expect(await lines('holdpoint_database_connections')).toEqual([
    'holdpoint_database_connections{state="idle",part="gate"} 1',
    'holdpoint_database_connections{state="busy",part="gate"} 3',
  ]);
  expect(reads).toBe(1);
});

test('while the database is away there is no value, rather than an old one', async () => {
  read = () => Promise.reject(new Error('away'));
  // As prom-client writes it; Prometheus reads it in any case.
  expect(await lines('holdpoint_pending_reviews')).toEqual(['holdpoint_pending_reviews{part="gate"} Nan']);
  expect(await lines('holdpoint_outbox_oldest_age_seconds')).toContain(
    'holdpoint_outbox_oldest_age_seconds{channel="email",part="gate"} Nan',
  );
});

test('what /readyz says of this part and of the whole is told by code; another part’s problem is told by itself', async () => {
  const problem = (code: string) => ({ code, message: 'words' });
  const part = { name: 'execute', instance: 'host-2' } as const;
  const problems = [problem('sweep_halted'), { ...problem('disk_full'), part }, { ...problem('part_lost'), part }];
  describeReadiness(metrics.registry, async () => ({ ready: false, problems }));
  expect(await lines('holdpoint_ready')).toEqual(['holdpoint_ready{part="gate"} 0']);
  expect(await lines('holdpoint_problem')).toEqual([
    'holdpoint_problem{code="sweep_halted",part="gate"} 1',
    'holdpoint_problem{code="part_lost",part="gate"} 1',
  ]);
});

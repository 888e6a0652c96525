import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics as createApiMetrics } from '../../src/api/http/metrics.ts';
import { StreamSlots } from '../../src/api/http/sse.ts';
import { createMetrics, describeReadiness } from '../../src/cli/compose/metrics.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import type { Store } from '../../src/ports/store.ts';
import { makeSettings } from '../support/gate-fixture.ts';
import { debianProgram } from '../support/programs.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}
const FILE = packageFile('deploy', 'alerts', 'holdpoint.rules.yaml');
const RULES = (parse(readFileSync(FILE, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);

/** What the parts export while all is well. */
const WELL: Readonly<Record<string, string>> = {
  'up{job="holdpoint", instance="gate-1"}': '1x110',
  'holdpoint_ready{part="gate", instance="gate-1"}': '1x110',
  'holdpoint_config_in_force{part="gate"}': '1x110',
  'holdpoint_config_info{part="gate", config_digest="c1", policy_digest="p1"}': '1x110',
  'holdpoint_config_info{part="api", config_digest="c1", policy_digest="p1"}': '1x110',
  'holdpoint_outcome_unknown_calls{part="gate"}': '0x110',
  'holdpoint_oldest_approved_age_seconds{part="gate"}': '300x110',
  'holdpoint_deadline_elapsed_ratio{part="gate"}': '0.8x110',
  'holdpoint_sweep_halted{part="gate"}': '0x110',
  'holdpoint_checkpoint_age_seconds{part="gate"}': '60x110',
  'holdpoint_outbox_oldest_age_seconds{part="gate", channel="slack"}': '900x110',
  'holdpoint_outbox_disabled_destinations{part="gate"}': '0x110',
  'holdpoint_outbox_lag_entries{part="gate"}': '1000x110',
  'holdpoint_refused_requests_total{part="api", code="not_found"}': '0+120x110',
  'holdpoint_refused_requests_total{part="api", code="unauthenticated"}': '0+6x110',
};
const problem = (code: string) => ({ [`holdpoint_problem{part="gate", instance="gate-1", code="${code}"}`]: '1x110' });
/** What each alert is about, once for each that it joins. `null`: that series is not there. */
const WRONG: Readonly<Record<string, readonly Readonly<Record<string, string | null>>[]>> = {
  HoldpointOutcomeUnknown: [{ 'holdpoint_outcome_unknown_calls{part="gate"}': '1x110' }],
  HoldpointApprovedNotExecuted: [{ 'holdpoint_oldest_approved_age_seconds{part="gate"}': '301x110' }],
  HoldpointDeadlineNear: [{ 'holdpoint_deadline_elapsed_ratio{part="gate"}': '0.81x110' }],
  HoldpointPartMissing: [
    { 'up{job="holdpoint", instance="gate-1"}': '0x110' },
    { 'up{job="holdpoint", instance="gate-1"}': null },
    problem('worker_unavailable'),
  ],
  HoldpointPartNotReady: [{ 'holdpoint_ready{part="gate", instance="gate-1"}': '0x110' }],
  HoldpointLogRolledBack: [problem('log_rolled_back')],
  HoldpointSweepHalted: [{ 'holdpoint_sweep_halted{part="gate"}': '1x110' }],
  HoldpointCheckpointOld: [{ 'holdpoint_checkpoint_age_seconds{part="gate"}': '61x110' }],
  HoldpointNotificationsFailing: [
    { 'holdpoint_outbox_oldest_age_seconds{part="gate", channel="slack"}': '901x110' },
    { 'holdpoint_outbox_disabled_destinations{part="gate"}': '1x110' },
    { 'holdpoint_outbox_lag_entries{part="gate"}': '1001x110' },
  ],
  HoldpointConfigNotInForce: [{ 'holdpoint_config_in_force{part="gate"}': '0x110' }],
  HoldpointConfigDiffers: [
    {
      'holdpoint_config_info{part="api", config_digest="c1", policy_digest="p1"}': null,
      'holdpoint_config_info{part="api", config_digest="c1", policy_digest="p2"}': '1x110',
    },
  ],
  HoldpointClockApart: [problem('clock_apart')],
  // Steady, then ten times as many; and one that was never seen before.
  HoldpointRefusalsSurge: [
    { 'holdpoint_refused_requests_total{part="api", code="unauthenticated"}': '0+6x90 540+120x20' },
    { 'holdpoint_refused_requests_total{part="api", code="forbidden"}': '_x90 0+120x20' },
  ],
  HoldpointCredentialFailing: [
    problem('credential_missing'),
    problem('key_unreadable'),
    problem('database_login_refused'),
    problem('temporal_refused'),
    problem('identity_provider_unavailable'),
  ],
};

let promtool: string;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-alerts-'));
  promtool = await debianProgram('prometheus', 'promtool');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** After most of two hours, exactly these alerts fire. */
function caseOf(changes: Readonly<Record<string, string | null>>, firing: readonly string[]) {
  const series = Object.entries({ ...WELL, ...changes }).filter(([, values]) => values !== null);
  return {
    interval: '1m',
    input_series: series.map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: '105m',
        exp_samples: firing.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
      },
    ],
  };
}

test('each rule fires when something is wrong, and none other does', () => {
  expect(Object.keys(WRONG)).toEqual(RULES.map(({ alert }) => alert));
  const wrong = Object.entries(WRONG).flatMap(([alert, cases]) => cases.map((changes) => caseOf(changes, [alert])));
  const file = join(folder, 'rules.test.yaml');
  writeFileSync(
    file,
    // JSON is YAML.
    JSON.stringify({ rule_files: [FILE], evaluation_interval: '1m', tests: [caseOf({}, []), ...wrong] }),
  );
  execFileSync(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', FILE], { stdio: 'pipe' });
  expect(run(['test', 'rules', file])).toContain('SUCCESS');
});

function run(args: readonly string[]): string {
  try {
    return execFileSync(promtool, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${stdout}${stderr}`, { cause: error });
  }
}

describe('every alert', () => {
  test.each(RULES.map((rule) => [rule.alert, rule] as const))('%s says how urgent it is and what to do', (_, rule) => {
    expect(rule.labels.severity).toMatch(/^(critical|warning)$/);
    expect(rule.annotations.summary).not.toBe('');
    const page = readFileSync(packageFile(rule.annotations.runbook_url), 'utf8');
    expect(page).toContain(`\`${rule.alert}\``);
  });

  test('has its page, and each page its alert', () => {
    const pages = readdirSync(packageFile('docs', 'runbooks')).filter((name) => name !== 'README.md');
    const named = RULES.map(({ annotations }) => annotations.runbook_url.replace('docs/runbooks/', ''));
    expect(pages.toSorted()).toEqual([...named].toSorted());
    const index = readFileSync(packageFile('docs', 'runbooks', 'README.md'), 'utf8');
    for (const page of pages) expect(index).toContain(`](${page})`);
  });
});

describe('the dashboard', () => {
  const { panels } = JSON.parse(readFileSync(packageFile('deploy', 'grafana', 'holdpoint.json'), 'utf8')) as {
    readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const shown = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

  test('asks what Prometheus understands', () => {
    // Grafana fills in how far back a rate looks.
    const rules = shown.map(([, expr], index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    const file = join(folder, 'dashboard.yaml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(run(['check', 'rules', file])).toContain(`${rules.length} rules found`);
  });

  test('and the alerts name only metrics that there are, and the dashboard all of them', () => {
    const own = namesOf([...shown.map(([, expr]) => expr), ...RULES.map(({ expr }) => expr)], 'holdpoint');
    expect(own).toEqual(exported('holdpoint'));
    const others = namesOf(
      shown.map(([, expr]) => expr),
      'process|nodejs',
    );
    expect(exported('process|nodejs')).toEqual(expect.arrayContaining(others));
  });
});

function namesOf(expressions: readonly string[], prefix: string): string[] {
  const found = expressions.flatMap((expr) => expr.match(new RegExp(`\\b(?:${prefix})_[a-z0-9_]+`, 'g')) ?? []);
  return [...new Set(found.map((name) => name.replace(/_bucket$/, '')))].toSorted();
}

/** Names of all metrics of all parts. */
function exported(prefix: string): readonly string[] {
  const store = { onWritten: () => () => undefined, connections: () => ({ open: 0, idle: 0, waiting: 0 }) };
  const { registry } = createMetrics({
    part: { name: 'all', instance: 'host-1', version: '1.2.3' },
    store: store as unknown as Store,
    settings: makeSettings({}),
  });
  createApiMetrics(registry, new StreamSlots(1, 1));
  describeReadiness(registry, async () => ({ ready: true, problems: [] }));
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  return names.filter((name) => new RegExp(`^(?:${prefix})_`).test(name)).toSorted();
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { freePort } from '../support/ports.ts';
import { debianProgram, startProgram, type Program } from '../support/programs.ts';

/** What a real Prometheus makes of a running Holdpoint, of the alerts, and of what the dashboard asks. */
let world: World;
let folder: string;
let port: number;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-metrics-'));
  port = await freePort();
  world = await startWorld({ env: { HOLDPOINT_METRICS_PORT: String(port) } });
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

test('the metrics port answers with all metrics, by Prometheus’ conventions, and nothing else', async () => {
  const ref = newRef('metrics');
  const { reviewId } = await world.hold('bank.pay', { ref });
  await world.decide(reviewId, {});
  await world.settled(reviewId);
  await world.execute('invented.by-an-agent', { ref });
  const text = await scrape();
  const promtool = await debianProgram('prometheus', 'promtool');
  // It is silent where it finds nothing.
  expect(lint(promtool, text)).toBe('');
  expect(text).toMatch(/^holdpoint_executions_total\{tool="bank.pay",outcome="executed",part="all"\} 1$/m);
  expect(text).toMatch(/^holdpoint_decisions_recorded_total\{channel="api",decision="approve",part="all"\} 1$/m);
  expect(text).toMatch(/^holdpoint_denied_calls_total\{code="unknown_tool",part="all"\} 1$/m);
  expect(text).toMatch(/^temporal_worker_task_slots_available\{.*part="all"/m);
  for (const chosen of ['invented', ref, reviewId]) expect(text).not.toContain(chosen);
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(404);
});

/** Histograms of the SDK count whole milliseconds in seconds, which promtool has no fault with. */
function lint(promtool: string, text: string): string {
  try {
    return execFileSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    return `${stdout}${stderr}`;
  }
}

test('a real Prometheus loads the alerts and fires them, and answers what the dashboard asks', async () => {
  const api = `http://127.0.0.1:${await freePort()}`;
  const program = await startPrometheus(new URL(api).port);
  try {
    const ask = async (query: string): Promise<readonly { readonly metric: Readonly<Record<string, string>> }[]> => {
      const answer = await fetch(`${api}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { status, error, data } = (await answer.json()) as {
        readonly status: string;
        readonly error?: string;
        readonly data: { readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[] };
      };
      if (status !== 'success') throw new Error(error);
      return data.result;
    };
    const fired = (alert: string) =>
      until(
        async () => ((await ask(`ALERTS{alertname="${alert}",alertstate="firing"}`)).length > 0 ? true : undefined),
        {
          what: `${alert} fires`,
        },
      );
    await until(async () => ((await ask('up == 1')).length > 0 ? true : undefined), { what: 'a scrape' });
    for (const expr of panelsOf('holdpoint.json')) await ask(expr.replaceAll('$__rate_interval', '1m'));
    expect(await ask('max(holdpoint_pending_reviews)')).toHaveLength(1);
    const { configFile } = world.deployment;
    const good = readFileSync(configFile, 'utf8');
    writeFileSync(configFile, `${good}\nnot a key: 1\n`);
    await fired('HoldpointConfigNotInForce');
    writeFileSync(configFile, good);
    await world.holdpoint.stop();
    await fired('HoldpointPartMissing');
  } finally {
    await program.stop();
  }
});

function panelsOf(name: string): readonly string[] {
  const { panels } = JSON.parse(readFileSync(packageFile('deploy', 'grafana', name), 'utf8')) as {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

/** It looks every second, and the alerts wait for nothing. */
async function startPrometheus(at: string): Promise<Program> {
  const rules = readFileSync(packageFile('deploy', 'alerts', 'holdpoint.rules.yaml'), 'utf8');
  writeFileSync(join(folder, 'rules.yaml'), rules.replaceAll(/^ +for: .*$/gm, ''));
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(folder, 'rules.yaml')],
    scrape_configs: [{ job_name: 'holdpoint', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
  };
  writeFileSync(join(folder, 'prometheus.yaml'), JSON.stringify(config));
  return startProgram(
    await debianProgram('prometheus', 'prometheus'),
    [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${at}`,
    ],
    /Server is ready to receive web requests/,
  );
}

import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/ui/exit.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { findProcesses, isAlive } from '../../src/cli/embedded/processes.ts';
import { servesDatabase } from '../../src/cli/embedded/temporal-server.ts';
import { prepareHoldpoint, startHoldpoint, type Holdpoint } from '../support/holdpoint.ts';

const running: Holdpoint[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((holdpoint) => holdpoint.destroy()));
});
async function start(...args: Parameters<typeof startHoldpoint>) {
  const holdpoint = await startHoldpoint(...args);
  running.push(holdpoint);
  return holdpoint;
}

async function call(holdpoint: Holdpoint, method: 'GET' | 'POST', path: string, credential: string, body?: unknown) {
  const response = await fetch(new URL(path, holdpoint.url), {
    method,
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The review once its evidence is in: until then there is nothing that a decision could be bound to. */
async function shown(holdpoint: Holdpoint, path: string, credential: string) {
  for (;;) {
    const review = await call(holdpoint, 'GET', path, credential);
    if (typeof (review.body.call as { digest?: unknown } | undefined)?.digest === 'string') return review;
    await sleep(100);
  }
}

const temporalOf = (holdpoint: Holdpoint) =>
  findProcesses((argv) => servesDatabase(argv, join(holdpoint.dataDir, 'temporal.db')));

const DELETION = {
  service: 'postgres',
  tool: 'postgres.execute',
  arguments: { sql: `DELETE FROM users WHERE inactive_since < '2024-01-01'` },
};

describe('the demo', () => {
  test('tells where everything is and who everybody is', async () => {
    const holdpoint = await start();
    const access = holdpoint.access();
    expect(access).toMatchObject({
      url: holdpoint.url,
      temporalAddress: holdpoint.temporalAddress,
      temporalUi: holdpoint.temporalUi,
      agents: [{ id: 'demo-agent', key: expect.stringMatching(/^hpk_/) }],
      reviewers: [
        { id: 'ops-1', groups: ['ops'], token: expect.stringMatching(/^hpr_/) },
        { id: 'ops-2', groups: ['ops'], token: expect.stringMatching(/^hpr_/) },
        { id: 'finance-1', groups: ['finance'], token: expect.stringMatching(/^hpr_/) },
      ],
    });
    expect(statSync(join(holdpoint.dataDir, 'access.json')).mode & 0o777).toBe(0o600);
    for (const { signInUrl } of access.reviewers) {
      expect(new URL(signInUrl).hash).not.toBe('');
      await expect.poll(() => holdpoint.output(), { timeout: 20_000 }).toContain(signInUrl);
    }
    expect((await fetch(holdpoint.temporalUi)).status).toBe(200);
  });

  test('a sign-in link works once; the command line makes another while it runs, and not afterwards', async () => {
    const holdpoint = await start();
    const redeem = (link: string) =>
      fetch(`${holdpoint.url}/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: new URL(link).hash.slice('#token='.length) }),
      });
    const makeLink = async () => {
      const command = [packageFile('dist', 'cli', 'main.js'), 'sign-in-link', 'ops-1'];
      const env = { PATH: process.env['PATH'] ?? '', HOLDPOINT_DATA_DIR: holdpoint.dataDir };
      return (await promisify(execFile)(process.execPath, command, { env })).stdout.trim();
    };
    for (const link of [holdpoint.access().reviewers[0]?.signInUrl ?? '', await makeLink()]) {
      const first = await redeem(link);
      expect(first.status).toBe(200);
      expect(await first.json()).toMatchObject({ reviewer: { id: 'ops-1' } });
      expect((await redeem(link)).status).toBe(401);
    }
    await holdpoint.stop();
    await expect(makeLink()).rejects.toMatchObject({ code: EXIT.unavailable });
  });

  test('a reviewer approves, and exactly the rows that were shown are gone', async () => {
    const holdpoint = await start();
    const { agents, reviewers } = holdpoint.access();
    const agent = agents[0]?.key ?? '';
    const ops = reviewers[0]?.token ?? '';
    const proposed = await call(holdpoint, 'POST', '/v1/execute', agent, DELETION);
    expect(proposed).toMatchObject({ status: 202, body: { outcome: 'ESCALATE', class: 'irreversible', gate: 'hard' } });
    const path = `/v1/reviews/${String(proposed.body.reviewId)}`;
    const pending = await shown(holdpoint, path, ops);
    expect(JSON.stringify(pending.body.evidence)).toContain('1247');
    const { digest } = pending.body.call as { digest: string };
    expect((await call(holdpoint, 'POST', `${path}/decision`, ops, { type: 'approve', digest })).status).toBe(200);
    const final = await call(holdpoint, 'GET', `${path}?waitSeconds=30`, ops);
    expect(final.body).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
    const left = await call(holdpoint, 'POST', '/v1/execute', agent, {
      service: 'postgres',
      tool: 'postgres.select',
      arguments: { sql: 'SELECT count(*)::int AS n FROM users' },
    });
    expect(left).toMatchObject({ status: 200, body: { outcome: 'EXECUTED' } });
    expect(JSON.stringify(left.body)).toContain('8753');
  });
});

describe('a second start', () => {
  test('on the same data directory is refused, and harms nothing', async () => {
    const first = await start();
    const second = await prepareHoldpoint({ dataDir: first.dataDir });
    expect(await second.startAndEnd()).toBe(EXIT.refused);
    expect(second.output()).toContain('data_dir_locked');
    expect(second.output()).toContain('HOLDPOINT_DATA_DIR');
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  });

  test.each([
    ['HOLDPOINT_PORT', 'url'],
    ['HOLDPOINT_TEMPORAL_PORT', 'temporalAddress'],
    ['HOLDPOINT_TEMPORAL_UI_PORT', 'temporalUi'],
  ] as const)('with %s taken by another program is refused, and says what to set', async (setting, at) => {
    const holdpoint = await prepareHoldpoint();
    running.push(holdpoint);
    const server = createServer().listen(Number(holdpoint[at].split(':').at(-1)), '127.0.0.1');
    const code = await holdpoint.startAndEnd();
    server.close();
    expect(code).toBe(EXIT.unavailable);
    expect(holdpoint.output()).toContain(setting);
    expect(await temporalOf(holdpoint)).toEqual([]);
  });
});

describe('the end', () => {
  test('of a stopped one is clean, and takes its Temporal server along', async () => {
    const holdpoint = await start();
    const [temporal] = await temporalOf(holdpoint);
    expect(await holdpoint.stop()).toBe(0);
    expect(isAlive(temporal?.pid ?? 0)).toBe(false);
  });

  test('by kill -9: what was pending is pending again, whatever was left behind', async () => {
    const holdpoint = await start();
    const { agents, reviewers } = holdpoint.access();
    const proposed = await call(holdpoint, 'POST', '/v1/execute', agents[0]?.key ?? '', DELETION);
    const path = `/v1/reviews/${String(proposed.body.reviewId)}`;
    await holdpoint.kill();

    await holdpoint.start();
    const ops = reviewers[0]?.token ?? '';
    const again = await call(holdpoint, 'GET', path, ops);
    expect(again).toMatchObject({ status: 200, body: { status: 'pending', execution: { status: 'not_started' } } });
    expect(await temporalOf(holdpoint)).toHaveLength(1);
    const { digest } = (await shown(holdpoint, path, ops)).body.call as { digest: string };
    // A workflow task that died with the process is given out again after 10 s; until then the no is stored.
    const { status } = await call(holdpoint, 'POST', `${path}/decision`, ops, { type: 'reject', digest });
    expect([200, 202]).toContain(status);
    expect((await call(holdpoint, 'GET', `${path}?waitSeconds=30`, ops)).body).toMatchObject({ status: 'rejected' });
  });
});

test('a setting that is wrong stops the start', async () => {
  const holdpoint = await prepareHoldpoint({ env: { HOLDPOINT_PORT: '80a' } });
  running.push(holdpoint);
  expect(await holdpoint.startAndEnd()).toBe(EXIT.configInvalid);
  expect(holdpoint.output()).toContain('HOLDPOINT_PORT');
});

test('a config file that is named and missing does not become the demo', async () => {
  const holdpoint = await prepareHoldpoint({ config: '/nonexistent/holdpoint.yaml' });
  running.push(holdpoint);
  expect(await holdpoint.startAndEnd()).toBe(EXIT.configInvalid);
  expect(await temporalOf(holdpoint)).toEqual([]);
});

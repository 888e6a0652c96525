import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { checkApi, judgeClock } from '../../src/cli/commands/doctor/checks.ts';
import {
  checkBinding,
  checkSearchAttributes,
  checkStandaloneActivities,
  judgeTemporalClock,
} from '../../src/cli/commands/doctor/temporal.ts';
import type { TemporalIdentity } from '../../src/ports/recovery.ts';

describe('clocks', () => {
  const now = Date.parse('2026-04-01T12:00:00.000Z');
  test.each([
    [0, 0, 'ok'],
    [4_000, 0, 'ok'],
    [-4_000, 0, 'ok'],
    [60_000, 0, 'fail'],
    [-60_000, 0, 'fail'],
    // A coarse or slow reading is given as much slack.
    [7_000, 3_000, 'ok'],
    [9_000, 3_000, 'fail'],
  ] as const)('%i ms off, read to within %i ms: %s', (off, slack, status) => {
    expect(judgeClock('clock', now + off, now, slack).status).toBe(status);
  });

  test('a Temporal clock that is ahead is noticed; agreement is not claimed', () => {
    expect(judgeTemporalClock(now + 60_000, now).status).toBe('fail');
    const behind = judgeTemporalClock(now - 3_600_000, now);
    expect(behind.status).toBe('ok');
    expect(behind).not.toEqual({ ...behind, message: judgeClock('temporal clock', now, now, 0).message });
  });
});

describe('the api', () => {
  async function against(status: number, body: unknown, date?: string) {
    const server = createServer((_request, response) => {
      if (date !== undefined) response.setHeader('date', date);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await checkApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, Date.now);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  const statuses = async (...args: Parameters<typeof against>) =>
    (await against(...args)).map(({ check, status }) => `${check}: ${status}`);

  test('ready, ready with a problem, not ready', async () => {
    expect(await statuses(200, { problems: [] })).toEqual(['api: ok', 'api clock: ok']);
    expect(await statuses(200, { problems: [{ code: 'c', message: 'policy.yaml is broken' }] })).toContain('api: warn');
    expect(await statuses(503, { problems: [{ code: 'temporal', message: 'down' }] })).toContain('api: fail');
    expect(await statuses(200, { ready: true, problemCount: 1 })).toContain('api: warn');
  });

  test('a clock that is an hour off', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    expect(await statuses(200, { problems: [] }, date)).toContain('api clock: fail');
  });

  test('no answer, and no URL', async () => {
    const [closed] = await checkApi('http://127.0.0.1:1', Date.now);
    const [unknown] = await checkApi(undefined, Date.now);
    expect([closed?.status, unknown?.status]).toEqual(['fail', 'skipped']);
  });
});

describe('the Temporal that the database is bound to', () => {
  const here: TemporalIdentity = { namespaceId: 'namespace-1', clusterId: 'cluster-1' };
  const workflowService = {
    describeNamespace: async () => ({ namespaceInfo: { id: here.namespaceId }, isGlobalNamespace: false }),
    getClusterInfo: async () => ({ clusterId: here.clusterId }),
  };
  const temporal = { connection: { workflowService } as never, namespace: 'default' };
  const check = (bound: TemporalIdentity | undefined) => checkBinding(temporal, async () => bound);

  test('is this one, or none yet', async () => {
    expect(await check(here)).toMatchObject({ status: 'ok' });
    expect(await check(undefined)).toMatchObject({ status: 'ok' });
  });

  test('is another one: fails, and names `holdpoint temporal rebind`', async () => {
    for (const other of [
      { ...here, namespaceId: 'namespace-2' },
      { ...here, clusterId: 'cluster-2' },
    ]) {
      const finding = await check(other);
      expect(finding).toMatchObject({ check: 'temporal binding', status: 'fail' });
      expect(finding.fix).toContain('holdpoint temporal rebind');
    }
  });

  test('cannot be read: skipped, since the check of the database says why', async () => {
    const refused = () => Promise.reject(new Error('permission denied'));
    expect(await checkBinding(temporal, refused)).toMatchObject({ status: 'skipped' });
  });
});

describe('standalone activities', () => {
  test.each([
    [true, 'ok'],
    [false, 'warn'],
    [undefined, 'warn'],
  ])('%s: %s', async (standaloneActivities, status) => {
    const namespaceInfo = { capabilities: { standaloneActivities } };
    const workflowService = { describeNamespace: async () => ({ namespaceInfo }) };
    const finding = await checkStandaloneActivities({ workflowService } as never, 'default');
    expect(finding).toMatchObject({ check: 'standalone activities', status });
  });
});

describe('search attributes', () => {
  const keyword = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 2]));
  const others = (n: number) => Array.from({ length: n }, (_, index) => `Other${index}`);
  const OWN = ['HoldpointStatus', 'HoldpointClass', 'HoldpointTool', 'HoldpointProposer'];
  const check = (customAttributes: Record<string, number>, storageSchema: Record<string, string> = {}) =>
    checkSearchAttributes(
      { operatorService: { listSearchAttributes: async () => ({ customAttributes, storageSchema }) } as never },
      'default',
    );

  test('there, missing, without room for them, of another type', async () => {
    expect(await check(keyword(...OWN, ...others(6)))).toMatchObject({ status: 'ok' });
    expect(await check(keyword(...others(6)))).toMatchObject({
      status: 'fail',
      fix: expect.stringContaining('search-attribute create') as string,
    });
    expect(await check(keyword(...others(7)))).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/room for 3 more.*needs 4/) as string,
      fix: expect.stringMatching(/search-attribute remove.*TEMPORAL_NAMESPACE/) as string,
    });
    expect(await check({ ...keyword(...OWN), HoldpointTool: 1 })).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('HoldpointTool must be of type Keyword') as string,
    });
    // Elasticsearch has no such limit.
    expect(await check(keyword(...others(12)), { Other1: 'keyword' })).toMatchObject({
      fix: expect.stringContaining('search-attribute create') as string,
    });
  });
});

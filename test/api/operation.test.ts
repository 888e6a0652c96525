import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DashboardPage } from '../../src/api/index.ts';
import { StorageError } from '../../src/ports/store.ts';
import { CREATE, GET, makeHarness, readEvents, type Harness } from './support/harness.ts';

const html =
  '<script type="module" src="/assets/page-1a2b.js"></script><link rel="stylesheet" href="/assets/page-3c4d.css">';
const PAGE: DashboardPage = {
  html,
  docs: html,
  assets: new Map([
    ['page-1a2b.js', { type: 'text/javascript', plain: Buffer.from('plain'), gzipped: gzipSync('packed') }],
    ['page-3c4d.css', { type: 'text/css', plain: Buffer.from('css'), gzipped: undefined }],
  ]),
};

let api: Harness;
beforeAll(async () => {
  api = await makeHarness({ app: { page: PAGE } });
});
afterAll(() => api.close());

describe('readiness', () => {
  test('ready where everything is there', async () => {
    expect((await api.get('/healthz')).status).toBe(200);
    const answer = await api.get('/readyz');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      ready: true,
      checks: {
        database: 'ok',
        temporal: 'ok',
        gateWorker: 'ok',
        executeWorker: 'ok',
        process: 'ok',
        sweep: 'ok',
        objections: 'ok',
      },
      problems: [],
    });
  });

  test.each([
    [50, []],
    [51, ['objection_unreadable']],
  ])('with %i objections that do not verify it is ready, and names them from 51 on', async (count, codes) => {
    const objections = { ...api.store.objections, countUnreadable: async () => count };
    const other = await makeHarness({ app: { store: { ...api.store, objections } } });
    const { status, body } = await other.get('/readyz');
    await other.close();
    expect([status, body.problems.map((problem: { code: string }) => problem.code)]).toEqual([200, codes]);
  });

  test.each([
    ['temporal', 'temporal_unavailable'],
    ['executeWorker', 'worker_unavailable'],
    ['gateWorker', 'worker_unavailable'],
    ['database', 'database_unavailable'],
    ['log', 'log_rolled_back'],
  ])('%s down: 503, by name', async (part, code) => {
    const down = () => Promise.reject(new Error('words of a driver'));
    const other = await makeHarness({
      app: {
        ...(part === 'database' ? { store: { ...api.store, ping: down } } : {}),
        ...(part === 'log'
          ? { readyChecks: { log: () => Promise.reject(new StorageError('log_rolled_back', 'x')) } }
          : {}),
      },
    });
    if (part === 'temporal') other.gate.mode = 'down';
    if (part === 'gateWorker') other.gate.polled = { gate: false, execute: true };
    if (part === 'executeWorker') other.gate.polled = { gate: true, execute: false };
    const answer = await other.get('/readyz');
    await other.close();
    expect(answer.status).toBe(503);
    expect(answer.body.ready).toBe(false);
    expect(answer.body.checks[part]).toBe('down');
    expect(answer.body.problems.map((problem: { code: string }) => problem.code)).toContain(code);
    expect(JSON.stringify(answer.body)).not.toContain('words of a driver');
  });

  test('a halted sweep is named, and calls go on', async () => {
    const status = async () => ({ halt: { at: '2026-04-01T12:00:00.000Z', reviewIds: [] }, lostLastHour: 20 });
    const store = { ...api.store, recovery: { ...api.store.recovery, status } };
    const other = await makeHarness({ app: { store } });
    const answer = await other.get('/readyz');
    await other.close();
    expect(answer.status).toBe(200);
    expect(answer.body.problems).toMatchObject([{ code: 'sweep_halted' }]);
  });

  test('a broken configuration file shows, and the old one is in force', async () => {
    const settings = { current: () => api.settings.current(), problem: () => 'holdpoint.yaml:3:1 unknown key' };
    const other = await makeHarness({ app: { settings } });
    const answer = await other.get('/readyz');
    await other.close();
    expect(answer.status).toBe(200);
    expect(answer.body.problems).toEqual([{ code: 'config_not_in_force', message: 'holdpoint.yaml:3:1 unknown key' }]);
  });
});

describe('metrics', () => {
  test('what was done is counted; what callers make up is no label', async () => {
    await api.execute(GET);
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest, {}, 'finance-1');
    await api.decide(review.reviewId, review.call.digest, { type: 'reject' });
    await api.get('/made/up/by/a/caller');
    const { body, headers } = await api.get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(body).toMatch(/holdpoint_executes_total\{outcome="EXECUTED"\} [1-9]/);
    expect(body).toMatch(/holdpoint_executes_total\{outcome="ESCALATE"\} [1-9]/);
    expect(body).toMatch(/holdpoint_decisions_total\{type="approve",result="not_an_approver"\} 1/);
    expect(body).toMatch(/holdpoint_decisions_total\{type="reject",result="accepted"\} 1/);
    expect(body).toMatch(/holdpoint_refused_requests_total\{code="not_found"\} [1-9]/);
    expect(body).toContain('route="/v1/reviews/{reviewId}"');
    expect(body).not.toContain('made/up');
    expect(body).not.toContain(review.reviewId);
  });
});

describe('the log', () => {
  test('names requests and holds no bodies, queries or credentials', async () => {
    const secret = 'argument-that-belongs-to-the-agent';
    const answer = await api.execute({ arguments: { account: secret, amount: 1 }, reason: secret });
    await api.get(`/v1/reviews?threadId=${secret}`, 'ops-1');
    const text = api.log.join('');
    expect(text).toContain(answer.headers.get('x-request-id'));
    expect(text).toContain('"who":"agent:agent-1"');
    for (const hidden of [secret, api.credential('agent-1'), api.credential('ops-1')]) {
      expect(text).not.toContain(hidden);
    }
  });
});

describe('headers', () => {
  test('no inline script, no framing, no other origin, nothing about the server', async () => {
    for (const path of ['/', '/docs', '/v1/reviews', '/openapi.json']) {
      const { headers } = await api.open('GET', path, undefined, { headers: { origin: 'https://evil.example' } });
      const csp = headers.get('content-security-policy') ?? '';
      expect(csp).toContain("default-src 'none'");
      expect(csp).toContain("script-src 'self';");
      expect(csp).toContain("frame-ancestors 'none'");
      expect(csp).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('cache-control')).toContain('no-store');
    }
  });
});

/** Spares the browser's own request for an icon; there is nothing in it to load. */
const EMPTY_ICON = 'data:,';

describe('pages', () => {
  test.each(['/', '/reviews/rev_01KN4EMBG0PMMQS6MCY17GRJHD', '/docs'])(
    '%s loads only what is served here',
    async (path) => {
      const page = await api.get(path);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(page.body).not.toMatch(/<script>|\son[a-z]+=|style="|https?:\/\//);
      const linked = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url as string);
      expect(linked.filter((one) => one !== EMPTY_ICON).length).toBeGreaterThan(1);
      for (const url of linked.filter((one) => one !== EMPTY_ICON)) expect((await api.get(url)).status).toBe(200);
    },
  );

  test('assets are compressed where that is understood, kept for ever, and found by exact name alone', async () => {
    const packed = await api.get('/assets/page-1a2b.js');
    expect(packed.headers.get('cache-control')).toContain('immutable');
    expect(packed.body).toBe('packed');
    const plain = await api.open('GET', '/assets/page-1a2b.js', undefined, {
      headers: { 'accept-encoding': 'identity' },
    });
    expect(await plain.text()).toBe('plain');
    for (const path of ['/assets/other.js', '/assets/..%2fpackage.json', '/assets/constructor']) {
      expect((await api.get(path)).status).toBe(404);
    }
  });

  test('without a built page the paths still answer', async () => {
    const bare = await makeHarness();
    expect((await bare.get('/reviews/rev_01KN4EMBG0PMMQS6MCY17GRJHD')).status).toBe(200);
    await bare.close();
  });
});

describe('shutdown', () => {
  test('held answers are given, streams end, nothing new is taken', async () => {
    const other = await makeHarness();
    const review = await other.propose();
    const stream = readEvents(
      await other.open('GET', `/v1/reviews/${review.reviewId}/events`, undefined, { as: 'ops-1' }),
      () => false,
    );
    const poll = other.get(`/v1/reviews/${review.reviewId}?waitSeconds=60`, 'agent-1');
    const execute = other.execute({ ...CREATE, waitSeconds: 60 });
    await until(() => other.gate.started.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await other.close();
    expect((await stream).ended).toBe(true);
    expect((await poll).body.status).toBe('pending');
    const answer = await execute;
    expect([answer.status, answer.body.outcome]).toEqual([202, 'ESCALATE']);
    await expect(other.get('/healthz')).rejects.toThrow();
  });

  test('a decision that is on its way is answered: queued', async () => {
    const other = await makeHarness();
    const review = await other.propose();
    other.gate.mode = 'idle';
    const decision = other.decide(review.reviewId, review.call.digest);
    await until(() => other.gate.signals.length === 1);
    await other.close();
    expect((await decision).status).toBe(202);
  });

  test('an address that is taken is an error, not a silence', async () => {
    const { startServer } = await import('../../src/api/server.ts');
    const shutdown = new AbortController();
    await expect(startServer(api.app, { port: api.server.port, shutdown })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReadiness, type DashboardPage } from '../../src/api/index.ts';
import type { Heartbeat } from '../../src/domain/readiness.ts';
import type { Store } from '../../src/ports/store.ts';
import {
  CREATE,
  GET,
  makeHarness,
  readEvents,
  type Harness,
  type HarnessOptions,
  type Reply,
} from './support/harness.ts';

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

const WORKERS = [beatOf('gate'), beatOf('execute')];
function beatOf(name: 'gate' | 'execute', more: Partial<Heartbeat> = {}): Heartbeat {
  const at = '2026-04-01T12:00:00.000Z';
  const part = { name, instance: `host-${name}`, version: '1.2.3' };
  return {
    part,
    configDigest: 'sha256:c',
    policyDigest: 'sha256:p',
    problems: [],
    since: at,
    seenAt: at,
    ageMs: 0,
    filesAgeMs: 0,
    ...more,
  };
}

describe('readiness', () => {
  const codes = ({ body }: Reply): readonly string[] => body.problems.map(({ code }: { code: string }) => code);
  async function readyz(change: Partial<Store> = {}, workers = WORKERS, app: HarnessOptions['app'] = {}) {
    const store = { ...api.store, parts: { ...api.store.parts, list: async () => workers }, ...change };
    const other = await makeHarness({ app: { store, ...app } });
    const answers = await Promise.all([other.get('/readyz', 'ops-1'), other.get('/readyz')]);
    await other.close();
    return { signedIn: answers[0], anybody: answers[1] };
  }

  test('which parts there are is told to those who are signed in alone', async () => {
    expect((await api.get('/healthz')).status).toBe(200);
    const { signedIn, anybody } = await readyz();
    expect(signedIn.status).toBe(200);
    expect(signedIn.body).toMatchObject({
      ready: true,
      checks: { gateWorker: 'ok', executeWorker: 'ok', process: 'ok', files: 'ok', sweep: 'ok', objections: 'ok' },
      problems: [],
      parts: [{ part: 'api', version: '0.0.0' }, { part: 'gate', version: '1.2.3' }, { part: 'execute' }],
    });
    expect([anybody.status, anybody.body]).toEqual([200, { ready: true, problemCount: 0 }]);
    expect((await api.get('/readyz', undefined, { authorization: 'Bearer hpr_wrong' })).body).toEqual({
      ready: false,
      problemCount: 2,
    });
  });

  test.each([
    [
      'a gate worker that was killed',
      [beatOf('gate', { ageMs: 9_000 }), beatOf('execute')],
      ['worker_unavailable', 'part_lost'],
    ],
    ['no execute worker', [beatOf('gate')], ['worker_unavailable']],
    [
      'an execute worker that runs nothing',
      [beatOf('gate'), beatOf('execute', { problems: ['log_rolled_back'] })],
      ['worker_unavailable', 'log_rolled_back'],
    ],
  ])('%s: 503, by name', async (_what, workers, named) => {
    const { signedIn, anybody } = await readyz({}, workers);
    expect([signedIn.status, codes(signedIn)]).toEqual([503, named]);
    expect(anybody.body).toEqual({ ready: false, problemCount: named.length });
  });

  test('words of an error stay inside', async () => {
    const readiness = createReadiness({
      ...api,
      part: { name: 'gate', instance: 'host-1', version: '1' },
      shutdown: api.shutdown.signal,
    });
    readiness.add('database', 'database_unavailable', () => Promise.reject(new Error('words of a driver')));
    const report = await readiness.check();
    expect(report).toMatchObject({
      ready: false,
      checks: { database: 'down' },
      problems: [{ code: 'database_unavailable' }],
    });
    expect(JSON.stringify(report)).not.toContain('words of a driver');
  });

  test.each([
    [50, []],
    [51, ['objection_unreadable']],
  ])('with %i objections that do not verify it is ready, and names them from 51 on', async (count, named) => {
    const { signedIn } = await readyz({ objections: { ...api.store.objections, countUnreadable: async () => count } });
    expect([signedIn.status, codes(signedIn)]).toEqual([200, named]);
  });

  test('a halted sweep is named, and calls go on', async () => {
    const status = async () => ({ halt: { at: '2026-04-01T12:00:00.000Z', reviewIds: [] }, lostLastHour: 20 });
    const { signedIn } = await readyz({ recovery: { ...api.store.recovery, status } });
    expect([signedIn.status, codes(signedIn)]).toEqual([200, ['sweep_halted']]);
  });

  test('a broken configuration file shows, and the old one is in force', async () => {
    const settings = { ...api.settings, problem: () => 'holdpoint.yaml:3:1 unknown key' };
    const { signedIn } = await readyz({}, WORKERS, { settings });
    expect([signedIn.status, signedIn.body.problems]).toMatchObject([
      200,
      [{ code: 'config_not_in_force', message: 'holdpoint.yaml:3:1 unknown key', part: { name: 'api' } }],
    ]);
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
    expect(text).toContain('"agent":"agent-1"');
    for (const hidden of [secret, api.credential('agent-1'), api.credential('ops-1')]) {
      expect(text).not.toContain(hidden);
    }
    // Whoever is known is named; of others the address is all there is to find them by.
    expect(text).not.toMatch(/"agent":"agent-1"[^\n]*"address"/);
    await api.get('/v1/reviews', undefined, { authorization: 'Bearer hpr_wrong' });
    expect(api.log.join('')).toMatch(/"status":401,[^\n]*"address":"127\.0\.0\.1"/);
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

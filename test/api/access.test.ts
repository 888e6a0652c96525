import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, CREATE, GET, makeHarness, type Harness } from './support/harness.ts';

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
afterAll(() => api.close());

describe('bearer credentials', () => {
  test.each([
    ['none', {}],
    ['empty', { authorization: '' }],
    ['another scheme', { authorization: 'Basic aHBrXzE6' }],
    ['a key that nobody has', { authorization: 'Bearer hpk_nobody' }],
    ['a token that nobody has', { authorization: 'Bearer hpr_nobody' }],
    ['the hash instead of the key', { authorization: `Bearer ${'0'.repeat(64)}` }],
  ])('%s: 401', async (_what, headers) => {
    const answer = await api.get('/v1/reviews', undefined, headers);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthenticated']);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });

  test('an agent’s key is no reviewer’s token', async () => {
    const { agents, reviewers } = api.settings.current();
    const hash = agents[0]?.keySha256 as string;
    api.settings.update({ reviewers: [...reviewers, { id: 'mixed-up', groups: ['ops'], tokenSha256: hash }] });
    expect((await api.get('/v1/session', 'agent-1')).status).toBe(403);
    api.settings.update({ reviewers });
  });

  test('a key taken out of the configuration ends at once', async () => {
    const { agents } = api.settings.current();
    expect((await api.get('/v1/reviews', 'agent-2')).status).toBe(200);
    api.settings.update({ agents: agents.filter(({ id }) => id !== 'agent-2') });
    expect((await api.get('/v1/reviews', 'agent-2')).status).toBe(401);
    api.settings.update({ agents });
  });

  test('roles: agents propose, reviewers decide', async () => {
    const proposing = await api.post('/v1/execute', CREATE, 'ops-1');
    expect([proposing.status, codeOf(proposing)]).toEqual([403, 'forbidden']);
    const deciding = await api.post('/v1/decisions', { decisions: [] }, 'agent-1');
    expect([deciding.status, codeOf(deciding)]).toEqual([403, 'forbidden']);
  });
});

describe('sessions', () => {
  async function signIn(token: string) {
    const answer = await api.post('/v1/session', { token });
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    return { answer, cookie, csrf: answer.body.csrfToken as string };
  }

  test('a link signs in once', async () => {
    const token = api.signIn.issue('ops-1');
    const { answer, cookie } = await signIn(token);
    expect(answer.status).toBe(200);
    expect(answer.body.reviewer).toEqual({ id: 'ops-1', groups: ['ops'], role: 'reviewer' });
    const attributes = (answer.headers.get('set-cookie') ?? '').toLowerCase();
    expect(attributes).toContain('httponly');
    expect(attributes).toContain('samesite=strict');
    expect((await api.get('/v1/session', undefined, { cookie })).body.reviewer.id).toBe('ops-1');
    const again = await signIn(token);
    expect([again.answer.status, codeOf(again.answer)]).toEqual([401, 'unauthenticated']);
  });

  test('a link is good for ten minutes', async () => {
    const token = api.signIn.issue('ops-1');
    api.clock.advance(10 * 60_000);
    expect((await signIn(token)).answer.status).toBe(401);
  });

  test('a reviewer’s token signs in too; an agent’s key does not', async () => {
    expect((await signIn(api.credential('finance-1'))).answer.body.reviewer.id).toBe('finance-1');
    expect((await signIn(api.credential('agent-1'))).answer.status).toBe(401);
  });

  test('what changes something needs the CSRF token', async () => {
    const review = await api.propose();
    const { cookie, csrf } = await signIn(api.signIn.issue('ops-1'));
    const decide = (headers: Record<string, string>) =>
      api.send(
        'POST',
        `/v1/reviews/${review.reviewId}/decision`,
        { type: 'approve', digest: review.call.digest },
        { headers },
      );
    for (const headers of [{ cookie }, { cookie, 'x-csrf-token': 'wrong' }, { cookie, 'x-csrf-token': '' }]) {
      const answer = await decide(headers);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
    }
    expect((await decide({ cookie, 'x-csrf-token': csrf })).status).toBe(200);
    const payload = api.verifier.verify('decision', api.gate.signals.at(-1)?.envelope)?.payload;
    expect(payload).toMatchObject({ reviewer: { id: 'ops-1', method: 'link' }, channel: 'dashboard' });
  });

  test('a wrong bearer is not made good by a cookie', async () => {
    const { cookie } = await signIn(api.signIn.issue('ops-1'));
    expect((await api.get('/v1/reviews', undefined, { cookie, authorization: 'Bearer hpr_nobody' })).status).toBe(401);
  });

  test('a cookie that was touched is no session', async () => {
    const { cookie } = await signIn(api.signIn.issue('ops-1'));
    const touched = `${cookie.slice(0, -6)}${cookie.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
    expect((await api.get('/v1/session', undefined, { cookie: touched })).status).toBe(401);
    expect((await api.get('/v1/session', undefined, { cookie: 'holdpoint_session=x' })).status).toBe(401);
  });

  test('signing out, leaving the directory and another token end it', async () => {
    const { reviewers } = api.settings.current();
    const first = await signIn(api.signIn.issue('ops-1'));
    const out = await api.send('DELETE', '/v1/session', undefined, {
      headers: { cookie: first.cookie, 'x-csrf-token': first.csrf },
    });
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toContain('holdpoint_session=;');

    const { cookie } = await signIn(api.signIn.issue('ops-2'));
    api.settings.update({ reviewers: reviewers.filter(({ id }) => id !== 'ops-2') });
    expect((await api.get('/v1/session', undefined, { cookie })).status).toBe(401);
    api.settings.update({
      reviewers: reviewers.map((r) => (r.id === 'ops-2' ? { ...r, tokenSha256: 'f'.repeat(64) } : r)),
    });
    expect((await api.get('/v1/session', undefined, { cookie })).status).toBe(401);
    api.settings.update({ reviewers });
    expect((await api.get('/v1/session', undefined, { cookie })).status).toBe(200);
  });

  test('behind https the cookie is Secure', async () => {
    api.settings.update({ publicUrl: 'https://holdpoint.example.com/' });
    const { answer } = await signIn(api.signIn.issue('ops-1'));
    const executed = await api.execute();
    api.settings.update({ publicUrl: null });
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-holdpoint_session=[^;]+;.* Path=\/;.* Secure/);
    expect(executed.body.statusUrl).toBe(`https://holdpoint.example.com/v1/reviews/${executed.body.reviewId}`);
  });
});

describe('limits', () => {
  let limited: Harness;
  beforeAll(async () => {
    limited = await makeHarness({
      settings: {
        limits: {
          pendingPerAgent: 200,
          irreversiblePerToolPerHour: 60,
          sensitivePerToolPerHour: 600,
          requestsPerMinute: 10,
        },
      },
      app: { limits: { anonymousPerMinute: 5, streamsPerPrincipal: 2 } },
    });
  });
  afterAll(() => limited.close());

  test('requests per principal and minute, each on its own account', async () => {
    for (let n = 0; n < 10; n += 1) expect((await limited.get('/v1/reviews', 'agent-1')).status).toBe(200);
    const answer = await limited.get('/v1/reviews', 'agent-1');
    expect([answer.status, codeOf(answer)]).toEqual([429, 'rate_limited']);
    const wait = Number(answer.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
    expect((await limited.get('/v1/reviews', 'agent-2')).status).toBe(200);
  });

  test('a batch counts for the calls in it', async () => {
    const answer = await limited.post(
      '/v1/execute/batch',
      { calls: Array.from({ length: 11 }, () => GET) },
      'narrow-agent',
    );
    expect([answer.status, codeOf(answer)]).toEqual([429, 'rate_limited']);
    expect(limited.gate.started).toHaveLength(0);
  });

  test('a long body counts for as many requests as there are 32 KiB in it, before it is parsed', async () => {
    const explain = (raw: string) => limited.send('POST', '/v1/policy/explain', undefined, { as: 'both-1', raw });
    expect(codeOf(await explain('x'.repeat(262_144)))).toBe('malformed_json');
    expect(codeOf(await explain('x'.repeat(65_536)))).toBe('rate_limited');
  });

  test('behind a trusted proxy: an address is one, however it is written; what is none is the proxy’s', async () => {
    const behind = await makeHarness({ app: { limits: { anonymousPerMinute: 3 }, trustProxy: 'loopback' } });
    const from = async (...hops: string[]) => {
      const statuses: number[] = [];
      for (const hop of hops)
        statuses.push((await behind.get('/v1/reviews', undefined, { 'x-forwarded-for': hop })).status);
      return statuses;
    };
    const [once, over] = [401, 429];
    expect(await from('192.0.2.1:1', '192.0.2.1:2', '::ffff:192.0.2.1', '[::ffff:192.0.2.1]:4')).toEqual([
      once,
      once,
      once,
      over,
    ]);
    expect(await from('[2001:db8::1]:1', '2001:db8::2', '2001:db8::3%4', '2001:db8:0:1::1', '2001:db8::4')).toEqual([
      once,
      once,
      once,
      once,
      over,
    ]);
    expect(await from('unknown', '192.0.2.9, _x', '"x"', '192.0.2.8, y')).toEqual([once, once, once, over]);
    await behind.close();
  });

  test.each([
    ['a proxy that is trusted: each address behind it on its own account', 'loopback', 401],
    ['anybody: a forwarded address is a claim, and counts for nothing', false, 429],
  ] as const)('without a credential, behind %s', async (_, trustProxy, other) => {
    const behind = await makeHarness({ app: { limits: { anonymousPerMinute: 3 }, trustProxy } });
    const from = async (address: string) =>
      (await behind.get('/v1/reviews', undefined, { 'x-forwarded-for': address })).status;
    for (let n = 0; n < 3; n += 1) expect(await from('192.0.2.1')).toBe(401);
    expect([await from('192.0.2.1'), await from('192.0.2.2')]).toEqual([429, other]);
    await behind.close();
  });

  test('an export takes the place of a stream', async () => {
    const one = await makeHarness({ app: { limits: { streamsPerPrincipal: 1 } } });
    const stream = await one.open('GET', '/v1/events', undefined, { as: 'ops-1' });
    expect(codeOf(await one.get('/v1/audit/export?format=csv', 'ops-1'))).toBe('rate_limited');
    expect((await one.get('/v1/audit/export?format=csv', 'ops-2')).status).toBe(200);
    await stream.body?.cancel();
    await one.close();
  });

  test('streams per principal', async () => {
    const streams = [1, 2].map(() => limited.open('GET', '/v1/events', undefined, { as: 'ops-1' }));
    const open = await Promise.all(streams);
    const third = await limited.get('/v1/events', 'ops-1');
    expect([third.status, codeOf(third)]).toEqual([429, 'rate_limited']);
    await open[0]?.body?.cancel();
    let next = await limited.open('GET', '/v1/events', undefined, { as: 'ops-2' });
    await next.body?.cancel();
    for (let tries = 0; tries < 5; tries += 1) {
      next = await limited.open('GET', '/v1/events', undefined, { as: 'ops-1' });
      await next.body?.cancel();
      if (next.status === 200) break;
    }
    expect(next.status).toBe(200);
    await open[1]?.body?.cancel();
  });

  test('requests without a valid credential, per address; the way in stays open for others', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 7; n += 1) statuses.push((await limited.post('/v1/session', { token: 'hpl_guess' })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await limited.get('/v1/reviews', undefined, { authorization: 'Bearer hpr_x' })).status).toBe(429);
    expect((await limited.get('/v1/reviews', 'finance-1')).status).toBe(200);
    expect((await limited.get('/healthz')).status).toBe(200);
  });
});

describe('roles of processes', () => {
  let other: Harness | undefined;
  afterEach(async () => {
    await other?.close();
    other = undefined;
  });

  test('without the review key there is nothing to decide with', async () => {
    other = await makeHarness({ app: { reviewSigner: undefined } });
    const review = await other.propose();
    const answer = await other.decide(review.reviewId, review.call.digest);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
    expect((await other.post('/v1/decisions', { decisions: [] }, 'ops-1')).status).toBe(404);
    const { paths } = (await other.get('/openapi.json')).body;
    expect(Object.keys(paths)).toContain('/v1/execute');
  });

  test('without the propose key there is nothing to propose with', async () => {
    other = await makeHarness({ app: { proposeSigner: undefined } });
    for (const path of ['/v1/execute', '/v1/execute/batch']) {
      const answer = await other.post(path, CREATE, 'agent-1');
      expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
    }
  });
});

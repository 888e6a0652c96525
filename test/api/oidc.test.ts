import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIENT_ID, CLIENT_SECRET, startProvider, TestBrowser, type TestProvider } from '../support/oidc.ts';
import { codeOf, makeHarness, type Harness } from './support/harness.ts';

const PATH = '/v1/session/oidc';

let api: Harness;
let provider: TestProvider;
let secret: string | undefined;

beforeAll(async () => {
  api = await makeHarness({
    app: {
      resolveReference: (reference) => {
        if (reference !== 'env:OIDC_CLIENT_SECRET' || secret === undefined) throw new Error('reference_missing');
        return secret;
      },
    },
  });
});
afterAll(() => api.close());

beforeEach(async () => {
  secret = CLIENT_SECRET;
  provider = await startProvider(`${api.url}${PATH}/callback`);
  useProvider();
});
afterEach(async () => {
  api.settings.update({
    oidc: undefined,
    reviewers: api.settings.current().reviewers.map(({ subject: _, ...r }) => r),
  });
  await provider.close();
});

function useProvider(more: Record<string, string> = {}): void {
  api.settings.update({
    oidc: { issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: 'env:OIDC_CLIENT_SECRET', ...more },
    reviewers: api.settings
      .current()
      .reviewers.map((reviewer) =>
        reviewer.id === 'both-1' ? { ...reviewer, subject: `${provider.issuer}#user-7` } : reviewer,
      ),
  });
}

/** Signs in; ends at the page, or where the browser would be led to. */
async function signIn(browser = new TestBrowser(), path = PATH) {
  const { url } = await browser.visit(
    `${api.url}${path}`,
    (at) => at.origin === api.url && !at.pathname.startsWith(PATH),
  );
  const cookie = browser.cookieFor(new URL(api.url));
  return { url, cookie, error: url.searchParams.get('signInError') };
}

async function sessionOf(cookie: string) {
  return api.get('/v1/session', undefined, { cookie });
}

async function decideWith(cookie: string): Promise<string> {
  const review = await api.propose();
  const { body } = await sessionOf(cookie);
  const answer = await api.send(
    'POST',
    `/v1/reviews/${review.reviewId}/decision`,
    { type: 'approve', digest: review.call.digest },
    { headers: { cookie, 'x-csrf-token': body.csrfToken ?? '' } },
  );
  return answer.status === 200 ? 'accepted' : codeOf(answer);
}

describe('who signs in', () => {
  test('the subject that the configuration names becomes that reviewer, and votes as it', async () => {
    provider.person = { sub: 'user-7' };
    const { url, cookie, error } = await signIn(undefined, `${PATH}?returnTo=/reviews/rev_1`);
    expect([url.pathname, error]).toEqual(['/reviews/rev_1', null]);
    const { body } = await sessionOf(cookie);
    expect(body.reviewer).toEqual({ id: 'both-1', groups: ['ops', 'finance'], role: 'reviewer' });
    expect(body.session.method).toBe('oidc');
    expect(await decideWith(cookie)).toBe('accepted');
    const payload = api.verifier.verify('decision', api.gate.signals.at(-1)?.envelope)?.payload;
    expect(payload).toMatchObject({ reviewer: { id: 'both-1', method: 'oidc' }, channel: 'dashboard' });
  });

  test('an e-mail address is nobody’s identity', async () => {
    api.settings.update({
      reviewers: api.settings.current().reviewers.map((r) => (r.id === 'ops-1' ? { ...r, email: 'o@example.com' } : r)),
    });
    provider.person = { sub: 'somebody-else', email: 'o@example.com' };
    const { cookie, error } = await signIn();
    expect(error).toBe('not_a_reviewer');
    expect((await sessionOf(cookie)).status).toBe(401);
  });

  test('the same subject of another issuer is somebody else', async () => {
    api.settings.update({
      reviewers: api.settings
        .current()
        .reviewers.map((r) => (r.id === 'both-1' ? { ...r, subject: 'https://login.example.com#user-7' } : r)),
    });
    provider.person = { sub: 'user-7' };
    expect((await signIn()).error).toBe('not_a_reviewer');
  });

  test('whoever says no at the provider is not signed in', async () => {
    expect((await signIn()).error).toBe('denied');
  });

  test('the secret may be sent in the body, and a public client has none', async () => {
    for (const method of ['client_secret_post', 'none'] as const) {
      await provider.close();
      provider = await startProvider(`${api.url}${PATH}/callback`, { client: { token_endpoint_auth_method: method } });
      useProvider();
      if (method === 'none') {
        api.settings.update({ oidc: { issuer: provider.issuer, clientId: CLIENT_ID } });
      }
      provider.person = { sub: 'user-7' };
      expect([method, (await signIn()).error]).toEqual([method, null]);
    }
  });
});

describe('groups', () => {
  test('a claim takes away', async () => {
    useProvider({ groupsClaim: 'groups' });
    provider.person = { sub: 'user-7', groups: ['finance', 'managers'] };
    const { cookie } = await signIn();
    expect((await sessionOf(cookie)).body.reviewer.groups).toEqual(['finance']);
    expect(await decideWith(cookie)).toBe('not_an_approver');
    const mine = await api.get('/v1/reviews?approver=me', undefined, { cookie });
    expect(mine.body.reviews).toEqual([]);
  });

  test('a claim gives nothing', async () => {
    useProvider({ groupsClaim: 'groups' });
    provider.person = { sub: 'user-7', groups: ['ops', 'finance', 'managers'] };
    const { cookie } = await signIn();
    expect((await sessionOf(cookie)).body.reviewer.groups).toEqual(['ops', 'finance']);
  });

  test('a claim that is not there takes all', async () => {
    useProvider({ groupsClaim: 'groups' });
    provider.person = { sub: 'user-7' };
    const { cookie } = await signIn();
    expect((await sessionOf(cookie)).body.reviewer.groups).toEqual([]);
    expect(await decideWith(cookie)).toBe('not_an_approver');
  });

  test.each([
    ['C4: /ops', ['/ops'], '/ops'],
    ['a full path', ['/company/Ops'], '/company/Ops'],
    ['a distinguished name', ['CN=ops,OU=groups,DC=example', 'others'], 'CN=ops,OU=groups,DC=example'],
    ['a domain', ['EXAMPLE\\ops'], 'EXAMPLE\\ops'],
    ['another letter case', ['OPS'], 'OPS'],
    ['a mailing list', ['ops@example.com'], 'ops@example.com'],
    ['a blank at its end', ['ops '], 'ops '],
    ['ids', ['6f9619ff-8b86-d011-b42d-00cf4fc964ff'], null],
  ])('%s counts for no group, which is told to the person and the operator', async (_what, groups, nearest) => {
    useProvider({ groupsClaim: 'groups' });
    provider.person = { sub: 'user-7', groups };
    const before = api.log.length;
    const { cookie, error } = await signIn();
    expect(error).toBeNull();
    const { body } = await sessionOf(cookie);
    expect(body.reviewer.groups).toEqual([]);
    const withheldGroups = [
      { group: 'ops', nearest },
      { group: 'finance', nearest: null },
    ];
    expect(body.session.withheldGroups).toEqual(withheldGroups);
    expect(await decideWith(cookie)).toBe('not_an_approver');
    const told = api.log.slice(before).find((line) => line.includes('withheld'));
    expect(JSON.parse(told ?? '{}')).toMatchObject({
      reviewer: 'both-1',
      groupsClaim: 'groups',
      withheld: withheldGroups,
      sent: groups,
    });
  });

  test('C4: nothing is told of groups that are named, or without a claim', async () => {
    useProvider({ groupsClaim: 'groups' });
    provider.person = { sub: 'user-7', groups: ['ops', 'finance'] };
    expect((await sessionOf((await signIn()).cookie)).body.session.withheldGroups).toEqual([]);
    useProvider();
    expect((await sessionOf((await signIn()).cookie)).body.session.withheldGroups).toEqual([]);
  });

  test('sessions of before the claim was asked for end', async () => {
    provider.person = { sub: 'user-7' };
    const { cookie } = await signIn();
    useProvider({ groupsClaim: 'groups' });
    expect((await sessionOf(cookie)).status).toBe(401);
    useProvider();
    expect((await sessionOf(cookie)).status).toBe(200);
  });
});

describe('the flow', () => {
  const isCallback = (url: URL): boolean => url.pathname === `${PATH}/callback`;

  test('an answer counts in the browser that asked for it alone', async () => {
    provider.person = { sub: 'user-7' };
    const attacker = new TestBrowser();
    const { url } = await attacker.visit(`${api.url}${PATH}`, isCallback);
    expect(url.searchParams.get('code')).not.toBeNull();
    const victim = new TestBrowser();
    const there = await victim.get(url);
    expect(there.headers.get('location')).toBe('/?signInError=failed');
    // Even where the victim is on its own way.
    await victim.visit(`${api.url}${PATH}`, isCallback);
    expect((await victim.get(url)).headers.get('location')).toBe('/?signInError=failed');
    expect((await sessionOf(victim.cookieFor(new URL(api.url)))).status).toBe(401);
  });

  test('an answer counts once', async () => {
    provider.person = { sub: 'user-7' };
    const browser = new TestBrowser();
    const { url } = await browser.visit(`${api.url}${PATH}`, isCallback);
    expect((await browser.get(url)).headers.get('location')).toBe('/');
    expect((await browser.get(url)).headers.get('location')).toBe('/?signInError=failed');
  });

  test('a code that was changed, another state and another issuer are refused', async () => {
    provider.person = { sub: 'user-7' };
    for (const [name, value] of [
      ['code', 'x'],
      ['state', 'x'],
      ['iss', 'https://evil.example.com'],
    ] as const) {
      const browser = new TestBrowser();
      const { url } = await browser.visit(`${api.url}${PATH}`, isCallback);
      url.searchParams.set(name, value);
      expect([name, (await browser.get(url)).headers.get('location')]).toEqual([name, '/?signInError=failed']);
    }
  });

  test('nobody is led to another site', async () => {
    for (const path of ['//evil.example.com', '/\\evil.example.com', 'https://evil.example.com', 'reviews', '/a\tb']) {
      const answer = await api.get(`${PATH}?returnTo=${encodeURIComponent(path)}`);
      expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request']);
    }
  });

  test('asks with PKCE, a state and a nonce; the cookies cannot be read by scripts', async () => {
    const response = await new TestBrowser().get(new URL(`${api.url}${PATH}`));
    const query = new URL(response.headers.get('location') ?? '').searchParams;
    expect(query.get('code_challenge_method')).toBe('S256');
    expect(['code_challenge', 'state', 'nonce'].every((name) => (query.get(name) ?? '').length >= 32)).toBe(true);
    expect(query.get('redirect_uri')).toBe(`${api.url}${PATH}/callback`);
    const cookie = (response.headers.getSetCookie()[0] ?? '').toLowerCase();
    expect(cookie).toContain('httponly');
    expect(cookie).toContain('samesite=lax');
    expect(cookie).not.toContain('secure');

    // Where people come through https, under a name that no other host of the domain can set.
    api.settings.update({ publicUrl: 'https://holdpoint.example.com' });
    const overTls = await new TestBrowser().get(new URL(`${api.url}${PATH}`));
    api.settings.update({ publicUrl: null });
    expect(overTls.headers.getSetCookie()[0]).toMatch(/^__Host-holdpoint_sign_in=[^;]+;.* Path=\/;.* Secure/);
  });
});

describe('a provider that is not there', () => {
  const READY = { identityProvider: 'ok' };

  test('does not stop the api, is named, and is asked again', async () => {
    provider.person = { sub: 'user-7' };
    provider.isDown = true;
    // Another configuration, so that what was found before does not count.
    useProvider({ groupsClaim: 'groups' });
    expect((await signIn()).error).toBe('unavailable');
    const down = (await api.get('/readyz', 'ops-1')).body;
    expect(down.checks).toMatchObject({ identityProvider: 'down' });
    expect(down.problems.map((problem: { code: string }) => problem.code)).toContain('identity_provider_unavailable');
    const token = await api.post('/v1/session', { token: api.credential('ops-1') });
    expect(token.status).toBe(200);
    provider.isDown = false;
    await expect
      .poll(async () => (await api.get('/readyz', 'ops-1')).body.checks, { timeout: 30_000, interval: 250 })
      .toMatchObject(READY);
    expect((await signIn()).error).toBeNull();
  });

  test('a secret that is missing is told without being told', async () => {
    secret = undefined;
    useProvider({ groupsClaim: 'other' });
    expect((await signIn()).error).toBe('unavailable');
    secret = CLIENT_SECRET;
    expect(api.log.join('')).not.toContain(CLIENT_SECRET);
  });

  test('without one configured there is no such way in', async () => {
    expect((await api.get('/v1/session/ways')).body.oidc).toMatchObject({ issuer: provider.issuer });
    api.settings.update({ oidc: undefined });
    expect((await api.get('/v1/session/ways')).body).toEqual({ oidc: null });
    expect(codeOf(await api.get(PATH))).toBe('not_found');
  });

  test('a process without the review key signs nobody in and asks for no secret', async () => {
    const other = await makeHarness({
      app: {
        reviewSigner: undefined,
        resolveReference: () => {
          throw new Error('asked');
        },
      },
      settings: { oidc: { issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: 'env:OIDC_CLIENT_SECRET' } },
    });
    try {
      for (const path of [PATH, `${PATH}/callback`, '/v1/session/ways']) {
        expect((await other.get(path)).status).toBe(404);
      }
      const token = await other.post('/v1/session', { token: other.credential('ops-1') });
      expect([token.status, codeOf(token)]).toEqual([405, 'method_not_allowed']);
      expect(Object.keys((await other.get('/readyz', 'ops-1')).body.checks)).not.toContain('identityProvider');
    } finally {
      await other.close();
    }
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SESSION_IDLE, SESSION_LIFETIME } from '../../src/api/http/session.ts';
import { StorageError } from '../../src/ports/store.ts';
import type { Settings } from '../../src/domain/policy/settings.ts';
import { codeOf, makeHarness, readEvents, type Harness } from './support/harness.ts';

const sessionSecret = () => 'one secret for every api process of this test';

let api: Harness;
/** Another api process on the same database. */
let other: Harness;
let reviewers: Settings['reviewers'];

beforeAll(async () => {
  api = await makeHarness({ app: { sessionSecret } });
  other = await makeHarness({ store: api.store, app: { sessionSecret } });
  reviewers = api.settings.current().reviewers;
});
afterAll(async () => {
  await other.close();
  await api.close();
});
afterEach(() => {
  for (const process of [api, other]) process.settings.update({ reviewers });
});

interface Session {
  readonly cookie: string;
  readonly csrf: string;
}

async function signIn(as = 'ops-1', at = api): Promise<Session> {
  const answer = await at.post('/v1/session', { token: at.credential(as) });
  expect(answer.status).toBe(200);
  return { cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '', csrf: answer.body.csrfToken };
}

async function isOpen({ cookie }: Session, at = api): Promise<boolean> {
  const answer = await at.get('/v1/session', undefined, { cookie });
  expect([200, 401]).toContain(answer.status);
  return answer.status === 200;
}

const send = (method: string, path: string, { cookie, csrf }: Session, body?: unknown, at = api) =>
  at.send(method, path, body, { headers: { cookie, 'x-csrf-token': csrf } });

/** All processes have about the same time. */
function advance(ms: number): void {
  for (const { clock } of [api, other]) clock.advance(ms);
}

describe('how long a session lasts', () => {
  test('it ends after a time without requests, and lasts with them', async () => {
    const session = await signIn();
    for (let n = 0; n < 3; n += 1) {
      advance(SESSION_IDLE - 1_000);
      expect(await isOpen(session)).toBe(true);
    }
    advance(SESSION_IDLE);
    expect(await isOpen(session)).toBe(false);
  });

  test('it ends in any case', async () => {
    const session = await signIn();
    for (let passed = 0; passed < SESSION_LIFETIME; passed += SESSION_IDLE / 2) {
      expect(await isOpen(session)).toBe(true);
      advance(SESSION_IDLE / 2);
    }
    expect(await isOpen(session)).toBe(false);
  });

  test('it says when', async () => {
    const { cookie } = await signIn();
    const { session } = (await api.get('/v1/session', undefined, { cookie })).body;
    const now = api.clock.now();
    expect(session).toEqual({
      method: 'token',
      startedAt: new Date(now).toISOString(),
      idleEndsAt: new Date(now + SESSION_IDLE).toISOString(),
      endsAt: new Date(now + SESSION_LIFETIME).toISOString(),
      withheldGroups: [],
    });
    expect((await api.get('/v1/session', 'ops-1')).body).toMatchObject({ csrfToken: null, session: null });
  });
});

describe('signing out', () => {
  test('ends the session on the server: a copy of the cookie is of no use, in no process', async () => {
    const [first, second] = [await signIn(), await signIn()];
    expect(await isOpen(first, other)).toBe(true);
    expect((await send('DELETE', '/v1/session', first)).status).toBe(204);
    expect([await isOpen(first), await isOpen(first, other)]).toEqual([false, false]);
    expect(await isOpen(second)).toBe(true);
  });

  test('everywhere ends all of one’s own and nobody else’s', async () => {
    const mine = [await signIn(), await signIn('ops-1', other), await signIn()] as const;
    const theirs = await signIn('finance-1');
    expect((await send('DELETE', '/v1/sessions', mine[1], undefined, other)).status).toBe(204);
    for (const session of mine) expect(await isOpen(session)).toBe(false);
    expect(await isOpen(theirs)).toBe(true);
  });

  test('everywhere works with a token too, when a laptop is lost', async () => {
    const lost = await signIn();
    expect((await api.send('DELETE', '/v1/sessions', undefined, { as: 'ops-1' })).status).toBe(204);
    expect(await isOpen(lost)).toBe(false);
  });

  test('takes the CSRF token: another site signs nobody out', async () => {
    const session = await signIn();
    for (const path of ['/v1/session', '/v1/sessions']) {
      const answer = await send('DELETE', path, { ...session, csrf: 'wrong' });
      expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
    }
    expect(await isOpen(session)).toBe(true);
  });

  test('signing in again ends the session that the browser had', async () => {
    const before = await signIn();
    const token = api.credential('ops-1');
    const answer = await api.send('POST', '/v1/session', { token }, { headers: { cookie: before.cookie } });
    expect(answer.status).toBe(200);
    expect(await isOpen(before)).toBe(false);
  });
});

describe('links', () => {
  test('count in every process, once in all of them', async () => {
    const token = api.signIn.issue('ops-1');
    const answers = await Promise.all([other, api, other].map((at) => at.post('/v1/session', { token })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401]);
  });

  test('cannot be made without the secret, nor turned into another', async () => {
    const stranger = await makeHarness({ store: api.store });
    const foreign = stranger.signIn.issue('ops-1');
    await stranger.close();
    const token = api.signIn.issue('ops-1');
    const [head, mac] = [token.slice(0, -43), token.slice(-43)];
    const body = Buffer.from(head.slice('hpl_'.length), 'base64url').toString('utf8').replace('ops-1', 'ops-2');
    const forged = `hpl_${Buffer.from(body).toString('base64url')}${mac}`;
    for (const token of [foreign, forged, `${head}${'A'.repeat(43)}`, head, 'hpl_']) {
      expect((await api.post('/v1/session', { token })).status).toBe(401);
    }
  });
});

describe('a reviewer who is taken out', () => {
  const without = (id: string) => reviewers.filter((reviewer) => reviewer.id !== id);

  async function voteAfter(change: Partial<Settings>, session: Session): Promise<string> {
    const review = await api.propose();
    api.settings.update(change);
    const body = { type: 'approve', digest: review.call.digest };
    const path = `/v1/reviews/${review.reviewId}/decision`;
    const answer = await send('POST', path, session, body);
    return answer.status === 200 ? 'accepted' : codeOf(answer);
  }

  test('of the configuration has no session any more', async () => {
    const session = await signIn();
    expect(await voteAfter({ reviewers: without('ops-1') }, session)).toBe('unauthenticated');
  });

  test('of a group has no vote any more, in the session that is open', async () => {
    const session = await signIn();
    expect(
      await voteAfter(
        { reviewers: reviewers.map((r) => (r.id === 'ops-1' ? { ...r, groups: ['finance'] } : r)) },
        session,
      ),
    ).toBe('not_an_approver');
    expect((await api.get('/v1/session', undefined, { cookie: session.cookie })).body.reviewer.groups).toEqual([
      'finance',
    ]);
  });

  test('and made an auditor has no vote either', async () => {
    const session = await signIn();
    expect(
      await voteAfter(
        { reviewers: reviewers.map((r) => (r.id === 'ops-1' ? { ...r, role: 'auditor' as const } : r)) },
        session,
      ),
    ).toBe('not_an_approver');
  });

  const stream = async ({ cookie }: Session) => {
    const response = await api.open('GET', '/v1/events', undefined, { headers: { cookie } });
    expect(response.status).toBe(200);
    return response;
  };

  test('sees nothing more in a stream that is open', async () => {
    const session = await signIn();
    const response = await stream(session);
    api.settings.update({ reviewers: without('ops-1') });
    await api.execute();
    const { events, ended } = await readEvents(response, () => false);
    expect([events, ended]).toEqual([[], true]);
  });

  test('nor does a session that was signed out in another process', async () => {
    const session = await signIn();
    const response = await stream(session);
    await send('DELETE', '/v1/sessions', session, undefined, other);
    await api.execute();
    const { events, ended } = await readEvents(response, () => false);
    expect([events, ended]).toEqual([[], true]);
  });

  test('while whoever stays goes on', async () => {
    const response = await stream(await signIn());
    api.settings.update({ reviewers: without('ops-2') });
    const { body } = await api.execute();
    const { events } = await readEvents(response, (seen) => seen.length > 0);
    expect(events[0]?.data.reviewId).toBe(body.reviewId);
  });
});

test('a database that is away signs nobody in and nobody out', async () => {
  const session = await signIn();
  const away = await makeHarness({ store: api.store, app: { sessionSecret, store: brokenStore() } });
  try {
    for (const answer of [
      await away.get('/v1/reviews', undefined, { cookie: session.cookie }),
      await away.post('/v1/session', { token: away.credential('ops-1') }),
      await send('DELETE', '/v1/session', session, undefined, away),
    ]) {
      expect([answer.status, codeOf(answer)]).toEqual([503, 'database_unavailable']);
    }
  } finally {
    await away.close();
  }
  expect(await isOpen(session)).toBe(true);
});

function brokenStore(): Harness['store'] {
  const refuse = async () => {
    throw new StorageError('database_unavailable', 'away');
  };
  const sessions = { begin: refuse, read: refuse, touch: refuse, end: refuse, endAll: refuse, useOnce: refuse };
  return { ...api.store, sessions };
}

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TrustedKey } from '../../src/contract/envelope.ts';
import type { ReviewerConfig } from '../../src/contract/config.ts';
import type { Review } from '../../src/contract/review.ts';
import { StorageError, type Store } from '../../src/ports/store.ts';
import { mailboxOf, writeMailLink, type MailLink } from '../../src/domain/proof/mail-link.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { makeHarness, type Harness } from './support/harness.ts';
import { memoryStore } from '../support/databases.ts';

const CONFIRM = { ...ONE_OF_OPS, emailDecision: 'confirm' } as const;
const NOTIFICATIONS = {
  email: { mode: 'per-event', from: 'holdpoint@example.com', smtp: 'env:SMTP_URL' },
} as const;
const MAIL = generateKeyPairSync('ed25519');
const OTHER = generateKeyPairSync('ed25519');
const trusted = (role: TrustedKey['role'], key: KeyObject, retiredAt?: string): TrustedKey => ({
  keyid: role,
  role,
  publicKey: key.export({ format: 'jwk' }) as Record<string, string>,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...(retiredAt === undefined ? {} : { retiredAt }),
});

let api: Harness;
let start: number;
let trust: TrustedKey[];
let reviewers: readonly ReviewerConfig[];
beforeAll(async () => {
  api = await makeHarness({ app: { trustedKeys: () => trust } });
  start = api.clock.now();
  reviewers = api.settings
    .current()
    .reviewers.map((reviewer) => ({ ...reviewer, email: `${reviewer.id}@example.com` }));
});
beforeEach(() => {
  trust = [trusted('mail', MAIL.publicKey), trusted('review', OTHER.publicKey)];
  api.clock.set(start);
  api.gate.mode = 'working';
  api.gate.executes = true;
  api.settings.setPolicy({ approval: CONFIRM });
  api.settings.update({ notifications: NOTIFICATIONS, reviewers, deploymentId: 'test-deployment' });
});
afterAll(() => api.close());

const pathOf = (review: Review, more: Partial<MailLink> = {}, key = MAIL.privateKey): string =>
  `/mail/${writeMailLink(
    {
      deploymentId: review.deploymentId,
      reviewId: review.reviewId,
      reviewer: 'ops-1',
      digest: review.call.digest ?? '',
      expiresAt: Date.parse(review.expiresAt ?? ''),
      mailbox: mailboxOf('ops-1@example.com'),
      ...more,
    },
    key,
  )}`;

interface Page {
  readonly status: number;
  readonly text: string;
  /** The code that the page names; null on the page with the form. */
  readonly code: string | null;
  readonly form: string | null;
  readonly headers: Headers;
}

async function read(response: Response): Promise<Page> {
  const text = await response.text();
  const form = /name="form" value="([^"]*)"/.exec(text)?.[1] ?? null;
  const code = /<code>([a-z_]+)<\/code>/.exec(text)?.[1] ?? null;
  return { status: response.status, text, code, form, headers: response.headers };
}
const look = async (path: string, headers: Record<string, string> = {}) =>
  read(await fetch(`${api.url}${path}`, { headers }));
const send = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  read(await fetch(`${api.url}${path}`, { method: 'POST', body: new URLSearchParams(fields), headers }));
/** As a person does it: opens the page, chooses, presses. */
async function decide(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Page> {
  const page = await look(path);
  expect(page.form).not.toBeNull();
  return send(path, { form: page.form ?? '', ...fields }, headers);
}
const stateOf = async (review: Review) => (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body as Review;

describe('deciding from a mail', () => {
  test('a yes is recorded in the name on the link, with the channel email, and the call is made', async () => {
    const review = await api.propose();
    const page = await decide(pathOf(review), { decision: 'approve' });
    expect([page.status, page.code]).toEqual([200, 'accepted']);
    const after = await stateOf(review);
    expect(after.status).toBe('approved');
    expect(after.levels[0]?.decisions).toMatchObject([{ type: 'approve', reviewer: 'ops-1', channel: 'email' }]);
    const entries = await api.store.entriesOf(review.reviewId as never);
    expect(entries.map(({ entry }) => entry).find(({ type }) => type === 'decided')).toMatchObject({
      channel: 'email',
      reviewer: 'ops-1',
      digest: review.call.digest,
    });
    const { payload } = api.gate.signals.at(-1)?.envelope ?? { payload: '' };
    expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({
      reviewer: { id: 'ops-1', method: 'link' },
      channel: 'email',
    });
  });

  test.each([
    ['reject', 'rejected'],
    ['revise', 'changes_requested'],
  ])('%s, with a comment that reaches the record', async (decision, status) => {
    const review = await api.propose();
    const page = await decide(pathOf(review), { decision, comment: 'Not\r\nthis one' });
    expect([page.status, page.code]).toEqual([200, 'accepted']);
    const after = await stateOf(review);
    expect(after.status).toBe(status);
    expect(after.revisions.at(-1)?.decisions[0]?.comment).toBe('Not\nthis one');
  });

  test('I1: an equal call is named, and a yes takes the box that twice is meant', async () => {
    const twice = { context: { mail: 'twice' } };
    const first = await api.propose(twice);
    await api.decide(first.reviewId, first.call.digest);
    api.clock.set(start + 1);
    const second = await api.propose(twice);
    const page = await decide(pathOf(second), { decision: 'approve' });
    expect([page.status, page.code]).toEqual([422, 'repeat_not_confirmed']);
    expect(page.text).toContain(`name="repeat-${first.reviewId}"`);
    expect((await stateOf(second)).status).toBe('pending');
    const box = { [`repeat-${first.reviewId}`]: 'on' };
    const sent = await send(pathOf(second), { form: page.form ?? '', decision: 'approve', ...box });
    expect([sent.status, sent.code]).toEqual([200, 'accepted']);
  });

  test('a no without a comment is asked for one, and nothing is decided', async () => {
    const review = await api.propose();
    const page = await decide(pathOf(review), { decision: 'reject', comment: ' ' });
    expect([page.status, page.code]).toEqual([422, 'comment_required']);
    expect((await stateOf(review)).status).toBe('pending');
    const again = await send(pathOf(review), { form: page.form ?? '', decision: 'reject', comment: 'No.' });
    expect([again.status, again.code]).toEqual([200, 'accepted']);
  });

  test('what no worker has looked at yet is said to be on its way', async () => {
    const review = await api.propose();
    api.gate.mode = 'idle';
    const page = await decide(pathOf(review), { decision: 'approve' });
    expect([page.status, page.code]).toEqual([202, 'queued']);
  });

  test('once it is approved, the link stops the call until it starts', async () => {
    const review = await api.propose();
    api.gate.executes = false;
    await api.decide(review.reviewId, review.call.digest ?? '', {}, 'ops-2');
    api.gate.executes = true;
    expect((await decide(pathOf(review), { decision: 'approve' })).code).toBe('already_resolved');
    const stopped = await decide(pathOf(review), { decision: 'reject' });
    expect([stopped.status, stopped.code]).toEqual([202, 'queued']);
    expect(await api.store.objections.ofReview(review.reviewId as never, 5)).toHaveLength(1);
  });

  test('the page shows all of the call, however long, and nothing of the agent as markup', async () => {
    const account = `<b>bold</b>\u202e${'y'.repeat(100_000)}-end`;
    const review = await api.propose({ arguments: { account, amount: 1 }, reason: '<script>alert(1)</script>' });
    const page = await look(pathOf(review));
    expect(page.status).toBe(200);
    expect(page.text).toContain(`${'y'.repeat(100_000)}-end`);
    expect(page.text).toContain('&#60;b&#62;bold&#60;/b&#62;\\u{202e}');
    expect(page.text).not.toMatch(/<script|<b>|\u202e|javascript:/);
    expect(page.text).not.toContain('[cut here');
    expect(page.text.indexOf('-end')).toBeLessThan(page.text.indexOf('<form'));
  });

  test('no script may run, nothing may frame it, and its address goes nowhere', async () => {
    const review = await api.propose();
    const page = await look(pathOf(review));
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/script-src|unsafe/);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('set-cookie')).toBeNull();
    expect(page.text).not.toMatch(/<script/);
    const link = pathOf(review).slice('/mail/'.length);
    expect(page.text).not.toContain(link);
    expect(api.log.join('')).not.toContain(link);
    const style = await fetch(new URL('../mail.css', `${api.url}${pathOf(review)}`));
    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
  });
});

describe('what only follows links', () => {
  test.each(['HEAD', 'GET'])('%s changes nothing, however often', async (method) => {
    const review = await api.propose();
    const signals = api.gate.signals.length;
    for (let n = 0; n < 3; n += 1) {
      const response = await fetch(`${api.url}${pathOf(review)}?decision=approve&form=1`, { method });
      await response.text();
      expect(response.status).toBe(200);
    }
    expect(api.gate.signals).toHaveLength(signals);
    expect(await stateOf(review)).toMatchObject({ status: 'pending', levels: [{ decisions: [] }] });
  });

  test.each([
    ['nothing but the press of the button', {}, 'form_expired'],
    ['a form of nobody’s', { form: '1.abc', decision: 'approve' }, 'form_expired'],
    ['the form with nothing chosen', { form: 'own' }, 'invalid_request'],
    ['a decision that the page does not offer', { form: 'own', decision: 'edit' }, 'invalid_request'],
    ['the form of another link', { form: 'other', decision: 'approve' }, 'form_expired'],
  ])('a POST of %s decides nothing', async (_what, fields: Record<string, string>, code) => {
    const review = await api.propose();
    const own = (await look(pathOf(review))).form ?? '';
    const other = (await look(pathOf(await api.propose()))).form ?? '';
    const form = fields['form'] === 'own' ? own : fields['form'] === 'other' ? other : fields['form'];
    const page = await send(pathOf(review), { ...fields, ...(form === undefined ? {} : { form }) });
    expect(page.code).toBe(code);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect((await stateOf(review)).status).toBe('pending');
  });

  test('a page that was left open is loaded again first', async () => {
    const review = await api.propose();
    const page = await look(pathOf(review));
    api.clock.advance(3_600_000);
    const late = await send(pathOf(review), { form: page.form ?? '', decision: 'approve' });
    expect([late.status, late.code]).toEqual([403, 'form_expired']);
    expect((await decide(pathOf(review), { decision: 'approve' })).code).toBe('accepted');
  });

  test('a body that is no form is refused', async () => {
    const review = await api.propose();
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${api.url}${pathOf(review)}`, {
      method: 'POST',
      headers,
      body: '{"decision":"approve"}',
    });
    expect((await read(response)).code).toBe('unsupported_media_type');
    expect((await stateOf(review)).status).toBe('pending');
  });
});

describe('links that do not hold', () => {
  /** Tried both ways: what may not look may not send either. */
  async function refused(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<readonly [number, string | null]> {
    const seen = await look(path, headers);
    const sent = await send(path, { form: seen.form ?? '', decision: 'approve' }, headers);
    expect([sent.status, sent.code]).toEqual([seen.status, seen.code]);
    expect(seen.text).not.toContain('a-1');
    return [seen.status, seen.code];
  }
  const stillPending = async (review: Review) => expect((await stateOf(review)).levels[0]?.decisions).toEqual([]);

  test('replayed: the vote counts once', async () => {
    api.settings.setPolicy({ approval: { ...CONFIRM, levels: [{ name: 'approval', approvers: ['ops'], quorum: 2 }] } });
    const review = await api.propose();
    const page = await look(pathOf(review));
    const fields = { form: page.form ?? '', decision: 'approve' };
    expect((await send(pathOf(review), fields)).code).toBe('accepted');
    expect((await send(pathOf(review), fields)).code).toBe('already_voted');
    expect(await refused(pathOf(review))).toEqual([409, 'already_voted']);
    expect((await stateOf(review)).levels[0]?.decisions).toHaveLength(1);
  });

  test('forwarded to a reviewer who is signed in: it is none of theirs', async () => {
    const review = await api.propose();
    const signedIn = await fetch(`${api.url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: api.credential('ops-2') }),
    });
    const cookie = signedIn.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    expect(await refused(pathOf(review), { cookie })).toEqual([403, 'link_of_another']);
    // The page had been opened where nobody was signed in: the cookie comes along with the form alone.
    expect((await decide(pathOf(review), { decision: 'approve' }, { cookie })).code).toBe('link_of_another');
    await stillPending(review);
  });

  test('stale: what would happen is another call now', async () => {
    api.settings.setPolicy({ approval: { ...CONFIRM, levels: [{ name: 'approval', approvers: ['ops'], quorum: 2 }] } });
    const review = await api.propose();
    const path = pathOf(review);
    const page = await look(path);
    const edited = { type: 'edit', arguments: { account: 'a-2', amount: 7 } };
    expect((await api.decide(review.reviewId, review.call.digest ?? '', edited, 'ops-2')).status).toBe(200);
    const sent = await send(path, { form: page.form ?? '', decision: 'approve' });
    expect([sent.status, sent.code]).toEqual([409, 'digest_mismatch']);
    expect(await refused(path)).toEqual([409, 'digest_mismatch']);
  });

  test('stale: changes were asked for and made', async () => {
    const review = await api.propose();
    await decide(pathOf(review), { decision: 'revise', comment: 'Less.' });
    const revision = { arguments: { account: 'a-9', amount: 1 } };
    expect((await api.post(`/v1/reviews/${review.reviewId}/revision`, revision, 'agent-1')).status).toBe(200);
    expect(await refused(pathOf(review))).toEqual([409, 'digest_mismatch']);
    const page = await look(pathOf(await stateOf(review)));
    const text = page.text.replaceAll('&#34;', '"');
    expect(text).toMatch(/\+ +"account": "a-9"/);
    expect(text).toMatch(new RegExp(`- +"account": "${String(review.call.arguments?.['account'])}"`));
  });

  test('late: after the deadline, and after the end', async () => {
    const review = await api.propose();
    const path = pathOf(review);
    const page = await look(path);
    api.clock.set(Date.parse(review.expiresAt ?? ''));
    const sent = await send(path, { form: page.form ?? '', decision: 'approve' });
    expect([sent.status, sent.code]).toEqual([409, 'expired']);
    api.clock.set(start);
    await api.decide(review.reviewId, review.call.digest ?? '', {}, 'ops-2');
    expect(await refused(path)).toEqual([409, 'already_started']);
  });

  test.each<[string, (review: Review) => string]>([
    ['signed with another key', (review) => pathOf(review, {}, OTHER.privateKey)],
    ['of another deployment', (review) => pathOf(review, { deploymentId: 'elsewhere' })],
    [
      'for an address that is not the reviewer’s any more',
      (review) => pathOf(review, { mailbox: mailboxOf('old@example.com') }),
    ],
    ['for nobody', (review) => pathOf(review, { reviewer: 'nobody' })],
    ['for a review that is not there', (review) => pathOf(review, { reviewId: 'rev_01ARZ3NDEKTSV4RRFFQ69G5FAV' })],
    ['cut short', (review) => pathOf(review).slice(0, -3)],
    ['in another spelling', (review) => `${pathOf(review)}=`],
    ['that is none', () => '/mail/x'],
  ])('%s', async (_what, pathFor) => {
    const review = await api.propose();
    expect(await refused(pathFor(review))).toEqual([404, 'link_not_valid']);
    await stillPending(review);
  });

  test('for somebody who may not vote', async () => {
    const review = await api.propose();
    const financial = pathOf(review, { reviewer: 'finance-1', mailbox: mailboxOf('finance-1@example.com') });
    expect(await refused(financial)).toEqual([403, 'not_an_approver']);
    api.settings.update({ reviewers: reviewers.filter(({ id }) => id !== 'ops-1') });
    expect(await refused(pathOf(review))).toEqual([404, 'link_not_valid']);
    api.settings.update({
      reviewers: reviewers.map((reviewer) => (reviewer.id === 'ops-1' ? { ...reviewer, groups: [] } : reviewer)),
    });
    expect(await refused(pathOf(review))).toEqual([403, 'not_an_approver']);
  });

  test('of a key that was retired, or that e-mail is not configured for', async () => {
    const review = await api.propose();
    trust = [trusted('mail', MAIL.publicKey, '2026-02-01T00:00:00.000Z')];
    expect(await refused(pathOf(review))).toEqual([404, 'link_not_valid']);
    trust = [trusted('mail', MAIL.publicKey)];
    api.settings.update({ notifications: {} });
    expect(await refused(pathOf(review))).toEqual([404, 'link_not_valid']);
    await stillPending(review);
  });

  test.each(['sign-in', 'off'] as const)(
    'where policy in force says %s, whoever wrote the mail',
    async (emailDecision) => {
      const review = await api.propose();
      expect((await look(pathOf(review))).status).toBe(200);
      api.settings.setPolicy({ approval: { ...CONFIRM, emailDecision } });
      expect(await refused(pathOf(review))).toEqual([403, 'sign_in_required']);
      await stillPending(review);
    },
  );

  test('a rule that makes the call stricter counts, though the review was opened before it', async () => {
    api.settings.setPolicy({ approval: CONFIRM });
    const review = await api.propose({ tool: 'payouts.create', arguments: { account: 'a-1', amount: 5 } });
    api.settings.setPolicy({
      approval: ({ arguments: args }) => (args['amount'] === 5 ? { ...CONFIRM, emailDecision: 'sign-in' } : CONFIRM),
    });
    expect(await refused(pathOf(review))).toEqual([403, 'sign_in_required']);
  });
});

describe('what goes wrong is a page with a code, not JSON', () => {
  const problem = async (response: Response) => {
    const page = await read(response);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    return [page.status, page.code, page.headers.has('retry-after')];
  };

  test('too many: few tries, many looks, each with Retry-After', async () => {
    const other = await makeHarness({ app: { limits: { anonymousPerMinute: 2 } } });
    try {
      const post = () => fetch(`${other.url}/mail/x`, { method: 'POST', body: new URLSearchParams({ decision: 'x' }) });
      const tries = [await post(), await post(), await post()];
      expect(tries.map(({ status }) => status)).toEqual([404, 404, 429]);
      expect(await problem(tries[2] as Response)).toEqual([429, 'rate_limited', true]);
      // A house with a mail scanner looks at many, and has used up nothing of what deciding takes.
      const looks = await Promise.all(Array.from({ length: 21 }, () => fetch(`${other.url}/mail/x`)));
      expect(looks.filter(({ status }) => status === 404)).toHaveLength(20);
      expect(await problem(looks.find(({ status }) => status === 429) as Response)).toEqual([
        429,
        'rate_limited',
        true,
      ]);
    } finally {
      await other.close();
    }
  });

  test('a database that is away, for GET and for POST', async () => {
    const real = await memoryStore();
    let isAway = false;
    const store: Store = {
      ...real,
      readReview(id) {
        if (isAway) throw new StorageError('database_unavailable', 'away');
        return real.readReview(id);
      },
    };
    const other = await makeHarness({ store, app: { trustedKeys: () => trust } });
    try {
      other.settings.setPolicy({ approval: CONFIRM });
      other.settings.update({ notifications: NOTIFICATIONS, reviewers, deploymentId: 'test-deployment' });
      const path = `${other.url}${pathOf(await other.propose())}`;
      const { form } = await read(await fetch(path));
      isAway = true;
      const body = new URLSearchParams({ form: form ?? '', decision: 'approve' });
      expect(await problem(await fetch(path))).toEqual([503, 'database_unavailable', true]);
      expect(await problem(await fetch(path, { method: 'POST', body }))).toEqual([503, 'database_unavailable', true]);
      isAway = false;
      expect((await read(await fetch(path, { method: 'POST', body }))).code).toBe('accepted');
    } finally {
      await other.close();
      await real.close();
    }
  });

  test.each([
    ['a method that there is not', 'x', { method: 'DELETE' }, [405, 'method_not_allowed', false]],
    ['a form of another kind', 'x', { method: 'POST', body: '{}' }, [415, 'unsupported_media_type', false]],
    ['a path that cannot be read', '%zz', {}, [404, 'not_found', false]],
  ])('%s', async (_what, path, init, expected) => {
    expect(await problem(await fetch(`${api.url}/mail/${path}`, init))).toEqual(expected);
  });
});

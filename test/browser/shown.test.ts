import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../src/contract/json.ts';
import { NOT_STARTED, type Review } from '../../src/contract/review.ts';
import { STOPPED_WORDS } from '../../src/domain/stop.ts';
import { openAs, VIEWPORTS } from '../support/browser.ts';
import { TOOLS } from '../support/gate-fixture.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { begin } from '../support/reviewing.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { DIGEST, reviewOf } from '../support/storage-fixtures.ts';
import { APPROVED_NOT_RUN, STOPPED } from '../unit/client-fixtures.ts';

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld({
    policy: {
      tools: [
        ...TOOLS,
        // Held, and of a class that may be approved together.
        {
          name: 'payouts.announce',
          class: 'sensitive',
          gate: 'hard',
          connector: 'payouts',
          request: { method: 'POST', path: '/announcements', body: 'arguments' },
        },
        {
          name: 'payouts.move',
          class: 'irreversible',
          connector: 'payouts',
          request: { method: 'POST', path: '/moves', body: 'arguments' },
          arguments: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'integer' } } },
        },
      ],
      approval: ({ tool }) =>
        tool === 'payouts.wire'
          ? {
              ...ONE_OF_OPS,
              levels: [
                { name: 'operations', approvers: ['ops'], quorum: 2 },
                { name: 'money', approvers: ['finance', 'managers'], quorum: 1 },
              ],
            }
          : ONE_OF_OPS,
    },
  });
});
afterAll(() => world?.close());

type Vote = Review['revisions'][number]['decisions'][number];
const vote = (reviewer: string, decidedAt: string, more: Partial<Vote> = {}): Vote => ({
  decisionUlid: `01J0000000000000000000${reviewer.length}${decidedAt.slice(14, 16)}0`,
  type: 'approve',
  revision: 1,
  level: 1,
  reviewer,
  channel: 'api',
  decidedAt,
  comment: null,
  ...more,
});
const version = (revision: number, submittedAt: string, decisions: Vote[]): Review['revisions'][number] => ({
  revision,
  call: { service: 'github', tool: 'github.repos.delete', arguments: null, digest: DIGEST },
  submittedAt,
  by: 'cleanup-agent',
  decisions,
});
const at = (minute: string): string => `2026-07-01T12:${minute}:00.000Z`;

test('levels and quorum are progress', async () => {
  const [given] = [vote('ops-2', at('05'))];
  const reviewId = await world.put({
    levels: [
      { name: 'operations', approvers: ['ops'], quorum: 2, escalation: null, status: 'open', decisions: [given] },
      { name: 'money', approvers: ['finance'], quorum: 1, escalation: null, status: 'waiting', decisions: [] },
    ],
    revisions: [version(1, at('00'), [given])],
  });
  const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
  const section = page.getByRole('region', { name: 'Who must approve' });
  await section.waitFor();
  const bar = (name: string) => section.getByRole('progressbar', { name: `Votes of level ${name}` });
  expect([await bar('operations').getAttribute('value'), await bar('operations').getAttribute('max')]).toEqual([
    '1',
    '2',
  ]);
  expect([await bar('money').getAttribute('value'), await bar('money').getAttribute('max')]).toEqual(['0', '1']);
  const levels = section.locator('dl > div');
  expect(await levels.first().innerText()).toMatch(/1\. operations[^]*1 of 2 from ops/);
  expect(await levels.last().innerText()).toMatch(/2\. money[^]*0 of 1[^]*not open yet/);
  expect(faults).toEqual([]);
  await close();
});

test('what is read aloud and reached by keys comes in the order that is seen, at both widths', async () => {
  const facts = [{ name: 'stars', label: 'Stars', value: 12 }];
  const reviewId = await world.put({
    reason: 'not needed any more',
    evidence: [{ facts, sourceHash: null, gatheredAt: at('00') }],
  });
  const { page, faults, close } = await world.open(`/reviews/${reviewId}`, { size: 'phone' });
  await page.getByRole('heading', { name: 'Checked by Holdpoint' }).waitFor();
  /** Where parts start, as the document has them; what floats over the page has no place in it. */
  const areInOrder = async (parts: string): Promise<boolean> => {
    const tops = await Promise.all(
      (await page.locator(parts).all()).map(async (part) => (await part.boundingBox())?.y),
    );
    return tops.length > 1 && tops.every((top = 0, at) => at === 0 || top >= (tops[at - 1] ?? 0));
  };
  const headings = async (): Promise<readonly string[]> =>
    (await page.locator('.review-what h2').allInnerTexts()).flatMap(
      (text) => /^(?:Checked|What exactly)/.exec(text) ?? [],
    );
  await expect.poll(headings).toEqual(['What exactly', 'Checked']);
  await expect.poll(() => areInOrder('.review .card, .review header')).toBe(true);
  // The same window, wider: what it takes stands beside what will happen, and stays while that is scrolled.
  await page.setViewportSize(VIEWPORTS.desktop);
  const decision = page.getByRole('region', { name: 'Decision' });
  const isBeside = async (): Promise<boolean> => {
    const [left, right] = await Promise.all([page.locator('.review-what').boundingBox(), decision.boundingBox()]);
    return left !== null && right !== null && right.x >= left.x + left.width;
  };
  await expect.poll(isBeside).toBe(true);
  for (const column of ['.review-what > *', '.review-takes > *', '.review > :not(.review-takes)']) {
    expect(await areInOrder(column)).toBe(true);
  }
  await page.keyboard.press('End');
  await expect.poll(() => page.evaluate<number>('scrollY')).toBeGreaterThan(0);
  const box = await decision.boundingBox();
  expect(box!.y + box!.height).toBeLessThanOrEqual(VIEWPORTS.desktop.height);
  expect(faults).toEqual([]);
  await close();
});

describe('what held a call', () => {
  const source = 'policy.yaml:12 tool == "payouts.move" && arguments.amount > 100';
  const rule = {
    source,
    reads: ['/arguments/amount'],
    class: 'irreversible',
    gate: null,
    reason: 'large',
    error: null,
  } as const;
  const heldBy = {
    rules: [{ ...rule, reads: [...rule.reads] }],
    approval: { source: 'policy.yaml:30 context.env == "production"', reads: ['/context/env'] },
  };

  test.each(['desktop', 'phone'] as const)(
    'is named, and marks what it read, in the order of the schema: %s',
    async (size) => {
      const call = { service: 'payouts', tool: 'payouts.move', arguments: { amount: 900, to: 'a-1' }, digest: DIGEST };
      const reviewId = await world.put({ call, heldBy, reasonCodes: ['large'], context: { env: 'production' } });
      const { page, faults, close } = await world.open(`/reviews/${reviewId}`, { size });
      const fact = (name: string) =>
        page.locator('dl.arguments > div').filter({ has: page.getByText(name, { exact: true }) });
      await page.getByText('large', { exact: false }).first().waitFor();
      await page.getByText(source).waitFor();
      expect(await fact('amount').locator('.read-by').innerText()).toContain('rule large');
      expect(await fact('env').locator('.read-by').innerText()).toContain('approval policy.yaml:30');
      expect(await fact('to').locator('.read-by').count()).toBe(0);
      // As the tool's schema has them, not by name.
      await expect.poll(() => page.locator('.call dt code').allInnerTexts()).toEqual(['to', 'amount']);
      expect(faults).toEqual([]);
      await close();
    },
  );
});

describe('after the decision', () => {
  test('the next review that waits for the person is a key away; without one, the inbox is', async () => {
    const soon = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();
    const short = { evidence: [], reason: null, context: {}, threadId: 'next' };
    const later = await world.put({ ...short, expiresAt: soon(3) });
    const { reviewId } = await world.api.propose();
    const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
    await begin(page, 'approve');
    await page.getByRole('button', { name: 'Yes, approve' }).click();
    const next = page.getByRole('link', { name: /^Next:/ });
    await next.waitFor();
    expect(await next.getAttribute('href')).toBe(`/reviews/${later}`);
    await page.keyboard.press('n');
    await page.waitForURL(`**/reviews/${later}`);
    expect(faults).toEqual([]);
    await close();
  });
});

describe('a question of a workflow', () => {
  test.each(['desktop', 'phone'] as const)('reads as a question: %s', async (size) => {
    const reviewId = await world.put({
      kind: 'in-flow',
      title: 'Publish this draft?',
      reasonCodes: ['in_flow'],
      call: { service: 'in-flow', tool: 'in-flow.approval', arguments: { draft: 'News' }, digest: DIGEST },
      target: { connector: 'in-flow', request: null },
      allowedDecisions: ['approve', 'reject', 'respond'],
      proposer: { id: 'workflow:newsletter-11', owner: null, attested: false },
      evidence: [],
      context: {},
      reason: null,
    });
    const { page, faults, close } = await world.open(`/reviews/${reviewId}`, { size });
    await page.getByRole('heading', { level: 1, name: 'Publish this draft?' }).waitFor();
    await page.getByText('newsletter-11').first().waitFor();
    const answers = page.getByRole('region', { name: 'What the answers mean' });
    expect(await answers.locator('dt').allInnerTexts()).toEqual(['Approve', 'Reject', 'Answer', 'No answer in time']);
    expect(await page.locator('main').innerText()).not.toMatch(/irreversible|in.flow|connector/i);
    expect(faults).toEqual([]);
    await close();
  });
});

test('a value is told from the text that would be taken for it: argument, fact, and cell of a table', async () => {
  const shownFor = async (argument: Json, fact: Json, cell: Json): Promise<readonly string[]> => {
    const facts = [
      { name: 'env', label: 'Environment', value: fact },
      { name: 'rows', label: 'Rows', value: [{ env: cell }] },
    ];
    const reviewId = await world.put({
      call: { ...reviewOf('rev_0').call, tool: 'x.y', arguments: { env: argument } },
      evidence: [{ facts, sourceHash: null, gatheredAt: at('00') }],
    });
    const { page, close } = await world.open(`/reviews/${reviewId}`);
    const parts = ['.call dd', '.facts dd', '.table-box td'].map((part) => page.locator(part).first().innerText());
    const shown = await Promise.all(parts);
    await close();
    return shown;
  };
  expect(await shownFor(['prod'], true, 12)).toEqual(['["prod"]', 'yes', '12']);
  expect(await shownFor('["prod"]', 'yes', '12')).toEqual(['"[\\"prod\\"]"', '"yes"', '"12"']);
});

describe('an approved call', () => {
  test('can be stopped while it has not run, by button and key, and by nothing else', async () => {
    const reviewId = await world.put(APPROVED_NOT_RUN);
    const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
    const decisions = page.locator('[data-decision]');
    await decisions.first().waitFor();
    const offered = await Promise.all((await decisions.all()).map((button) => button.getAttribute('data-decision')));
    expect(offered).toEqual(['reject']);
    await page.keyboard.press('r');
    const form = page.getByRole('form', { name: 'Stop' });
    await form.waitFor();
    // A comment is optional: time counts.
    await expect.poll(() => form.getByRole('button', { name: 'Stop before it runs' }).isEnabled()).toBe(true);
    expect(faults).toEqual([]);
    await close();
  });

  test('is in the inbox while it has not run', async () => {
    const reviewId = await world.put({ ...APPROVED_NOT_RUN, title: null });
    const { page, faults, close } = await world.open('/');
    await page.locator(`a[href$="/reviews/${reviewId}"]`).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  test('that was stopped says so, and takes no decision', async () => {
    const reviewId = await world.put(STOPPED);
    const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
    await page.locator('[data-kind="finished"]', { hasText: STOPPED_WORDS }).waitFor();
    expect(await page.locator('[data-decision]').count()).toBe(0);
    expect(faults).toEqual([]);
    await close();
  });
});

describe('a review that has ended', () => {
  let reviewId: string;
  beforeAll(async () => {
    reviewId = await world.put({
      status: 'approved',
      revision: 2,
      proposedAt: at('00'),
      resolvedAt: at('20'),
      revisions: [
        version(1, at('00'), [vote('ops-2', at('05'), { type: 'revise', comment: 'less' })]),
        version(2, at('10'), [vote('ops-1', at('20'), { revision: 2 })]),
      ],
      execution: { ...NOT_STARTED, status: 'executed', startedAt: at('21'), finishedAt: at('22'), upstreamStatus: 200 },
    });
  });

  test('has a timeline of proposals, versions, decisions and execution, oldest first', async () => {
    const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
    const events = page.getByRole('region', { name: 'What happened' }).locator('ol > li');
    await events.first().waitFor();
    const kinds = await Promise.all((await events.all()).map((event) => event.getAttribute('data-kind')));
    expect(kinds).toEqual(['proposed', 'decided', 'revised', 'decided', 'ended', 'started', 'finished']);
    const times = await Promise.all(
      (await events.all()).map((event) => event.locator('time').first().getAttribute('datetime')),
    );
    expect(times).toEqual(['00', '05', '10', '20', '20', '21', '22'].map(at));
    expect(await page.locator('[data-decision]').count()).toBe(0);
    expect(faults).toEqual([]);
    await close();
  });

  test('links to its workflow in Temporal’s Web UI', async () => {
    const { page, close } = await world.open(`/reviews/${reviewId}`);
    const link = page.getByRole('link', { name: 'Open in Temporal' });
    expect(await link.getAttribute('href')).toBe(
      `http://127.0.0.1:8233/namespaces/default/workflows/${reviewId}/run/history`,
    );
    expect(await link.getAttribute('rel')).toContain('noreferrer');
    expect(await link.getAttribute('target')).toBe('_blank');
    await close();
  });

  test.each([
    ['Europe/Berlin', /14:05 (CEST|GMT\+2)/],
    ['America/New_York', /08:05 (EDT|GMT-4)/],
  ])('has its times in the reader’s own zone, which is named: %s', async (timezoneId, local) => {
    const { page, close } = await openAs(world.browser, world.api.url, world.api.credential('ops-1'), {
      path: `/reviews/${reviewId}`,
      timezoneId,
    });
    const time = page.locator(`time[datetime="${at('05')}"]`).first();
    await time.waitFor();
    expect(await time.innerText()).toMatch(local);
    await close();
  });
});

test('countdown and changes are said in words to a screen reader', async () => {
  const { reviewId } = await world.api.propose();
  const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
  const decision = page.getByRole('region', { name: 'Decision' });
  await decision.waitFor();
  const left = await decision.ariaSnapshot();
  expect(left).toMatch(/23 hours 5\d minutes left/);
  expect(left).not.toMatch(/\d h \d+ min left/);
  await begin(page, 'edit');
  await page
    .getByRole('dialog')
    .getByLabel(/amount/i)
    .fill('7');
  await page.getByRole('button', { name: 'Show the changes' }).click();
  const changes = page.getByRole('list', { name: 'Changes' });
  await changes.waitFor();
  const spoken = await changes.ariaSnapshot();
  expect(spoken).toMatch(/removed:[^\n]*100/);
  expect(spoken).toMatch(/added:[^\n]*7/);
  // Signs and colour are for the eye alone.
  expect(spoken).not.toMatch(/[−+]/);
  expect(faults).toEqual([]);
  await close();
});

test('the appearance can be chosen, and stays chosen', async () => {
  const { page, faults, close } = await world.open('/');
  const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const choose = async (name: string) => {
    await page.getByRole('button', { name: 'Account of ops-1' }).click();
    await page.getByText(name, { exact: true }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Account' }).waitFor({ state: 'hidden' });
  };
  const light = await background();
  await choose('Dark');
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.reload();
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
  expect(await background()).toBe(dark);
  await page.emulateMedia({ colorScheme: 'dark' });
  await choose('Light');
  await expect.poll(background).toBe(light);
  await choose('Match system');
  await expect.poll(background).toBe(dark);
  expect(faults).toEqual([]);
  await close();
});

test('an explanation names the levels of a call that would wait', async () => {
  const { page, faults, close } = await world.open('/policy?view=try');
  await page.getByRole('button', { name: 'As JSON' }).click();
  await page.getByRole('textbox').fill('{"tool":"payouts.wire","arguments":{"amount":1,"memo":"rent"}}');
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  const levels = page.locator('.answer ol > li');
  await levels.first().waitFor();
  expect(await levels.allInnerTexts()).toEqual(['operations: 2 of ops', 'money: 1 of finance or managers']);
  expect(faults).toEqual([]);
  await close();
});

test('several of a group are approved at once, and each says what became of it', async () => {
  const group = 'announcements';
  const ids: string[] = [];
  for (const text of ['one', 'two', 'three']) {
    ids.push((await world.api.propose({ tool: 'payouts.announce', arguments: { text }, group })).reviewId);
  }
  const { page, faults, close } = await world.open(`/?group=${group}`);
  // What a colleague decides meanwhile does not reach this page by itself.
  await page.route('**/v1/events', (route) => route.abort());
  await page.reload();
  await page.getByRole('link', { name: 'Decide together' }).click();
  const items = page.getByTestId('group-item');
  await expect.poll(() => items.count(), { timeout: 30_000 }).toBe(3);
  await page.getByLabel('Select all').check();
  const approve = page.getByRole('button', { name: 'Approve 3' });
  const further = page.getByRole('button', { name: 'Show what you have not seen' });
  await expect
    .poll(
      async () => {
        if (await further.isVisible()) await further.click();
        return approve.isVisible();
      },
      { timeout: 30_000 },
    )
    .toBe(true);
  await approve.click();
  const late = await world.api.get(`/v1/reviews/${ids[1]}`, 'ops-2');
  await world.api.decide(ids[1] ?? '', late.body.call.digest, { type: 'reject', comment: 'no' }, 'ops-2');
  await page.getByRole('button', { name: 'Yes, approve 3' }).click();
  await page.getByText('1 of 3 refused').waitFor();
  const refused = page.getByRole('alert').filter({ hasText: 'has already ended' });
  await refused.waitFor();
  expect(await refused.count()).toBe(1);
  expect(await items.filter({ has: refused }).getByRole('link').first().getAttribute('href')).toBe(
    `/reviews/${ids[1]}`,
  );
  const statuses = await Promise.all(
    ids.map(async (reviewId) => (await world.api.get(`/v1/reviews/${reviewId}`, 'ops-1')).body.status),
  );
  expect(statuses).toEqual(['approved', 'rejected', 'approved']);
  expect(faults).toEqual([]);
  await close();
});

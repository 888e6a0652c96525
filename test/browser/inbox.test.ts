import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { SIZES } from '../support/browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { AT, DIGEST } from '../support/storage-fixtures.ts';

const HOUR = 3_600_000;
const from = (ms: number): string => new Date(Date.now() + ms).toISOString();
type Level = Review['levels'][number];
const level = (name: string, approvers: string[], more: Partial<Level> = {}): Level => ({
  name,
  approvers,
  quorum: 1,
  escalation: null,
  status: 'open',
  decisions: [],
  ...more,
});
const call = (tool: string): Review['call'] => ({
  service: tool.split('.')[0] ?? '',
  tool,
  arguments: { account: 'a-1', amount: 5 },
  digest: DIGEST,
});

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world?.close());

describe.each(SIZES)('a row, %s', (size) => {
  test('says what, who for whom, why held and the time left; mine stand first', async () => {
    const thread = `rows-${size}`;
    // Theirs ends sooner, and stands below mine all the same.
    const theirs = await world.put({
      threadId: thread,
      class: 'sensitive',
      proposer: { id: 'nobodys-agent', owner: null, attested: true },
      levels: [level('finance', ['finance'])],
      expiresAt: from(HOUR),
    });
    const mine = await world.put({
      threadId: thread,
      sentence: [{ policy: 'Pay ' }, { value: '"acct-8812"' }],
      reasonCodes: ['irreversible-tool', 'large-payout'],
      proposer: { id: 'invoice-agent', owner: 'finance-1', attested: true },
      levels: [level('operations', ['ops'], { quorum: 2 }), level('finance', ['finance'], { status: 'waiting' })],
      expiresAt: from(52.5 * HOUR),
    });
    const { page, faults, close } = await world.open(`/?threadId=${thread}`, { size });
    const rows = page.getByTestId('row');
    await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(2);
    const links = rows.getByRole('link');
    expect(await links.first().getAttribute('href')).toBe(`/reviews/${mine}`);
    expect(await links.last().getAttribute('href')).toBe(`/reviews/${theirs}`);
    expect(await page.getByRole('list', { name: 'Reviews' }).getByRole('heading').allInnerTexts()).toEqual([
      'Waiting for you',
      'Waiting for others',
    ]);
    const text = await rows.first().innerText();
    for (const part of [
      'Pay "acct-8812"',
      'invoice-agent for finance-1',
      '2 votes missing',
      // What a rule says tells more than the class of the tool.
      'large-payout',
      '2 d 4 h left',
    ]) {
      expect(text).toContain(part);
    }
    expect(await rows.first().locator('b').allInnerTexts()).toEqual(['"acct-8812"']);
    // Each is alone in its section: a badge would tell nothing apart.
    expect(await rows.locator('.badge').count()).toBe(0);
    const other = await rows.last().innerText();
    expect(other).toContain('nobodys-agent, no owner');
    // Without a title, what tells its calls apart; no JSON, and the tool's name once.
    expect(other).toContain('Call github.repos.delete with owner "acme", repo "old"');
    expect(other.split('github.repos.delete')).toHaveLength(2);
    // For the ear the countdown has whole words, once.
    const spoken = await rows.first().ariaSnapshot();
    expect(spoken).toContain('2 days 4 hours left');
    expect(spoken).not.toContain('2 d 4 h left');
    expect(faults).toEqual([]);
    await close();
  });
});

test('fourteen rows are wholly on a screen of 1280 by 800; red and amber are for time, and for the class of few', async () => {
  const thread = 'dense';
  for (let n = 0; n < 16; n += 1) {
    await world.put({
      threadId: thread,
      class: n === 3 ? 'sensitive' : 'irreversible',
      proposer: { id: 'deploy-agent', owner: 'ops-1', attested: true },
      sentence: [{ policy: 'Deploy ' }, { value: '"checkout"' }, { policy: ' 2026.11 to ' }, { value: '"production"' }],
      expiresAt: from(n === 0 ? 10 * 60_000 : n === 1 ? 40 * 60_000 : n * HOUR),
    });
  }
  // By a search, which unfolds no filters.
  const { page, faults, close } = await world.open(`/?q=${thread}`);
  await page.getByTestId('row').first().waitFor();
  await expect
    .poll(() =>
      page.evaluate<number>(
        `[...document.querySelectorAll('[data-testid=row]')].filter((row) => {
          const { top, bottom } = row.getBoundingClientRect();
          return top >= document.querySelector('.bar').getBoundingClientRect().bottom && bottom <= innerHeight;
        }).length`,
      ),
    )
    .toBeGreaterThanOrEqual(14);
  expect(await page.locator('.line .badge').allInnerTexts()).toEqual(['sensitive']);
  const coloured = await page.evaluate<string[]>(
    `[...document.querySelectorAll('.line *')]
      .filter((element) => element.children.length === 0 && !element.closest('.unseen-by-eye'))
      .filter((element) => { const [r, , b] = getComputedStyle(element).color.match(/\\d+/g).map(Number); return r > b + 60; })
      .map((element) => element.textContent)`,
  );
  expect(coloured.map((text) => text.replace(/ \d\d s left/, ''))).toEqual(['9 min', '39 min']);
  expect(faults).toEqual([]);
  await close();
});

describe('filters worked by hand', () => {
  const thread = 'filters';
  beforeAll(async () => {
    await world.put({ threadId: thread, call: call('payouts.create') });
    await world.put({
      threadId: thread,
      call: call('payouts.close'),
      proposer: { id: 'agent-2', owner: null, attested: true },
    });
    await world.put({ threadId: thread });
    await world.put({ threadId: thread, call: call('payouts.create'), status: 'rejected', resolvedAt: AT });
  });

  test('status, service, tool and proposer narrow the list and stand in the address; Clear takes them away', async () => {
    const { page, faults, close } = await world.open('/');
    await page.getByRole('button', { name: /^Filters/ }).click();
    const rows = page.getByTestId('row');
    const shows = async (count: number): Promise<void> => {
      await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(count);
    };
    const inAddress = (text: string) => page.waitForURL((url) => url.search === text);
    await page.getByLabel('Thread').fill(thread);
    await inAddress(`?threadId=${thread}`);
    await shows(3);
    await page.getByLabel('Service').selectOption('payouts');
    await shows(2);
    await page.getByLabel('Tool').selectOption('payouts.close');
    await shows(1);
    await page.getByLabel('Tool').selectOption('');
    await page.getByLabel('Agent').fill('agent-2');
    await shows(1);
    expect(await rows.innerText()).toContain('agent-2, no owner');
    // Both at once: what is typed comes a moment later, and takes nothing of the other away.
    await page.getByLabel('Agent').fill('');
    await page.getByLabel('Status').selectOption('rejected');
    await shows(1);
    expect(new URL(page.url()).searchParams.get('status')).toBe('rejected');
    await page.getByLabel('Status').selectOption('all');
    await shows(3);
    // Only here it tells rows apart.
    expect(await rows.locator('.badge').allInnerTexts()).toEqual(['rejected']);
    await page.reload();
    await shows(3);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await inAddress('');
    expect(await page.getByLabel('Thread').inputValue()).toBe('');
    expect(faults).toEqual([]);
    await close();
  });
});

describe('many', () => {
  const COUNT = 240;

  test('of hundreds of rows only those near the screen are in the document, down to the last', async () => {
    const thread = 'many';
    let last = '';
    for (let n = 0; n < COUNT; n += 1) last = await world.put({ threadId: thread, expiresAt: from(HOUR + n * 1_000) });
    const { page, faults, close } = await world.open(`/?threadId=${thread}`);
    await page.getByTestId('row').first().waitFor();
    await expect
      .poll(
        async () => {
          await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
          return page.getByRole('status').filter({ hasText: /^\d/ }).innerText();
        },
        { timeout: 60_000 },
      )
      .toBe(String(COUNT));
    await expect
      .poll(
        async () => {
          await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
          return page.locator(`a[href="/reviews/${last}"]`).count();
        },
        { timeout: 60_000 },
      )
      .toBe(1);
    const drawn = await page.getByTestId('row').count();
    expect(drawn).toBeGreaterThan(4);
    expect(drawn).toBeLessThan(COUNT / 4);
    expect(faults).toEqual([]);
    await close();
  });
});

test('a server that does not answer is said, until it answers again', async () => {
  const { page, faults, close } = await world.open('/');
  const note = page.locator('[data-connection]');
  await page.locator('[data-connection=live]').waitFor({ state: 'attached' });
  expect(await note.innerText()).toBe('');
  await page.route('**/v1/events', (route) => route.abort());
  await page.reload();
  await page.locator('[data-connection=lost]').waitFor();
  expect(await note.getAttribute('role')).toBe('status');
  expect(await note.innerText()).not.toBe('');
  await page.unroute('**/v1/events');
  await page.locator('[data-connection=live]').waitFor({ state: 'attached' });
  expect(await note.innerText()).toBe('');
  expect(faults).toEqual([]);
  await close();
});

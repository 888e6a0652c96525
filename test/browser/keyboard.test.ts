import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { readUntil } from '../support/reviewing.ts';
import type { Person } from '../support/browser.ts';

let world: PageWorld;
let person: Person;
let first: string;
let second: string;
let question: string;
/** All of it fits on a screen, so nothing has to be paged through first. */
const SHORT = { threadId: 'keys', evidence: [], reason: null, context: {} };
const expiresIn = (ms: number): string => new Date(Date.now() + ms).toISOString();

beforeAll(async () => {
  world = await startPageWorld();
  first = await world.put({ ...SHORT, expiresAt: expiresIn(3_600_000) });
  second = await world.put({ ...SHORT, expiresAt: expiresIn(7_200_000) });
  question = await world.put({
    kind: 'in-flow',
    title: 'Which of these two?',
    allowedDecisions: ['approve', 'respond', 'reject'],
    target: null,
    evidence: [],
  });
  person = await world.open('/?threadId=keys');
});
afterAll(() => world?.close());
beforeEach(async () => {
  await go('/?threadId=keys');
  await person.page.getByTestId('row').nth(1).waitFor();
});

const go = (path: string): Promise<unknown> => person.page.goto(`${world.api.url}${path}`);
const press = async (...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await person.page.keyboard.press(key);
};
const focused = (page: Page): Promise<string | null> =>
  page.evaluate<string | null>('document.activeElement?.getAttribute("href") ?? null');

describe('in the inbox', () => {
  test('j and k go from one review to the next and back, and not beyond', async () => {
    const { page } = person;
    await press('j');
    await expect.poll(() => focused(page)).toBe(`/reviews/${first}`);
    await press('j');
    await expect.poll(() => focused(page)).toBe(`/reviews/${second}`);
    await press('j');
    await press('k');
    await expect.poll(() => focused(page)).toBe(`/reviews/${first}`);
    await press('k');
    await press('Enter');
    await page.waitForURL(`**/reviews/${first}`);
  });

  test.each([
    ['a', 'form', 'Approve'],
    ['e', 'dialog', 'Edit, then approve'],
    ['r', 'form', 'Reject'],
    ['c', 'form', 'Request changes'],
  ] as const)('%s opens the chosen review and begins that decision', async (key, role, name) => {
    const { page } = person;
    await press('j');
    await expect.poll(() => focused(page)).toBe(`/reviews/${first}`);
    await press('j');
    await expect.poll(() => focused(page)).toBe(`/reviews/${second}`);
    await press(key);
    await page.getByRole(role, { name }).waitFor();
    // What was asked for is done: coming back to the address does not ask again.
    expect(new URL(page.url())).toMatchObject({ pathname: `/reviews/${second}`, search: '' });
    await page.reload();
    await page.locator('[data-decision=approve]').waitFor();
    expect(await page.getByRole(role, { name }).count()).toBe(0);
  });

  test('/ goes to the search, where keys are text', async () => {
    const { page } = person;
    await press('/');
    const search = page.getByLabel('Search');
    await expect.poll(() => page.evaluate('document.activeElement?.matches("input") ?? false')).toBe(true);
    await press('a', '?', 'j');
    expect(await search.inputValue()).toBe('a?j');
    await page.waitForURL(/q=a%3Fj/);
    expect(await page.getByRole('dialog').count()).toBe(0);
  });
});

describe('on a review', () => {
  test.each([
    ['e', 'dialog', 'Edit, then approve'],
    ['r', 'form', 'Reject'],
    ['c', 'form', 'Request changes'],
    ['a', 'form', 'Approve'],
  ] as const)('%s begins a decision, Esc leaves it', async (key, role, name) => {
    const { page } = person;
    await go(`/reviews/${first}`);
    await readUntil(page, 'approve');
    await press(key);
    const panel = page.getByRole(role, { name });
    await panel.waitFor();
    // The key is not typed into what it opened.
    expect(
      await page
        .locator('textarea')
        .first()
        .inputValue({ timeout: 500 })
        .catch(() => ''),
    ).not.toBe(key);
    await press('Escape');
    await panel.waitFor({ state: 'detached' });
    await readUntil(page, 'approve');
  });

  test('w answers a question of a workflow, and nothing else', async () => {
    const { page } = person;
    await go(`/reviews/${first}`);
    await readUntil(page, 'approve');
    await press('w');
    expect(await page.getByRole('form').count()).toBe(0);
    await go(`/reviews/${question}`);
    await page.locator('[data-decision=respond]').waitFor();
    await press('w');
    await page.getByRole('form', { name: 'Answer' }).waitFor();
  });

  test.each([
    ['r', 'form', 'Reject', 'reject', { type: 'reject', comment: 'by keys' }],
    ['c', 'form', 'Request changes', 'revise', { type: 'revise', comment: 'by keys' }],
    ['w', 'form', 'Answer', 'respond', { type: 'respond', response: 'by keys' }],
    ['a', 'form', 'Approve', 'approve', { type: 'approve', comment: 'by keys' }],
  ] as const)(
    'Ctrl+Enter sends what %s opened, from its field, and the panel says so',
    async (key, role, name, type, sent) => {
      const { page } = person;
      // One of its own: what was typed is kept with the review.
      const asked = key === 'w' ? ({ kind: 'in-flow', title: 'Which?', target: null } as const) : {};
      await go(`/reviews/${await world.put({ ...SHORT, threadId: 'sent', ...asked, allowedDecisions: [type] })}`);
      if (type === 'approve') await readUntil(page, type);
      else await page.locator(`[data-decision=${type}]:enabled`).waitFor();
      const decision = page.waitForRequest((request) => request.url().endsWith('/decision'));
      await page.route('**/decision', (route) => route.abort());
      await press(key);
      const panel = page.getByRole(role, { name });
      await panel.getByText('Ctrl + Enter sends it').waitFor();
      await panel.getByRole('button', { disabled: false }).first().waitFor();
      await panel.getByRole('textbox').fill('by keys');
      await expect.poll(() => panel.locator('[type=submit]').isEnabled()).toBe(true);
      await press('Control+Enter');
      expect((await decision).postDataJSON()).toMatchObject(sent);
      await page.unroute('**/decision');
    },
  );

  test('i goes back to the inbox', async () => {
    await go(`/reviews/${first}`);
    await person.page.locator('[data-decision=approve]').waitFor();
    await press('i');
    await person.page.getByRole('heading', { name: 'Inbox' }).waitFor();
    expect(new URL(person.page.url()).pathname).toBe('/');
  });

  test('? names all keys; while it is open they rest', async () => {
    const { page } = person;
    await go(`/reviews/${first}`);
    await readUntil(page, 'approve');
    await press('?');
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await dialog.waitFor();
    const named = (await dialog.locator('kbd').allInnerTexts()).flatMap((keys) => keys.split(' / '));
    for (const key of ['j', 'k', 'Enter', 'a', 'e', 'r', 'c', 'w', 'i', 'Esc', '?']) expect(named).toContain(key);
    await press('r', 'i');
    expect(new URL(page.url()).pathname).toBe(`/reviews/${first}`);
    await press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('form').count()).toBe(0);
  });
});

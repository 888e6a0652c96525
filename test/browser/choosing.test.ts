import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PHONE } from '../support/browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { readUntil } from '../support/reviewing.ts';

/** The highlight is a review and not a place: what comes, goes or moves around it changes nothing about what a press does. */
let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world?.close());

const MINUTE = 60_000;
const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * MINUTE).toISOString();
/** All of it fits on a screen, so nothing has to be paged through first. */
const short = (thread: string, minutes: number) => ({
  threadId: thread,
  evidence: [],
  reason: null,
  context: {},
  expiresAt: inMinutes(minutes),
});
const news = (page: Page) => page.getByRole('button', { name: /^Show \d+ new/ });
const highlighted = (page: Page): Promise<string | null> =>
  page.evaluate<string | null>(
    'document.querySelector("[data-selected] a, [data-selected] [data-main]")?.getAttribute("href") ?? null',
  );
const shown = (page: Page): Promise<readonly string[]> =>
  page.evaluate<string[]>(
    `[...document.querySelectorAll('.rows > li')]
      .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
      .flatMap((row) => row.querySelector('a')?.getAttribute('href') ?? [])`,
  );

async function openInbox(thread: string, options: { readonly size?: 'phone' | 'desktop' } = {}) {
  const person = await world.open(`/?threadId=${thread}`, options);
  await person.page.getByTestId('row').first().waitFor();
  await person.page.locator('[data-connection=live]').waitFor({ state: 'attached' });
  return person;
}

describe('what keys act on', () => {
  test('is nothing until a person chooses it', async () => {
    await world.arrive(short('unchosen', 30));
    const { page, faults, close } = await openInbox('unchosen');
    expect(await highlighted(page)).toBe(null);
    for (const key of ['Enter', 'a', 'e', 'r', 'c']) await page.keyboard.press(key);
    await page.getByText('Choose a review first').first().waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
    expect(faults).toEqual([]);
    await close();
  });

  test('stays the review that was chosen when a more urgent one comes, before and after that one is shown', async () => {
    const deploy = await world.arrive(short('urgent', 30));
    const { page, faults, close } = await openInbox('urgent');
    await page.keyboard.press('j');
    await expect.poll(() => highlighted(page)).toBe(`/reviews/${deploy}`);
    const role = await world.arrive(short('urgent', 2));
    await news(page).waitFor();
    expect(await news(page).innerText()).toMatch(/Show 1 new\s*[12] min \d\d s left/);
    // Nothing moved, and nothing else was chosen.
    expect(await shown(page)).toEqual([`/reviews/${deploy}`]);
    expect(await highlighted(page)).toBe(`/reviews/${deploy}`);
    await news(page).click();
    await expect.poll(() => shown(page)).toEqual([`/reviews/${role}`, `/reviews/${deploy}`]);
    expect(await highlighted(page)).toBe(`/reviews/${deploy}`);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/reviews/${deploy}`);
    expect(faults).toEqual([]);
    await close();
  });

  test('is nothing once the chosen one has gone: its place belongs to another', async () => {
    const first = await world.arrive(short('gone', 20));
    const second = await world.arrive(short('gone', 30));
    const third = await world.arrive(short('gone', 40));
    const { page, faults, close } = await openInbox('gone');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await expect.poll(() => highlighted(page)).toBe(`/reviews/${second}`);
    await world.change(second, { ...short('gone', 30), status: 'withdrawn', resolvedAt: inMinutes(0) });
    // It keeps its place, and says what became of it.
    await page.locator('[data-gone]').getByText('withdrawn').waitFor();
    expect(await shown(page)).toEqual([first, second, third].map((id) => `/reviews/${id}`));
    await page.keyboard.press('a');
    await page.waitForURL(`**/reviews/${second}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await page.getByRole('form').count()).toBe(0);
    await page.keyboard.press('i');
    await page.waitForURL('**/?threadId=gone');
    await expect.poll(() => shown(page)).toEqual([first, third].map((id) => `/reviews/${id}`));
    expect(await highlighted(page)).toBe(null);
    await page.keyboard.press('a');
    await page.getByText('Choose a review first').waitFor();
    // The next step starts where it stood.
    await page.keyboard.press('j');
    await expect.poll(() => highlighted(page)).toBe(`/reviews/${third}`);
    expect(faults).toEqual([]);
    await close();
  });

  test('is what has the focus, however it got there; a filter that hides it leaves nothing', async () => {
    const first = await world.arrive(short('focus', 20));
    const second = await world.arrive(short('focus', 30));
    const { page, faults, close } = await openInbox('focus');
    await page.keyboard.press('j');
    await expect.poll(() => highlighted(page)).toBe(`/reviews/${first}`);
    await page.keyboard.press('Tab');
    await expect.poll(() => highlighted(page)).toBe(`/reviews/${second}`);
    await page.getByLabel('Search').fill(first);
    await expect.poll(() => shown(page)).toEqual([`/reviews/${first}`]);
    expect(await highlighted(page)).toBe(null);
    await page.getByRole('heading', { name: 'Inbox' }).click();
    await page.keyboard.press('r');
    await page.getByText('Choose a review first').waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
    await page.reload();
    await page.getByTestId('row').first().waitFor();
    expect(await highlighted(page)).toBe(null);
    expect(faults).toEqual([]);
    await close();
  });
});

test('what is under a finger stays there: nothing moves until it is asked for', async () => {
  const ids = [];
  for (const minutes of [20, 30, 40]) ids.push(await world.arrive(short('finger', minutes)));
  const { page, faults, close } = await openInbox('finger', { size: 'phone' });
  const target = page.locator(`a[href="/reviews/${ids[1]}"]`);
  const box = await target.boundingBox();
  expect(box).not.toBe(null);
  await world.arrive(short('finger', 1));
  await world.change(ids[0] ?? '', { ...short('finger', 20), status: 'withdrawn', resolvedAt: inMinutes(0) });
  const last = await world.arrive(short('finger', 50));
  await news(page).waitFor();
  // Behind all others there is nothing to move.
  await page.locator(`a[href="/reviews/${last}"]`).waitFor();
  expect(await target.boundingBox()).toEqual(box);
  // Nor does what is said about the connection.
  await page.context().setOffline(true);
  await page.locator('[data-connection=offline]').waitFor();
  expect(await target.boundingBox()).toEqual(box);
  await page.context().setOffline(false);
  await page.locator('[data-connection=live]').waitFor({ state: 'attached' });
  await page.mouse.click((box?.x ?? 0) + 5, (box?.y ?? 0) + 5);
  await page.waitForURL(`**/reviews/${ids[1]}`);
  expect(page.viewportSize()).toEqual(PHONE);
  expect(faults).toEqual([]);
  await close();
});

test('the next review is the one that was named, also when a more urgent one has come', async () => {
  const ended = {
    status: 'rejected',
    proposedAt: inMinutes(-5),
    expiresAt: inMinutes(60),
    resolvedAt: inMinutes(0),
  } as const;
  const shownNow = await world.arrive(ended);
  const named = await world.arrive(short('next', 0.5));
  const { page, faults, close } = await world.open(`/reviews/${shownNow}`);
  const next = page.locator('.next-link');
  await expect.poll(() => next.getAttribute('href')).toBe(`/reviews/${named}`);
  await page.locator('[data-connection=live]').waitFor({ state: 'attached' });
  await world.arrive(short('next', 0.2));
  // Once the page has read of a change after it, it has heard of it.
  const read = page.waitForResponse(`**/v1/reviews/${shownNow}`);
  await world.change(shownNow, ended);
  await read;
  expect(await next.getAttribute('href')).toBe(`/reviews/${named}`);
  await page.keyboard.press('n');
  await page.waitForURL(`**/reviews/${named}`);
  expect(faults).toEqual([]);
  await close();
});

describe('a form that decides', () => {
  const sent = (page: Page): { count: number } => {
    const decisions = { count: 0 };
    page.on('request', (request) => {
      if (request.url().endsWith('/decision')) decisions.count += 1;
    });
    return decisions;
  };

  test('takes no Enter for half a second, nor a key that is held; then it does', async () => {
    const { reviewId } = await world.api.propose({ context: {} });
    const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
    const decisions = sent(page);
    await readUntil(page, 'approve');
    const yes = page.getByRole('button', { name: 'Yes, approve' });
    // In one task: as soon after it opened as a press can come.
    await page.evaluate(`new Promise((done) => {
      const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      press('a');
      requestAnimationFrame(() => { press('Enter'); document.querySelector('form').requestSubmit(); done(); });
    })`);
    await page.keyboard.press('Enter');
    expect(await yes.isDisabled()).toBe(true);
    // Held from before it can be pressed until after.
    await page.keyboard.down('Enter');
    await expect.poll(() => yes.isEnabled()).toBe(true);
    await expect
      .poll(() => page.evaluate<boolean>('document.activeElement?.textContent === "Yes, approve"'))
      .toBe(true);
    for (let repeats = 0; repeats < 5; repeats += 1) await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    expect(decisions.count).toBe(0);
    await page.keyboard.press('Enter');
    await page.getByText('Approved. It runs now.').waitFor();
    expect(decisions.count).toBe(1);
    expect(faults).toEqual([]);
    await close();
  });

  test('takes no second tap of a double tap on what opened it', async () => {
    const { reviewId } = await world.api.propose({ context: {} });
    const { page, faults, close } = await world.open(`/reviews/${reviewId}`, { size: 'phone' });
    const decisions = sent(page);
    await readUntil(page, 'approve');
    const approve = page.locator('[data-decision=approve]');
    const box = await approve.boundingBox();
    await approve.dblclick();
    const yes = page.getByRole('button', { name: 'Yes, approve' });
    await yes.waitFor();
    // Wherever a finger could have been.
    const { x, y } = { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
    await page.mouse.dblclick(x, y);
    expect(decisions.count).toBe(0);
    expect(faults).toEqual([]);
    await close();
  });
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { isTooWide, openAs } from '../support/browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { readUntil } from '../support/reviewing.ts';

/** What the page says where it has nothing, cannot have it, or little room for it. */
let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world?.close());

test('an inbox without anything says so, and a search without hits says how to go on', async () => {
  const { page, faults, close } = await world.open('/');
  await page.getByRole('heading', { name: 'Nothing is waiting' }).waitFor();
  await world.put({ threadId: 'found' });
  await page.goto(`${world.api.url}/?q=zebra&threadId=found`);
  await page.getByRole('heading', { name: 'No review matches “zebra”' }).waitFor();
  await page.getByRole('button', { name: 'Clear search' }).click();
  await page.getByTestId('row').waitFor();
  await page.goto(`${world.api.url}/?threadId=lost`);
  await page.getByRole('heading', { name: 'No review matches these filters' }).waitFor();
  await page.locator('.state').getByRole('button', { name: 'Clear filters' }).click();
  await page.getByTestId('row').waitFor();
  expect(new URL(page.url()).search).toBe('');
  expect(faults).toEqual([]);
  await close();
});

test('what cannot be loaded is said with its code, and tried again', async () => {
  const { page, faults, close } = await world.open('/');
  await page.route('**/v1/reviews?*', (route) =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      body: JSON.stringify({ type: 'about:blank', title: 'Not now', status: 422, code: 'invalid_request' }),
    }),
  );
  await page.reload();
  const alert = page.getByRole('alert');
  await alert.getByText('invalid_request').waitFor();
  expect(await alert.innerText()).toContain('The inbox could not be loaded');
  await page.unroute('**/v1/reviews?*');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await page.getByTestId('row').first().waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('offline it says from when the shown state is, and why nothing can be decided', async () => {
  const { reviewId } = await world.api.propose({ context: {} });
  const { page, context, faults, close } = await world.open(`/reviews/${reviewId}`);
  await readUntil(page, 'reject');
  await page.locator('[data-connection=live]').waitFor({ state: 'attached' });
  await page.locator('[data-decision=reject]').click();
  await page.getByLabel(/Why not/).fill('no');
  await context.setOffline(true);
  await page.getByText(/^You are offline\. What you see is from \d\d:\d\d\.$/).waitFor();
  const form = page.getByRole('form', { name: 'Reject' });
  await form.getByText('You can decide when you are back online.').waitFor();
  expect(await form.getByRole('button', { name: 'Reject' }).isDisabled()).toBe(true);
  await context.setOffline(false);
  await page.locator('[data-connection=live]').waitFor({ state: 'attached' });
  await form.getByRole('button', { name: 'Reject' }).click();
  await page.getByText('It will not run.').first().waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('filters fit a phone of 360 pixels, with a row below them', async () => {
  await world.put({ threadId: 'narrow' });
  const { page, faults, close } = await world.open('/?threadId=narrow', { size: 'phone' });
  const row = page.getByTestId('row').first();
  await row.waitFor();
  expect(await page.getByLabel('Thread').isVisible()).toBe(true);
  expect(await isTooWide(page)).toBe(false);
  const { y, height } = (await row.boundingBox()) ?? { y: Infinity, height: 0 };
  expect(y + height).toBeLessThan(page.viewportSize()?.height ?? 0);
  expect(faults).toEqual([]);
  await close();
});

test('a phone held sideways shows the call above the fold', async () => {
  const reviewId = await world.put({});
  const { page, faults, close } = await openAs(world.browser, world.api.url, world.api.credential('ops-1'), {
    path: `/reviews/${reviewId}`,
    viewport: { width: 740, height: 360 },
    isMobile: true,
    hasTouch: true,
  });
  const argument = page.locator('[data-section=call] dd').first();
  await argument.waitFor();
  const [shown, foot] = [await argument.boundingBox(), await page.locator('.decide').boundingBox()];
  expect((shown?.y ?? Infinity) + (shown?.height ?? 0)).toBeLessThanOrEqual(foot?.y ?? 0);
  expect(await isTooWide(page)).toBe(false);
  expect(faults).toEqual([]);
  await close();
});

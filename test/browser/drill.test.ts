import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { begin } from '../support/reviewing.ts';

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world?.close());

test('a drill is started from the account panel, says that it is one, and its page shows who answered', async () => {
  const { api } = world;
  const { page, faults, close } = await world.open('/');
  await page.getByRole('button', { name: 'Account of ops-1' }).click();
  await page.getByText('Start a drill').click();
  await page.getByRole('button', { name: 'Ask ops' }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/reviews/'));
  await page.getByText('This is a drill: nothing will happen.').waitFor();
  await page.getByRole('heading', { level: 1, name: 'Drill for ops: please answer. Nothing will happen.' }).waitFor();
  const report = page.getByRole('region', { name: 'Who was reached, and who answered' }).first();
  await report.getByRole('row', { name: /^ops-1 .*No answer yet/ }).waitFor();
  expect(await page.locator('[data-decision]').count()).toBe(1);
  await begin(page, 'approve');
  await page.getByRole('button', { name: 'Yes, approve' }).click();
  await report.getByRole('row', { name: /^ops-1 .*by dashboard/ }).waitFor();
  await report.getByRole('row', { name: /^ops-2 .*No answer yet/ }).waitFor();
  expect(api.calls).toEqual([]);
  expect(faults).toEqual([]);
  await close();
});

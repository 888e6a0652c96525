import { afterAll, beforeAll, expect, test } from 'vitest';
import { admitLifts } from '../../src/activities/execute/admit-lifts.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld({ settings: { operators: ['ops-1'] } });
});
afterAll(() => world?.close());

test('an operator freezes and lifts by keyboard; every page says what is frozen, by whom and why', async () => {
  const { api } = world;
  const { page, faults, close } = await world.open('/policy?view=freezes');
  await page.getByLabel('Tools, such as').fill('payouts.*');
  await page.keyboard.press('Tab');
  await page.keyboard.type('<b>an incident</b>');
  await page.keyboard.press('Enter');
  const note = page.getByTestId('freeze-note');
  await note.getByText('payouts.*, by ops-1').waitFor();
  expect(await note.textContent()).toContain('<b>an incident</b>');
  expect((await api.execute()).body.reasonCodes).toEqual(['frozen']);

  const other = await world.open('/', { as: 'finance-1', size: 'phone' });
  await other.page.getByTestId('freeze-note').getByText('payouts.*, by ops-1').waitFor();
  await other.page.getByTestId('freeze-note').getByRole('link', { name: 'Freezes' }).click();
  await other.page.getByText('Operators freeze tools and lift freezes.').waitFor();
  expect(await other.page.getByRole('button', { name: 'Lift' }).count()).toBe(0);
  expect(await other.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  if (process.env['FREEZE_SHOTS']) {
    await page.screenshot({ path: `${process.env['FREEZE_SHOTS']}/wide.png`, fullPage: true });
    await other.page.screenshot({ path: `${process.env['FREEZE_SHOTS']}/phone.png`, fullPage: true });
  }
  await other.close();

  await page.getByLabel('Why it can be lifted').fill('over');
  await page.keyboard.press('Enter');
  while ((await admitLifts(api.executeDeps())) === 0) await page.waitForTimeout(20);
  await page.getByText('Lifted by ops-1').waitFor();
  await note.waitFor({ state: 'detached' });
  expect(faults).toEqual([]);
  await close();
});

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DESKTOP, launchBrowser, openAs, PHONE } from '../../test/support/browser.ts';
import { proposeDelete, tokenOf } from '../../test/support/demo-calls.ts';
import { startHoldpoint } from '../../test/support/holdpoint.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'screenshots');
const SIZES = { desktop: DESKTOP, phone: PHONE } as const;

mkdirSync(FOLDER, { recursive: true });
const holdpoint = await startHoldpoint();
const browser = await launchBrowser();
try {
  const reviewId = await proposeDelete(holdpoint);
  const update = (id: number) => ({ sql: `UPDATE users SET plan = 'free' WHERE id = ${id}`, params: undefined });
  for (const id of [7, 8, 9]) await proposeDelete(holdpoint, update(id), { group: 'nightly-cleanup' });
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, close } = await openAs(browser, holdpoint.url, tokenOf(holdpoint, 'ops-1'), {
        viewport,
        colorScheme,
      });
      const shoot = async (name: string): Promise<void> => {
        // What loads last is a font metric or a time; both are there after a moment.
        await page.waitForTimeout(700);
        await page.screenshot({ path: join(FOLDER, `${name}-${size}-${colorScheme}.png`) });
      };
      await page.getByTestId('row').first().waitFor();
      await shoot('inbox');
      await page.goto(`${holdpoint.url}/reviews/${reviewId}`);
      await page.locator('[data-decision=reject]').waitFor();
      await shoot('review');
      await page.goto(`${holdpoint.url}/group?name=nightly-cleanup`);
      await page.getByTestId('group-item').nth(2).getByRole('checkbox').waitFor();
      await shoot('group');
      for (const name of ['audit', 'policy']) {
        await page.goto(`${holdpoint.url}/${name}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await shoot(name);
      }
      await close();
    }
  }
} finally {
  await browser.close();
  await holdpoint.destroy();
}

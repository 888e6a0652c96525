import type { Page } from 'playwright-core';
import { until } from './e2e-world.ts';

/** What a person does on a review's page, at any width. */

/** Pages through what has not been on screen yet, until the decision can be begun. */
export async function readUntil(page: Page, decision: string): Promise<void> {
  const button = page.locator(`[data-decision=${decision}]`);
  await button.waitFor();
  await until(
    async () => {
      if (await button.isEnabled()) return true;
      await page
        .getByRole('button', { name: 'Show next' })
        .click({ timeout: 1_000 })
        .catch(() => undefined);
      return undefined;
    },
    { what: `${decision} to be possible`, withinMs: 60_000 },
  );
}

/** Presses the decision's button once everything has been on screen. */
export async function begin(page: Page, decision: string): Promise<void> {
  await readUntil(page, decision);
  await page.locator(`[data-decision=${decision}]`).click();
}

/** Says yes on a page that was opened to approve: it asks by itself, unless something was not on screen yet. */
export async function sayYes(page: Page): Promise<void> {
  const yes = page.getByRole('button', { name: 'Yes, approve' });
  const further = page.getByRole('button', { name: 'Show next' }).or(page.locator('[data-decision=approve]:enabled'));
  await until(
    async () => {
      if (await yes.isVisible()) return true;
      await further
        .first()
        .click({ timeout: 1_000 })
        .catch(() => undefined);
      return undefined;
    },
    { what: 'the question', withinMs: 60_000 },
  );
  await yes.click();
}

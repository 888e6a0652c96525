import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findViolations } from '../support/axe.ts';
import { launchBrowser, openAs, openWindow, PHONE, VIEWPORTS, type Person } from '../support/browser.ts';
import { proposeDelete, tokenOf } from '../support/demo-calls.ts';
import { startHoldpoint, type Holdpoint } from '../support/holdpoint.ts';

let holdpoint: Holdpoint;
let browser: Browser;
const people: Person[] = [];

beforeAll(async () => {
  holdpoint = await startHoldpoint();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await holdpoint?.destroy();
});

const signedIn = async (...[options]: readonly (Parameters<typeof openAs>[3] | undefined)[]): Promise<Person> => {
  const person = await openAs(browser, holdpoint.url, tokenOf(holdpoint, 'ops-1'), options);
  people.push(person);
  return person;
};

// A link is good for one sign-in, so each width has one of its own.
describe.each([
  ['desktop', 'finance-1'],
  ['phone', 'ops-2'],
] as const)('sign-in by link, %s', (size, reviewer) => {
  const viewport = VIEWPORTS[size];

  test('a link signs in once, leaves no trace in the address, and is worthless afterwards', async () => {
    const link = holdpoint.access().reviewers.find(({ id }) => id === reviewer)?.signInUrl ?? '';
    const first = await openWindow(browser, { viewport });
    await first.page.goto(link);
    await first.page.getByRole('button', { name: `Account of ${reviewer}` }).waitFor();
    expect(first.page.url()).toBe(`${holdpoint.url}/`);
    // The session is a cookie that no script can read.
    expect(await first.page.evaluate('document.cookie')).toBe('');
    await first.page.reload();
    await first.page.getByRole('button', { name: `Account of ${reviewer}` }).waitFor();
    const second = await openWindow(browser, { viewport });
    await second.page.goto(link);
    await second.page.getByRole('alert').waitFor();
    expect(await second.page.getByRole('navigation', { name: 'Main' }).count()).toBe(0);
    await first.page.getByRole('button', { name: `Account of ${reviewer}` }).click();
    await first.page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await first.page.getByLabel('Reviewer token').waitFor();
    expect([...first.faults, ...second.faults]).toEqual([]);
    await first.close();
    await second.close();
  });
});

describe('deciding by keyboard', () => {
  test('from the open page to decided in at most four keys, with the evidence on the way', async () => {
    const reviewId = await proposeDelete(holdpoint);
    const { page, faults } = await signedIn();
    await page.getByTestId('row').first().waitFor();
    let presses = 0;
    const press = async (key: string): Promise<void> => {
      presses += 1;
      await page.keyboard.press(key);
    };
    // No key acts on a review that was not chosen.
    await press('j');
    await press('a');
    await page.waitForURL(`**/reviews/${reviewId}`);
    // What a person needs to know stands on the first screen.
    for (const text of ['1,247', 'Why it is held', 'What changed', 'Owner', 'Time left']) {
      expect(await isOnScreen(page, text)).toBe(true);
    }
    await page.locator('.sql-keyword').first().waitFor();
    // It asks once everything was on screen. It brings the next part itself, and `a` the one after it.
    const yes = page.getByRole('button', { name: 'Yes, approve' });
    const asks = () =>
      yes.waitFor({ timeout: 6_000 }).then(
        () => true,
        () => false,
      );
    if (!(await asks())) {
      await press('a');
      await yes.waitFor();
    }
    // It takes no press at first, which may have been meant for something else.
    await expect.poll(() => yes.isEnabled()).toBe(true);
    await press('Enter');
    await page.getByText('Approved. It runs now.').waitFor();
    await page.getByText('executed', { exact: true }).first().waitFor();
    expect(presses).toBeLessThanOrEqual(4);
    expect(faults).toEqual([]);
  });

  test('on a phone approving waits until everything has been on screen', async () => {
    const reviewId = await proposeDelete(holdpoint, { sql: 'DELETE FROM users WHERE id = 3', params: undefined });
    const { page, faults } = await signedIn({ viewport: PHONE, path: `/reviews/${reviewId}` });
    const approve = page.locator('[data-decision=approve]');
    await approve.waitFor();
    await expect.poll(() => approve.isDisabled(), { timeout: 30_000 }).toBe(true);
    for (let steps = 0; (await approve.isDisabled()) && steps < 30; steps += 1) {
      await page
        .getByRole('button', { name: 'Show next' })
        .click({ timeout: 5_000 })
        .catch(() => undefined);
      await page.waitForTimeout(200);
    }
    expect(await approve.isDisabled()).toBe(false);
    // Nothing is wider than the screen.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(PHONE.width);
    await page.locator('[data-decision=reject]').click();
    await page.getByRole('button', { name: 'Reject', exact: true }).click();
    await page.getByText('Add a comment.').waitFor();
    await page.getByRole('button', { name: 'Not needed.' }).click();
    await page.getByRole('button', { name: 'Reject', exact: true }).click();
    await page.getByText('Rejected. It will not run.').waitFor();
    expect(faults).toEqual([]);
  });

  test('the proof can be downloaded', async () => {
    const { page } = people[0] as Person;
    const arriving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download the proof' }).click();
    expect((await arriving).suggestedFilename()).toMatch(/^rev_.*\.json$/);
  });
});

describe('accessibility', () => {
  test.each(['light', 'dark'] as const)('axe finds nothing on the main pages, %s', async (colorScheme) => {
    const reviewId = await proposeDelete(holdpoint);
    const person = await signedIn({ colorScheme });
    const { page } = person;
    await page.getByTestId('row').first().waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Filters' }).click();
    expect(await findViolations(page)).toEqual([]);
    await page.goto(`${holdpoint.url}/reviews/${reviewId}`);
    await page.locator('[data-decision=approve]').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press('r');
    await page.getByRole('form', { name: 'Reject' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.setViewportSize(PHONE);
    expect(await findViolations(page)).toEqual([]);
    const stranger = await openWindow(browser, { colorScheme });
    await stranger.page.goto(holdpoint.url);
    await stranger.page.getByLabel('Reviewer token').waitFor();
    expect(await findViolations(stranger.page)).toEqual([]);
    await stranger.close();
    expect(person.faults).toEqual([]);
  });
});

async function isOnScreen(page: Person['page'], text: string): Promise<boolean> {
  const box = await page.getByText(text).first().boundingBox();
  const height = page.viewportSize()?.height ?? 0;
  return box !== null && box.y >= 0 && box.y + box.height <= height;
}

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findViolations } from '../support/axe.ts';
import { launchBrowser, openWindow, PHONE } from '../support/browser.ts';
import { startMailWorld, type MailWorld } from '../support/e2e-mail.ts';
import { newRef } from '../support/e2e-world.ts';

/** What opens links in mails: scanners, previews, browsers that fetch ahead; and people, on a phone. */
let mail: MailWorld;
let browser: Browser;
beforeAll(async () => {
  [mail, browser] = await Promise.all([startMailWorld(), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await mail.close();
});

const hold = (ref = newRef('scan')) => mail.world.hold('bank.pay', { ref, amount: 5 });
const untouched = async (reviewId: string) =>
  expect(await mail.world.review(reviewId)).toMatchObject({ status: 'pending', levels: [{ decisions: [] }] });

const linksIn = async (page: Page): Promise<readonly string[]> =>
  Promise.all((await page.locator('a').all()).map(async (link) => (await link.getAttribute('href')) ?? ''));

describe('a mail scanner decides nothing', () => {
  test('with HEAD and GET', async () => {
    const { reviewId } = await hold();
    const url = await mail.link('ops-1', reviewId);
    for (const method of ['HEAD', 'GET', 'GET']) expect((await fetch(url, { method })).status).toBe(200);
    await untouched(reviewId);
  });

  test('with a browser that opens the mail, follows its links and every link behind them, and presses what there is', async () => {
    const { reviewId } = await hold();
    const [message] = await mail.mails('ops-1', reviewId);
    const { page, close } = await openWindow(browser);
    const requested: string[] = [];
    page.on('request', (request) => requested.push(`${request.method()} ${request.url()}`));
    await page.setContent(String(message?.parsed.html));
    // Nothing is fetched for reading the mail.
    expect(requested).toEqual([]);
    const links = await linksIn(page);
    expect(links).toEqual([await mail.link('ops-1', reviewId)]);
    for (const link of links) {
      await page.goto(link, { waitUntil: 'load' });
      const further = await linksIn(page);
      // As a scanner that presses: with nothing chosen, the browser itself sends nothing.
      await page.locator('button').click();
      for (const next of further) await page.goto(next, { waitUntil: 'domcontentloaded' });
    }
    expect(requested.filter((line) => line.startsWith('POST ') && line.includes('/mail/'))).toEqual([]);
    await close();
    await untouched(reviewId);
  });
});

test('a person on a phone, without scripts, reads all of it, chooses and sends', async () => {
  const ref = newRef('phone');
  const { reviewId } = await hold(ref);
  const { page, faults, close } = await openWindow(browser, { viewport: PHONE, javaScriptEnabled: false });
  await page.goto(await mail.link('ops-1', reviewId));
  await page.getByText(ref).first().waitFor();
  const widths = await page.evaluate<readonly number[]>('[document.documentElement.scrollWidth, innerWidth]');
  expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0);
  await page.getByRole('radio', { name: 'Approve exactly this' }).check();
  await page.getByRole('button', { name: 'Send decision' }).click();
  await page.getByRole('heading', { name: 'Your decision is recorded' }).waitFor();
  expect(await mail.world.settled(reviewId)).toMatchObject({ execution: { status: 'executed' } });
  expect(mail.world.target.count(ref)).toBe(1);
  expect(faults).toEqual([]);
  await close();
});

test.each(['light', 'dark'] as const)('the page has nothing that axe finds, %s', async (colorScheme) => {
  const { reviewId } = await hold();
  const { page, faults, close } = await openWindow(browser, { viewport: PHONE, colorScheme });
  await page.goto(await mail.link('ops-1', reviewId));
  expect(await findViolations(page)).toEqual([]);
  await page.goto(`${new URL(page.url()).origin}/mail/none`);
  await page.getByText('link_not_valid').waitFor();
  expect(await findViolations(page)).toEqual([]);
  expect(faults).toEqual([]);
  await close();
});

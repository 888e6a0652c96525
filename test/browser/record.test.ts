import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IndexedEntry } from '../../src/contract/audit.ts';
import { findViolations } from '../support/axe.ts';
import {
  isTooWide,
  launchBrowser,
  openAs,
  openWindow,
  PHONE,
  SIZES,
  VIEWPORTS,
  type Person,
} from '../support/browser.ts';
import { startWorld, until, type World } from '../support/e2e-world.ts';
import { CLIENT_ID, CLIENT_SECRET, startProvider, type TestProvider } from '../support/oidc.ts';

let world: World;
let provider: TestProvider;
let browser: Browser;
let reviewId: string;

beforeAll(async () => {
  world = await startWorld({ env: { OIDC_CLIENT_SECRET: CLIENT_SECRET } });
  const { url } = world.holdpoint;
  provider = await startProvider(`${url}/v1/session/oidc/callback`);
  const { config } = world.deployment;
  world.deployment.writeConfig({
    ...config,
    oidc: {
      issuer: provider.issuer,
      clientId: CLIENT_ID,
      clientSecret: 'env:OIDC_CLIENT_SECRET',
      groupsClaim: 'groups',
    },
    reviewers: (config.reviewers ?? []).map((reviewer) =>
      reviewer.id === 'ops-2' ? { ...reviewer, subject: `${provider.issuer}#user-7` } : reviewer,
    ),
  });
  browser = await launchBrowser();
  const { reviewId: id } = await world.hold('bank.pay', { ref: 'record-1', amount: 3 });
  reviewId = id;
  await world.decide(id, {});
  await world.settled(id);
  // In force once the page would offer it.
  await until(async () => ((await world.send('GET', '/v1/session/ways')).body['oidc'] === null ? undefined : true), {
    what: 'the configuration with an identity provider',
  });
});
afterAll(async () => {
  await browser?.close();
  await provider?.close();
  await world?.close();
});

const openPath = (path: string, options = {}): Promise<Person> =>
  openAs(browser, world.holdpoint.url, world.deployment.credentials['audit-1'], { path, ...options });

/** Clicks, and waits for the verdict. */
async function verdictOf(page: Page, button: string): Promise<string | null> {
  await page.getByRole('button', { name: button }).click();
  const verdict = page.locator('[data-verdict]');
  await verdict.waitFor();
  return verdict.getAttribute('data-verdict');
}

/** What the server answers is changed on its way to the page. */
async function change(page: Page, address: string, by: (body: string) => string): Promise<void> {
  await page.route(address, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: by(await response.text()) });
  });
}

describe.each(SIZES)('sign-in through an identity provider, %s', (size) => {
  const viewport = VIEWPORTS[size];
  const providerButton = (page: Page) => page.getByRole('link', { name: /^Sign in with 127/ });

  test('leads back to the page that was asked for, as the reviewer of the subject', async () => {
    provider.person = { sub: 'user-7', groups: ['ops'] };
    const { page, faults, close } = await openWindow(browser, { viewport });
    await page.goto(`${world.holdpoint.url}/policy`);
    await providerButton(page).waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await providerButton(page).click();
    await page.getByRole('button', { name: 'Account of ops-2' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/policy');
    expect(faults).toEqual([]);
    await close();
  });

  test('C4: says for which groups this sign-in cannot decide, and what was sent instead', async () => {
    provider.person = { sub: 'user-7', groups: ['/ops'] };
    const { page, close } = await openWindow(browser, { viewport });
    await page.goto(world.holdpoint.url);
    await providerButton(page).click();
    const note = page.getByTestId('withheld-groups');
    await note.waitFor();
    expect(await note.getByRole('listitem').allTextContents()).toEqual(['ops; the provider sent /ops']);
    expect(await findViolations(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await close();
  });

  test('says on every page that a changed file is not in force, and where its mistake is', async () => {
    const { page, close } = await openPath('/audit', { viewport });
    const problems = [
      {
        code: 'config_not_in_force',
        message: 'policy.yaml:4:1: unknown key "ruels". Did you mean "rules"?\npolicy.yaml:9:1: x. y',
      },
    ];
    await page.route('**/readyz', (route) =>
      route.fulfill({ status: 503, json: { ready: false, problemCount: problems.length, problems } }),
    );
    await page.reload();
    const note = page.getByTestId('files-note');
    await note.waitFor();
    expect(await note.textContent()).toContain(
      'policy.yaml:4:1: unknown key "ruels". Did you mean "rules"? (and 1 more)',
    );
    expect(await findViolations(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await close();
  });

  test('says who is no reviewer, and signs nobody in', async () => {
    provider.person = { sub: 'somebody-else', groups: ['ops'] };
    const { page, close } = await openWindow(browser, { viewport });
    await page.goto(world.holdpoint.url);
    await providerButton(page).click();
    await page.getByRole('alert').filter({ hasText: 'no reviewer' }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Main' }).count()).toBe(0);
    await close();
  });

  test('signing out everywhere ends the other window too', async () => {
    provider.person = { sub: 'user-7', groups: ['ops'] };
    const windows = [await openWindow(browser, { viewport }), await openWindow(browser, { viewport })] as const;
    for (const { page } of windows) {
      await page.goto(world.holdpoint.url);
      await providerButton(page).click();
      await page.getByRole('button', { name: 'Account of ops-2' }).waitFor();
    }
    const [here, there] = windows;
    await here.page.getByRole('button', { name: 'Account of ops-2' }).click();
    await here.page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await here.page.getByLabel('Reviewer token').waitFor();
    await there.page.getByRole('link', { name: 'Policy' }).click();
    await there.page.getByLabel('Reviewer token').waitFor();
    for (const { close } of windows) await close();
  });
});

describe('the audit view', () => {
  test('searches, keeps the filter in the address, and exports what fits', async () => {
    const { page, faults, close } = await openPath('/audit');
    const rows = page.locator('.entries > li');
    await rows.first().waitFor();
    await page.getByLabel('Event').selectOption('decided');
    await page.waitForURL('**/audit?type=decided');
    await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(1);
    expect(await rows.first().innerText()).toContain('ops-1 approved');
    await page.reload();
    await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(1);
    const arriving = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Export as CSV' }).click();
    expect((await arriving).suggestedFilename()).toBe('holdpoint-audit.csv');
    await page.getByLabel('Person or agent').fill('nobody');
    await page.getByRole('heading', { name: 'No entries found' }).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  test('finds words, keeps them in the address, and says when there are none', async () => {
    const { page, faults, close } = await openPath('/audit');
    const rows = page.locator('.entries > li');
    const box = page.getByRole('searchbox', { name: 'Search' });
    await rows.first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('OPS-1 approved');
    await page.waitForURL((url) => url.searchParams.get('q') === 'OPS-1 approved');
    await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(1);
    expect(await rows.innerText()).toContain('ops-1 approved');
    await page.reload();
    await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(1);
    expect(await box.inputValue()).toBe('OPS-1 approved');
    for (const link of await page.getByRole('link', { name: /^Export/ }).all()) {
      expect(await link.getAttribute('href')).toContain('q=OPS-1+approved');
    }
    await box.fill('no-such-word');
    await page.getByRole('heading', { name: 'No entries found' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    // Refused by the server: nothing was looked through, and asking again would change nothing.
    await box.fill(Array.from({ length: 20 }, (_, n) => `w${n}`).join(' '));
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.waitForURL((url) => url.search === '');
    expect(await box.inputValue()).toBe('');
    await rows.nth(1).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  test('searches on where answers are empty, shows it, and never goes on for ever', async () => {
    const { page, faults, close } = await openPath('/audit');
    const rows = page.locator('.entries > li');
    await rows.first().waitFor();
    const [found] = (await world.get('/v1/audit/entries?type=proposed&limit=1')).body['entries'] as IndexedEntry[];
    let asked = 0;
    let answerSecond = (): void => undefined;
    const held = new Promise<void>((resolve) => (answerSecond = resolve));
    await page.route(
      ({ pathname, searchParams }) => pathname === '/v1/audit/entries' && searchParams.has('q'),
      async (route) => {
        asked += 1;
        const from = Number(new URL(route.request().url()).searchParams.get('from') ?? 1_000_000);
        if (asked === 2) await held;
        if (asked === 3) await route.fulfill({ status: 500, json: {} });
        else if (asked <= 41) await route.fulfill({ json: { entries: [], nextFrom: from - 5_000 } });
        // An answer that leads nowhere.
        else await route.fulfill({ json: { entries: [found], nextFrom: from } });
      },
    );
    await page.getByRole('searchbox', { name: 'Search' }).fill('needle');
    await page.getByRole('progressbar', { name: /^Searching before/ }).waitFor();
    expect(await page.getByRole('heading', { name: 'No entries found' }).count()).toBe(0);
    answerSecond();
    await page.getByRole('button', { name: 'Try again' }).click();
    const further = page.getByRole('button', { name: 'Search older entries' });
    await further.waitFor();
    expect(asked).toBe(41);
    expect(await findViolations(page)).toEqual([]);
    await further.click();
    await expect.poll(() => rows.count(), { timeout: 30_000 }).toBe(1);
    await page.getByRole('status').filter({ hasText: '1 found' }).waitFor();
    expect(await page.getByRole('progressbar').count()).toBe(0);
    expect(asked).toBe(42);
    expect(faults).toEqual([]);
    await close();
  });

  test('of hundreds of entries only those near the screen are in the document, down to the first', async () => {
    const COUNT = 400;
    const { page, faults, close } = await openPath('/policy');
    const [{ entry }] = (await world.get('/v1/audit/entries?type=proposed&limit=1')).body['entries'] as [IndexedEntry];
    await page.route('**/v1/audit/entries*', async (route) => {
      const query = new URL(route.request().url()).searchParams;
      const from = Number(query.get('from') ?? COUNT - 1);
      const length = Math.min(Number(query.get('limit')), from + 1);
      const entries = Array.from({ length }, (_, n) => ({ index: from - n, entry }));
      await route.fulfill({ json: { entries, nextFrom: from < length ? null : from - length } });
    });
    await page.getByRole('link', { name: 'Audit' }).click();
    const rows = page.locator('.entries > li');
    const last = page.locator(`.entries > li[aria-posinset="${COUNT}"]`);
    const toTheEnd = async (): Promise<void> => {
      await expect
        .poll(
          async () => {
            await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
            return last.count();
          },
          { timeout: 60_000 },
        )
        .toBe(1);
    };
    await rows.first().waitFor();
    await toTheEnd();
    expect(await last.getAttribute('aria-setsize')).toBe(String(COUNT));
    const drawn = await rows.count();
    expect(drawn).toBeGreaterThan(4);
    expect(drawn).toBeLessThan(COUNT / 4);
    // What was unfolded stays so, and the list is as long as that makes it.
    const details = last.getByRole('region', { name: 'Entry 0' });
    await last.getByText('Show the whole entry').click();
    await details.waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.evaluate('scrollTo(0, 0)');
    await expect.poll(() => last.count(), { timeout: 30_000 }).toBe(0);
    await page.locator('.entries > li[aria-posinset="1"]').waitFor();
    await toTheEnd();
    await details.waitFor();
    const isInside = `(() => {
      const list = document.querySelector('.entries').getBoundingClientRect();
      return Math.abs(document.querySelector('[aria-posinset="${COUNT}"]').getBoundingClientRect().bottom - list.bottom) < 2;
    })()`;
    await expect.poll(() => page.evaluate<boolean>(isInside), { timeout: 30_000 }).toBe(true);
    expect(faults).toEqual([]);
    await close();
  });

  test('verifies the log here: signed, extending what was seen before, holding every entry shown', async () => {
    const { page, faults, close } = await openPath('/audit');
    await page.locator('.entries > li').first().waitFor();
    expect(await verdictOf(page, 'Verify the log')).toBe('ok');
    await world.hold('bank.pay', { ref: 'record-2', amount: 3 });
    await page.reload();
    await page.locator('.entries > li').first().waitFor();
    expect(await verdictOf(page, 'Verify the log')).toBe('ok');
    await page.getByText('The log begins with all').waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  test('names an entry that was changed, and believes no new keys', async () => {
    const { page, close } = await openPath('/audit?type=decided');
    await page.locator('.entries > li').first().waitFor();
    expect(await verdictOf(page, 'Verify the log')).toBe('ok');
    await change(page, '**/v1/audit/entries*', (body) => body.replace('"reviewer":"ops-1"', '"reviewer":"ops-9"'));
    await page.reload();
    await page.getByText('ops-9').first().waitFor();
    expect(await verdictOf(page, 'Verify the log')).toBe('failed');
    await page.unroute('**/v1/audit/entries*');

    await change(page, '**/v1/audit/keys', (body) => body.replaceAll('"x":"', '"x":"A'));
    await page.reload();
    await page.locator('.entries > li').first().waitFor();
    expect(await verdictOf(page, 'Verify the log')).toBe('ok');
    await page.getByRole('button', { name: 'Accept the new keys' }).waitFor();
    await close();
  });

  test('names a log that does not go on from the one that was seen', async () => {
    const { page, close } = await openPath('/audit');
    const seen = (await world.get('/v1/audit/checkpoint')).body['size'] as number;
    await page.locator('.entries > li').first().waitFor();
    expect(await verdictOf(page, 'Verify the log')).toBe('ok');
    await world.hold('bank.pay', { ref: 'record-3', amount: 3 });
    await expect
      .poll(async () => (await world.get('/v1/audit/checkpoint')).body['size'], { timeout: 60_000 })
      .toBeGreaterThan(seen + 1);
    await change(page, '**/v1/audit/consistency*', (body) => body.replace(/"proof":\[.*\]/, '"proof":[]'));
    await page.reload();
    await page.locator('.entries > li').first().waitFor();
    expect(await verdictOf(page, 'Verify the log')).toBe('failed');
    await close();
  });
});

describe('the policy view', () => {
  test('finds a tool, says what a call of it would meet, and shows the rule in the file', async () => {
    const { page, faults, close } = await openPath('/policy');
    await page.getByRole('tab', { name: 'File' }).click();
    const digest = (await world.get('/v1/policy')).body['digest'] as string;
    await page.getByText(digest).waitFor();
    await page.getByRole('tab', { name: 'Tools' }).click();
    const row = page.locator('[data-tool="bank.pay"]');
    await row.filter({ hasText: 'Held for a decision' }).filter({ hasText: '1 of ops' }).waitFor();
    await page.getByRole('searchbox').fill('no such tool');
    await page.getByRole('heading', { name: 'No tool matches' }).waitFor();
    await page.getByRole('searchbox').fill('bank PAY');
    await row.getByRole('link').click();
    const answer = page.getByRole('status', { name: 'What would happen' });
    const attempt = page.getByRole('button', { name: 'Try', exact: true });
    await page.getByLabel('ref').fill('x');
    await page.getByRole('button', { name: 'Add amount' }).click();
    await page.getByLabel('amount').fill('1');
    await attempt.click();
    await answer.filter({ hasText: 'would be held' }).filter({ hasText: '1 of ops' }).waitFor();
    expect(await page.getByRole('button', { name: 'Show in the file' }).count()).toBe(0);
    await page.getByLabel('amount').fill('2000000');
    await attempt.click();
    await answer.filter({ hasText: 'would be blocked' }).filter({ hasText: 'too-much' }).waitFor();
    await page.getByRole('button', { name: 'Show in the file' }).click();
    await page.locator('.fired').filter({ hasText: 'arguments.amount > 1000000' }).waitFor();
    await page.getByRole('tab', { name: 'Try a call' }).click();
    expect(await page.getByLabel('amount').inputValue()).toBe('2000000');
    expect(faults).toEqual([]);
    await close();
  });

  test('takes a request as an agent sent it, and says what is wrong at its place', async () => {
    const { page, faults, close } = await openPath('/policy?view=try');
    const attempt = page.getByRole('button', { name: 'Try', exact: true });
    await page.getByRole('button', { name: 'As JSON' }).click();
    const text = page.getByLabel(/^The call as JSON/);
    await text.fill('{ not json');
    await attempt.click();
    await page.getByRole('alert').filter({ hasText: 'This is not a call' }).waitFor();
    await text.fill(JSON.stringify({ tool: 'bank.pay', arguments: { amount: 1 }, reason: 'in its own words' }));
    await page.getByRole('button', { name: 'In fields' }).click();
    expect(await page.getByRole('combobox', { name: 'Tool' }).inputValue()).toBe('bank.pay');
    await page.getByLabel('amount').fill('much');
    await attempt.click();
    await page.getByText('This is not a number').waitFor();
    await page.getByLabel('amount').fill('1');
    await attempt.click();
    await page
      .getByRole('status', { name: 'What would happen' })
      .filter({ hasText: 'would be blocked' })
      .filter({ hasText: 'ref' })
      .waitFor();
    expect(faults).toEqual([]);
    await close();
  });
});

describe('the proof of a review', () => {
  test('holds, checked in the page', async () => {
    const { page, faults, close } = await openPath(`/reviews/${reviewId}`);
    expect(await verdictOf(page, 'Verify the proof')).toBe('ok');
    expect(faults).toEqual([]);
    await close();
  });

  test('does not hold when one character of it was changed', async () => {
    const { page, close } = await openPath(`/reviews/${reviewId}`);
    await change(page, '**/proof', (body) => body.replace('"amount":3', '"amount":4'));
    expect(await verdictOf(page, 'Verify the proof')).toBe('failed');
    await close();
  });
});

test.each(['light', 'dark'] as const)(
  'axe finds nothing in audit and policy, %s; a phone is wide enough',
  async (colorScheme) => {
    const { page, close } = await openPath('/audit', { colorScheme });
    await page.locator('.entries > li').first().waitFor();
    await verdictOf(page, 'Verify the log');
    await page.getByText('Show the whole entry').first().click();
    expect(await findViolations(page)).toEqual([]);
    await page.setViewportSize(PHONE);
    expect(await findViolations(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await page.goto(`${world.holdpoint.url}/policy`);
    await page.locator('[data-tool="bank.pay"]').waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await page.locator('[data-tool="bank.pay"]').getByRole('link').click();
    await page.getByLabel('ref').fill('x');
    await page.getByRole('button', { name: 'Try', exact: true }).click();
    await page.getByRole('status', { name: 'What would happen' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await page.getByRole('tab', { name: 'File' }).click();
    await page.getByRole('region', { name: 'Text of policy.yaml' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await close();
  },
);

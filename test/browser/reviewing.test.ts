import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, openAs, PHONE, type Person } from '../support/browser.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

let world: World;
let browser: Browser;

beforeAll(async () => {
  world = await startWorld();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

type Options = NonNullable<Parameters<typeof openAs>[3]>;
const signedIn = (path: string, options: Options = {}): Promise<Person> =>
  openAs(browser, world.holdpoint.url, world.deployment.credentials['ops-1'], { path, ...options });

describe('a group', () => {
  test('is its proposer’s own: another’s of the same name is not decided along with it', async () => {
    const group = newRef('group');
    for (const as of ['agent-1', 'agent-1', 'agent-2'] as const) {
      await world.hold('bank.pay', { ref: newRef('part'), amount: 3 }, { group }, { as });
    }
    // An address without a proposer shows none of it before one is named.
    const person = await signedIn(`/group?name=${group}`);
    const { page } = person;
    await page.getByRole('link', { name: 'agent-2' }).waitFor();
    expect(await page.getByTestId('group-item').count()).toBe(0);
    await page.goto(`${world.holdpoint.url}/?group=${group}`);
    await page.getByRole('link', { name: 'Decide together' }).click();
    await page.getByTestId('group-item').first().waitFor();
    expect(await page.getByTestId('group-item').count()).toBe(2);
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

describe('a group that is wrong altogether', () => {
  test('is rejected at once with one comment; what the agent says of each stands beside it', async () => {
    const group = newRef('all');
    const reviews = [];
    const refs = [newRef('x'), newRef('y')];
    for (const ref of refs) {
      reviews.push(await world.hold('bank.pay', { ref, amount: 3 }, { group, reason: `because of ${ref}` }));
    }
    const person = await signedIn(`/group?name=${group}&proposer=agent-1`);
    const { page } = person;
    const items = page.getByTestId('group-item');
    await expect.poll(() => items.count(), { timeout: 30_000 }).toBe(2);
    for (const ref of refs) {
      const item = items.filter({ has: page.getByRole('cell', { name: ref, exact: true }) });
      await item.getByText(`because of ${ref}`).waitFor();
      expect(await items.getByText(`because of ${ref}`).count()).toBe(1);
    }
    await page.getByLabel('Select all').check();
    await page.getByRole('button', { name: 'Reject 2' }).click();
    await page.getByRole('button', { name: 'Not needed.' }).click();
    await page.getByRole('button', { name: 'Yes, reject 2' }).click();
    await page.getByText('2 decided.').waitFor();
    for (const { reviewId } of reviews) {
      expect(await world.settled(reviewId)).toMatchObject({
        status: 'rejected',
        resolution: { comment: 'Not needed.' },
      });
    }
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

describe('the keyboard', () => {
  test('single keys can be turned off, and stay off', async () => {
    const { reviewId } = await world.hold('bank.pay', { ref: newRef('keys'), amount: 5 });
    const person = await signedIn(`/reviews/${reviewId}`);
    const { page } = person;
    const reject = page.getByRole('form', { name: 'Reject' });
    await page.locator('[data-decision=reject]:enabled').waitFor();
    await page.keyboard.press('r');
    await reject.waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('checkbox', { name: 'Single-key shortcuts', checked: true }).uncheck();
    await page.keyboard.press('Escape');
    await page.reload();
    await page.locator('[data-decision=reject]:enabled').waitFor();
    for (const key of ['r', 'i', '?', 'a']) await page.keyboard.press(key);
    // The button still opens it: a key that had acted would have opened another first.
    await page.locator('[data-decision=reject]').click();
    await reject.waitFor();
    expect(await page.getByRole('form').count()).toBe(1);
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(new URL(page.url()).pathname).toBe(`/reviews/${reviewId}`);
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

describe('what has to be on screen', () => {
  test('is the agent’s reason too, to its last line, not what was jumped over', async () => {
    const reason = Array.from({ length: 150 }, (_, line) => `line ${line}`).join('\n');
    const { reviewId } = await world.hold('bank.pay', { ref: newRef('seen'), amount: 5 }, { reason });
    const person = await signedIn(`/reviews/${reviewId}`);
    const { page } = person;
    const approve = page.locator('[data-decision=approve]');
    const next = page.getByRole('button', { name: 'Show next' });
    await next.waitFor();
    const bar = page.getByRole('progressbar', { name: 'Seen so far' });
    const seen = async (): Promise<number> => Number(await bar.getAttribute('aria-valuenow'));
    const isDrawn = (): Promise<boolean[]> =>
      page.evaluate<boolean[]>(
        '[...document.querySelectorAll(".seen-bar > span")].map((part) => part.className !== "")',
      );
    const atFirst = await seen();
    expect(atFirst).toBeLessThan(Number(await bar.getAttribute('aria-valuemax')));
    // At once: what a smooth scroll passes has been on screen.
    await page.evaluate('scrollTo({ top: document.body.scrollHeight, behavior: "instant" })');
    await until(async () => ((await seen()) > atFirst ? true : undefined), { what: 'the end to be on screen' });
    // The beginning is filled and something of the end, and the middle, which was jumped over, is not.
    const drawn = await isDrawn();
    expect(drawn[0]).toBe(true);
    expect(drawn.lastIndexOf(true)).toBeGreaterThan(drawn.indexOf(false));
    expect(drawn).toContain(false);
    expect(await approve.isDisabled()).toBe(true);
    await until(
      async () => {
        if (await approve.isEnabled()) return true;
        await next.click({ timeout: 1_000 }).catch(() => undefined);
        return undefined;
      },
      { what: 'all of it to have been on screen', withinMs: 60_000 },
    );
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

describe('a call with a sealed argument', () => {
  test('can be edited: what is sealed is not in the form, and goes back as it came', async () => {
    const ref = newRef('sealed');
    const { reviewId } = await world.hold('bank.wire', { ref, memo: 'for nobody else' });
    const person = await signedIn(`/reviews/${reviewId}`);
    const { page } = person;
    await page.locator('[data-decision=edit]:enabled').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('stays as it is').waitFor();
    expect(await dialog.getByLabel(/memo/i).count()).toBe(0);
    await dialog.getByLabel(/ref/i).fill(`${ref}-2`);
    await dialog.getByRole('button', { name: 'Show the changes' }).click();
    await dialog.getByRole('button', { name: 'Approve with these changes' }).click();
    const settled = await world.settled(reviewId);
    expect(settled).toMatchObject({ revision: 2, execution: { status: 'executed', edited: true } });
    expect(world.target.seen.find((seen) => seen.ref === `${ref}-2`)?.body).toMatchObject({ memo: 'for nobody else' });
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

describe('on a phone', () => {
  test('what will happen, why, what changed, who and how long stand above the fold, above the buttons', async () => {
    const ref = newRef('fold');
    const { reviewId } = await world.hold('bank.closeAccount', { ref }, { reason: 'closing it' });
    const person = await signedIn(`/reviews/${reviewId}`, { viewport: PHONE });
    const { page } = person;
    const call = page.getByRole('region', { name: 'What exactly will happen' });
    const evidence = page.getByRole('heading', { name: 'Checked by Holdpoint' });
    const words = page.getByRole('heading', { name: /own words/ });
    await page.locator('[data-decision=approve]').waitFor();
    const box = async (
      part: ReturnType<typeof page.locator>,
    ): Promise<{ readonly y: number; readonly end: number }> => {
      const found = await part.first().boundingBox();
      if (found === null) throw new Error('not drawn');
      return { y: found.y, end: found.y + found.height };
    };
    const foot = await box(page.getByRole('region', { name: 'Decision' }));
    expect(foot.end).toBeLessThanOrEqual(PHONE.height);
    expect((await box(call.getByText(ref))).end).toBeLessThanOrEqual(foot.y);
    for (const question of ['Why it is held', 'What changed', 'Owner', 'Time left']) {
      expect((await box(page.getByText(question))).end).toBeLessThanOrEqual(foot.y);
    }
    expect((await box(evidence)).y).toBeLessThan((await box(words)).y);
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

describe('what a new version changed', () => {
  test('is told, and where it could not be read the page says so and asks again', async () => {
    const ref = newRef('changed');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 900 });
    await world.decide(reviewId, { type: 'revise', comment: 'less, please' }, 'ops-2');
    await world.send('POST', `/v1/reviews/${reviewId}/revision`, {
      as: 'agent-1',
      body: { arguments: { ref, amount: 9 } },
    });
    await until(async () => ((await world.review(reviewId)).call.digest !== null ? true : undefined), {
      what: 'version 2',
    });
    const person = await signedIn('/audit');
    const { page } = person;
    await page.route('**/proof', (route) => route.fulfill({ status: 404, body: '{}' }));
    await page.goto(`${world.holdpoint.url}/reviews/${reviewId}`);
    const again = page.getByRole('button', { name: 'Try again' });
    await again.waitFor();
    const decision = page.getByRole('region', { name: 'Decision' });
    await decision.getByText('the previous version could not be loaded').waitFor();
    await page.unroute('**/proof');
    await again.click();
    const changes = page.getByRole('list', { name: 'Changes since the previous version' });
    await changes.waitFor();
    expect(await changes.locator('.diff-removed').innerText()).toContain('900');
    // Why it was made, beside what it changed; the timeline records it too.
    await page
      .getByRole('region', { name: /^What changed/ })
      .getByText('less, please')
      .waitFor();
    expect(await decision.getByText('the previous version could not be loaded').count()).toBe(0);
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, openAs, type Person } from '../support/browser.ts';
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

describe('the keyboard', () => {
  test('single keys can be turned off, and stay off', async () => {
    const { reviewId } = await world.hold('bank.pay', { ref: newRef('keys'), amount: 5 });
    const person = await signedIn(`/reviews/${reviewId}`);
    const { page } = person;
    const reject = page.getByRole('form', { name: 'Reject' });
    await page.locator('[data-decision=reject]:enabled').waitFor();
    await page.keyboard.press('r');
    await reject.waitFor();
    await page.getByRole('button', { name: 'Not yet' }).click();
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Single-key shortcuts', checked: true }).click();
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
    const left = async (): Promise<number> =>
      Number(/(\d+) to go/.exec(await page.getByText(/\d+ to go/).innerText())?.[1]);
    const atFirst = await left();
    await page.keyboard.press('End');
    await until(async () => ((await left()) < atFirst ? true : undefined), { what: 'the end to be on screen' });
    expect(await approve.isDisabled()).toBe(true);
    await until(
      async () => {
        if (await approve.isEnabled()) return true;
        await next.click({ timeout: 1_000 }).catch(() => undefined);
        return undefined;
      },
      { what: 'all of it to have been on screen', withinMs: 60_000 },
    );
    // The last line was in front of the buttons, not behind them.
    const [line, foot] = await Promise.all([
      page.getByText('line 149').boundingBox(),
      page.getByRole('region', { name: 'Decision' }).boundingBox(),
    ]);
    expect((line?.y ?? 0) + (line?.height ?? 0)).toBeLessThanOrEqual(foot?.y ?? 0);
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

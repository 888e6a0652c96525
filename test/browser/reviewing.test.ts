import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, openAs, type Person } from '../support/browser.ts';
import { newRef, startWorld, type World } from '../support/e2e-world.ts';

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

type Options = NonNullable<Parameters<typeof openAs>[2]>;
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

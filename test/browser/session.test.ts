import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openWindow, SIZES, type Person } from '../support/browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world?.close());
// The page goes by the server's `Date`, which is real; sessions by the clock of the test.
beforeEach(() => world.api.clock.set(Date.now()));

const MINUTE = 60_000;
const linkOf = (reviewer: string): string => `#token=${world.api.signIn.issue(reviewer)}`;
const account = ({ page }: Person, reviewer: string) => page.getByRole('button', { name: `Account of ${reviewer}` });
/** As if it were pasted into the address bar of the open tab: nothing is loaded again. */
const paste = ({ page }: Person, hash: string): Promise<void> =>
  page.evaluate(`location.hash = ${JSON.stringify(hash)}`);

async function expectNoToken({ page }: Person): Promise<void> {
  await expect.poll(() => page.url()).not.toContain('hpl_');
  await page.goBack().catch(() => undefined);
  expect(page.url()).not.toContain('hpl_');
  await page.goForward().catch(() => undefined);
  expect(page.url()).not.toContain('hpl_');
}

test('a link that is pasted into an open tab signs in, in the place of another session too', async () => {
  const person = await openWindow(world.browser);
  const { page } = person;
  await page.goto(world.api.url);
  await page.getByLabel('Reviewer token').waitFor();
  await paste(person, linkOf('ops-1'));
  await account(person, 'ops-1').waitFor();
  await expectNoToken(person);
  const second = linkOf('finance-1');
  await paste(person, second);
  await account(person, 'finance-1').waitFor();
  await expectNoToken(person);
  // Used before: whoever is signed in stays so.
  await paste(person, second);
  await page.getByText('You are still signed in as finance-1.').waitFor();
  expect(await account(person, 'finance-1').count()).toBe(1);
  expect(page.url()).not.toContain('hpl_');
  expect(person.faults).toEqual([]);
  await person.close();
});

test.each(SIZES)('what is typed outlives its session, %s', async (size) => {
  const { reviewId } = await world.api.propose({ context: {} });
  const person = await world.open(`/reviews/${reviewId}`, { size });
  const { page } = person;
  await page.locator('[data-decision=reject]').click();
  await page.getByLabel(/Why not/).fill('The invoice is not');
  world.api.clock.advance(61 * MINUTE);
  // It may have been noticed before.
  await page
    .getByRole('button', { name: 'Reject' })
    .click({ timeout: 5_000 })
    .catch(() => undefined);
  await page.getByText('Your session has ended. Sign in again as ops-1').waitFor();
  expect((await world.api.get(`/v1/reviews/${reviewId}`, 'ops-1')).body.status).toBe('pending');
  await page.getByLabel('Reviewer token').fill(world.api.credential('ops-1'));
  await page.getByRole('button', { name: 'Sign in' }).last().click();
  await expect.poll(() => page.getByLabel(/Why not/).inputValue()).toBe('The invoice is not');
  await page.reload();
  await expect.poll(() => page.getByLabel(/Why not/).inputValue()).toBe('The invoice is not');
  // Of another reviewer it is nothing.
  await paste(person, linkOf('ops-2'));
  await account(person, 'ops-2').waitFor();
  await page.locator('[data-decision=reject]').click();
  expect(await page.getByLabel(/Why not/).inputValue()).toBe('');
  await paste(person, linkOf('ops-1'));
  await account(person, 'ops-1').waitFor();
  await page.locator('[data-decision=reject]').click();
  expect(await page.getByLabel(/Why not/).inputValue()).toBe('');
  expect(person.faults).toEqual([]);
  await person.close();
});

test('a session says when it ends, and can be gone on with', async () => {
  const person = await world.open('/');
  const { page } = person;
  await account(person, 'ops-1').click();
  await page.getByText(/^Session ends at .*\d\d:\d\d, or at .*\d\d:\d\d if unused$/).waitFor();
  await page.keyboard.press('Escape');
  expect(await page.getByTestId('session-note').count()).toBe(0);
  // Begun long ago: it is unused in three minutes.
  await page.route('**/v1/session', async (route) => {
    const answer = await route.fetch();
    const json = (await answer.json()) as { session: { idleEndsAt: string } };
    json.session.idleEndsAt = new Date(Date.now() + 3 * MINUTE).toISOString();
    await route.fulfill({ response: answer, json });
  });
  await page.reload();
  const note = page.getByTestId('session-note');
  await note.waitFor();
  await page.unroute('**/v1/session');
  await note.getByRole('button', { name: 'Stay signed in' }).click();
  await note.waitFor({ state: 'detached' });
  expect(person.faults).toEqual([]);
  await person.close();
});

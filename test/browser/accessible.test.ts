import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOT_STARTED } from '../../src/contract/review.ts';
import { findViolations } from '../support/axe.ts';
import { DESKTOP, isTooWide, openWindow, PHONE } from '../support/browser.ts';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { begin } from '../support/reviewing.ts';

/** What opens, unfolds or goes wrong; the pages at rest are looked at where they are tested. */
let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world?.close());

/** Nothing found, light and dark, wide and narrow, and nobody has to scroll sideways. */
async function expectAccessible(page: Page, what: string): Promise<void> {
  for (const [viewport, colorScheme] of [
    [DESKTOP, 'light'],
    [DESKTOP, 'dark'],
    [PHONE, 'light'],
  ] as const) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    expect(await findViolations(page), `${what}, ${viewport.width} px, ${colorScheme}`).toEqual([]);
    expect(await isTooWide(page), `${what} is wider than ${viewport.width} px`).toBe(false);
  }
  await page.setViewportSize(DESKTOP);
}

async function openReview(reviewId: string) {
  const person = await world.open(`/reviews/${reviewId}`);
  await person.page.getByRole('region', { name: 'Decision' }).waitFor();
  return person;
}

test('edit: the form, what is wrong in it, and its changes', async () => {
  const { reviewId } = await world.api.propose();
  const { page, faults, close } = await openReview(reviewId);
  await begin(page, 'edit');
  const amount = page.getByRole('dialog').getByLabel(/amount/i);
  await amount.waitFor();
  await expectAccessible(page, 'the form');
  await amount.fill('0');
  await page.getByRole('button', { name: 'Show the changes' }).click();
  await page.locator('.text-danger').first().waitFor();
  await expectAccessible(page, 'a form with an error');
  await amount.fill('7');
  await page.getByRole('button', { name: 'Show the changes' }).click();
  await page.getByRole('list', { name: 'Changes' }).waitFor();
  await expectAccessible(page, 'the changes');
  expect(faults).toEqual([]);
  await close();
});

test('edit as JSON, where a tool has no schema', async () => {
  const { reviewId } = await world.api.propose({ tool: 'payouts.close', arguments: { id: 'a-1' } });
  const { page, faults, close } = await openReview(reviewId);
  await begin(page, 'edit');
  const field = page.getByLabel('Arguments as JSON');
  await field.fill('[1]');
  await page.getByRole('button', { name: 'Show the changes' }).click();
  await page.getByText('This is not a JSON object.').waitFor();
  await expectAccessible(page, 'the JSON editor');
  expect(faults).toEqual([]);
  await close();
});

test('the panels of each decision', async () => {
  const { reviewId } = await world.api.propose();
  const { page, faults, close } = await openReview(reviewId);
  for (const [decision, name] of [
    ['approve', 'Approve'],
    ['revise', 'Request changes'],
    ['reject', 'Reject'],
  ] as const) {
    await begin(page, decision);
    await page.getByRole('form', { name }).waitFor();
    await expectAccessible(page, name);
    await page.getByRole('button', { name: 'Cancel' }).click();
  }
  expect(faults).toEqual([]);
  await close();
});

test('an answer to a question of a workflow', async () => {
  const reviewId = await world.put({
    kind: 'in-flow',
    title: 'Which of these two?',
    allowedDecisions: ['approve', 'edit', 'respond', 'reject'],
    target: null,
    evidence: [],
  });
  const { page, faults, close } = await openReview(reviewId);
  await begin(page, 'respond');
  await page.getByRole('form', { name: 'Answer' }).waitFor();
  await page.getByRole('button', { name: 'Send the answer' }).click();
  await page.getByText('Write an answer.').waitFor();
  await expectAccessible(page, 'the answer');
  expect(faults).toEqual([]);
  await close();
});

test('the keys, and the account panel', async () => {
  const { page, faults, close } = await world.open('/');
  await page.getByRole('button', { name: 'Account of ops-1' }).click();
  const panel = page.getByRole('dialog', { name: 'Account' });
  await panel.waitFor();
  await expectAccessible(page, 'the account panel');
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await expectAccessible(page, 'the keys');
  expect(faults).toEqual([]);
  await close();
});

test('an outcome that nobody knows', async () => {
  const now = new Date().toISOString();
  const reviewId = await world.put({
    status: 'approved',
    resolvedAt: now,
    // Its owner may not settle it, and is shown no form.
    proposer: { id: 'cleanup-agent', owner: 'ops-3', attested: true },
    execution: { ...NOT_STARTED, status: 'outcome_unknown', startedAt: now },
  });
  const { page, faults, close } = await world.open(`/reviews/${reviewId}`);
  await page.getByRole('heading', { name: /Did it happen/ }).waitFor();
  await expectAccessible(page, 'the question what happened');
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await expectAccessible(page, 'the question what happened, unanswered');
  expect(faults).toEqual([]);
  await close();
});

test('a review that has ended, after a second version', async () => {
  const first = await world.api.propose({ reason: 'an invoice', context: { env: 'production' } });
  await world.api.decide(first.reviewId, first.call.digest, { type: 'revise', comment: 'less' });
  const revision = { arguments: { account: 'a-1', amount: 7 } };
  await world.api.post(`/v1/reviews/${first.reviewId}/revision`, revision, 'agent-1');
  await world.api.gate.settled(first.reviewId);
  const second = (await world.api.get(`/v1/reviews/${first.reviewId}`, 'ops-1')).body;
  expect(second.revision).toBe(2);
  await world.api.decide(first.reviewId, second.call.digest);
  const { page, faults, close } = await world.open(`/reviews/${first.reviewId}`);
  await page.getByText('executed', { exact: true }).first().waitFor();
  await expectAccessible(page, 'an ended review');
  expect(faults).toEqual([]);
  await close();
});

test('a group', async () => {
  const group = 'clean-up';
  for (const amount of [1, 2]) await world.api.propose({ arguments: { account: 'a-1', amount }, group });
  const { page, faults, close } = await world.open(`/?group=${group}`);
  await page.getByTestId('group').waitFor();
  await expectAccessible(page, 'an inbox with filters and a folded group');
  await page.getByRole('link', { name: 'Decide together' }).click();
  await page.getByTestId('group-item').first().getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Reject 1' }).click();
  await page.getByRole('button', { name: 'Yes, reject 1' }).click();
  await page.getByText('Add a comment.').waitFor();
  await expectAccessible(page, 'the page of a group');
  expect(faults).toEqual([]);
  await close();
});

test('nothing there, and nothing that can be read', async () => {
  const { page, faults, close } = await world.open('/?q=no-such-words');
  await page.getByRole('heading', { name: 'No review matches “no-such-words”' }).waitFor();
  await expectAccessible(page, 'an empty inbox');
  await page.goto(`${world.api.url}/reviews/rev_01J00000000000000000000000`);
  await page.getByRole('heading', { name: 'Review not found' }).waitFor();
  await expectAccessible(page, 'no such review');
  await page.route('**/v1/reviews/rev_*', (route) => route.fulfill({ status: 500, body: '' }));
  await page.reload();
  await page.getByRole('heading', { name: 'The review could not be loaded' }).waitFor();
  await expectAccessible(page, 'a review that cannot be read');
  await page.goto(`${world.api.url}/group?name=nobodys`);
  await page.getByRole('heading', { name: 'Group not found' }).waitFor();
  await expectAccessible(page, 'no such group');
  await page.route('**/v1/reviews?*', (route) => route.fulfill({ status: 500, body: '' }));
  await page.route('**/v1/events', (route) => route.abort());
  await page.goto(world.api.url);
  await page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor();
  await page.locator('[data-connection=lost]').waitFor();
  await expectAccessible(page, 'an inbox that cannot be read, and the lost connection');
  await page.unroute('**/v1/reviews?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await page.route('**/v1/session', (route) => route.abort());
  await page.reload();
  await page.getByRole('heading', { name: 'Holdpoint could not be loaded' }).waitFor();
  await expectAccessible(page, 'no answer at all');
  expect(faults).toEqual([]);
  await close();
});

test('a link and a token that sign nobody in', async () => {
  const { page, faults, close } = await openWindow(world.browser);
  await page.goto(`${world.api.url}/#token=hpl_used-before`);
  await page.getByRole('alert').waitFor();
  await expectAccessible(page, 'a link that failed');
  await page.getByLabel('Reviewer token').fill('hpr_nobodys');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This token is not valid.').waitFor();
  await expectAccessible(page, 'a token that failed');
  expect(faults).toEqual([]);
  await close();
});

import { Client, Connection } from '@temporalio/client';
import type { Browser } from 'playwright-core';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findViolations } from '../support/axe.ts';
import { isTooWide, launchBrowser, openAs, SIZES, VIEWPORTS, type Person, type Size } from '../support/browser.ts';
import type { ReviewerId } from '../support/e2e-deployment.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { begin, sayYes } from '../support/reviewing.ts';

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

/** A person with the review open, at a width. */
async function at(reviewId: string, size: Size, as: ReviewerId = 'ops-1'): Promise<Person> {
  const person = await openAs(browser, world.holdpoint.url, world.deployment.credentials[as], {
    path: `/reviews/${reviewId}`,
    viewport: VIEWPORTS[size],
  });
  await person.page.getByRole('region', { name: 'Decision' }).waitFor();
  return person;
}

describe.each(SIZES)('one decision, %s', (size) => {
  test('approve', async () => {
    const ref = newRef('approve');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 5 }, { reason: 'an invoice' });
    const person = await at(reviewId, size);
    await begin(person.page, 'approve');
    await person.page.getByRole('button', { name: 'Yes, approve' }).click();
    await person.page.getByText('Approved. It runs now.').waitFor();
    expect((await world.settled(reviewId)).execution.status).toBe('executed');
    expect(world.target.count(ref)).toBe(1);
    await person.page.getByText('executed', { exact: true }).first().waitFor();
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('edit in the form of the schema, with the changes shown before they are sent', async () => {
    const ref = newRef('edit');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 500 });
    const person = await at(reviewId, size);
    const { page } = person;
    await begin(person.page, 'edit');
    const amount = page.getByLabel(/amount/i);
    await amount.fill('0');
    await page.getByRole('button', { name: 'Show the changes' }).click();
    // The schema has a minimum: the form says so and goes no further.
    await page.locator('.text-danger').first().waitFor();
    await amount.fill('50');
    await page.getByRole('button', { name: 'Show the changes' }).click();
    const changes = page.getByRole('list', { name: 'Changes' });
    await changes.waitFor();
    expect(await changes.locator('.diff-removed').innerText()).toContain('500');
    expect(await changes.locator('.diff-added').innerText()).toContain('50');
    await page.getByRole('button', { name: 'Approve with these changes' }).click();
    const settled = await world.settled(reviewId);
    expect(settled).toMatchObject({ revision: 2, execution: { status: 'executed', edited: true } });
    expect(world.target.seen.find((seen) => seen.ref === ref)?.body).toMatchObject({ amount: 50 });
    // What changed since the version before is told, from the record.
    await page.getByRole('list', { name: 'Changes since the previous version' }).waitFor();
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('reject, with a comment', async () => {
    const ref = newRef('reject');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 5 });
    const person = await at(reviewId, size);
    await begin(person.page, 'reject');
    await person.page.getByRole('button', { name: 'Reject', exact: true }).click();
    await person.page.getByText('Add a comment.').waitFor();
    await person.page.getByRole('button', { name: 'Wrong target.' }).click();
    await person.page.getByRole('button', { name: 'Reject', exact: true }).click();
    await person.page.getByText('Rejected. It will not run.').waitFor();
    expect(await world.settled(reviewId)).toMatchObject({
      status: 'rejected',
      resolution: { by: 'ops-1', comment: 'Wrong target.' },
    });
    expect(world.target.count(ref)).toBe(0);
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('ask for changes, see the new version come by itself, approve that one', async () => {
    const ref = newRef('revise');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 900 });
    const person = await at(reviewId, size);
    const { page } = person;
    await begin(person.page, 'revise');
    await page.getByLabel(/What should be different/).fill('less, please');
    await page.getByRole('button', { name: 'Send back' }).click();
    await page.getByText('This waits for the agent').first().waitFor();
    // Meanwhile it can still be rejected, and nothing else.
    await page.locator('[data-decision=reject]').waitFor();
    expect(await page.locator('[data-decision]').count()).toBe(1);
    await world.send('POST', `/v1/reviews/${reviewId}/revision`, {
      as: 'agent-1',
      body: { arguments: { ref, amount: 9 } },
    });
    await page.getByText('The call has changed.').waitFor();
    const changes = page.getByRole('list', { name: 'Changes since the previous version' });
    await changes.waitFor();
    expect(await changes.locator('.diff-removed').innerText()).toContain('900');
    await begin(person.page, 'approve');
    await page.getByRole('button', { name: 'Yes, approve' }).click();
    expect((await world.settled(reviewId)).execution.status).toBe('executed');
    expect(world.target.seen.find((seen) => seen.ref === ref)?.body).toMatchObject({ amount: 9 });
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

describe.each(SIZES)('several, %s', (size) => {
  test('a group is folded in the inbox, decided item by item, and irreversible calls are not approved in a batch', async () => {
    const group = newRef('group');
    const refs = [newRef('a'), newRef('b'), newRef('c')];
    const reviews = [];
    for (const ref of refs) reviews.push(await world.hold('bank.pay', { ref, amount: 3 }, { group }));
    const person = await openAs(browser, world.holdpoint.url, world.deployment.credentials['ops-1'], {
      path: `/?group=${group}`,
      viewport: VIEWPORTS[size],
    });
    const { page } = person;
    const line = page.getByTestId('group');
    await line.waitFor();
    expect(await page.getByTestId('row').count()).toBe(0);
    await line.getByRole('button').first().click();
    await expect.poll(() => page.getByTestId('row').count(), { timeout: 30_000 }).toBe(3);
    await page.getByRole('link', { name: 'Decide together' }).click();
    const items = page.getByTestId('group-item');
    await expect.poll(() => items.count(), { timeout: 30_000 }).toBe(3);
    // What differs stands in a column, what does not is said once.
    const columns = await page.locator('.group-table th').allTextContents();
    expect(columns).toContain('ref');
    expect(columns).not.toContain('amount');
    expect(await page.getByRole('region', { name: 'In all of them' }).innerText()).toMatch(/amount\s*3/);
    expect(await isTooWide(page)).toBe(false);
    expect(await findViolations(page)).toEqual([]);
    for (const index of [0, 1]) await items.nth(index).getByRole('checkbox').check();
    expect(await page.getByRole('button', { name: 'Approve 2' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Reject 2' }).click();
    await page.getByRole('button', { name: 'Yes, reject 2' }).click();
    await page.getByText('Add a comment.').waitFor();
    await page.getByRole('button', { name: 'Not needed.' }).click();
    await page.getByRole('button', { name: 'Yes, reject 2' }).click();
    await page.getByText('2 decided.').waitFor();
    const statuses = await Promise.all(reviews.map(async ({ reviewId }) => (await world.review(reviewId)).status));
    expect(statuses.toSorted()).toEqual(['pending', 'rejected', 'rejected']);
    const alone = page.getByRole('link', { name: 'Approve on its own page' });
    await expect.poll(() => alone.count(), { timeout: 30_000 }).toBe(1);
    await alone.click();
    await sayYes(page);
    await page.getByText('Approved. It runs now.').waitFor();
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('two levels, two people: each sees the other’s vote come', async () => {
    const ref = newRef('chain');
    const { reviewId } = await world.hold('bank.chain', { ref, amount: 7 });
    const [operations, finance] = [await at(reviewId, size), await at(reviewId, size, 'finance-1')];
    await finance.page.getByText('This waits for ops.').waitFor();
    expect(await finance.page.locator('[data-decision=approve]').count()).toBe(0);
    await begin(operations.page, 'approve');
    await operations.page.getByRole('button', { name: 'Yes, approve' }).click();
    await operations.page.getByText('Your vote on this version counts.').waitFor();
    await begin(finance.page, 'approve');
    await finance.page.getByRole('button', { name: 'Yes, approve' }).click();
    await finance.page.getByText('Approved. It runs now.').waitFor();
    await operations.page.getByText('executed', { exact: true }).first().waitFor();
    expect(world.target.count(ref)).toBe(1);
    expect([...operations.faults, ...finance.faults]).toEqual([]);
    await operations.close();
    await finance.close();
  });
});

describe.each(SIZES)('a question of a workflow, %s', (size) => {
  test('is answered in words, or with another proposal, written as JSON', async () => {
    const connection = await Connection.connect({ address: world.holdpoint.temporalAddress });
    const ask = async (title: string) => {
      const handle = await new Client({ connection }).workflow.start('approvalGate', {
        taskQueue: 'holdpoint-gate',
        workflowId: `rev_${ulid()}`,
        args: [{ title, proposal: { draft: 'first' }, approvers: ['ops'], allow: ['approve', 'edit', 'respond'] }],
      });
      await until(
        async () => {
          const { status, body } = await world.get(`/v1/reviews/${handle.workflowId}`);
          return status === 200 && body['status'] === 'pending' ? true : undefined;
        },
        { what: 'the question', withinMs: 60_000 },
      );
      return handle;
    };
    const [inWords, asJson] = [await ask('Which one?'), await ask('This one?')];
    const person = await at(inWords.workflowId, size);
    const { page } = person;
    await page.getByRole('heading', { level: 1, name: 'Which one?' }).waitFor();
    await begin(page, 'respond');
    await page.getByRole('button', { name: 'Send the answer' }).click();
    await page.getByText('Write an answer.').waitFor();
    await page.getByLabel('Your answer').fill('the second');
    await page.getByRole('button', { name: 'Send the answer' }).click();
    expect(await inWords.result()).toMatchObject({ type: 'respond', response: 'the second', by: 'ops-1' });

    await page.goto(`${world.holdpoint.url}/reviews/${asJson.workflowId}`);
    await begin(page, 'edit');
    await page.getByLabel('Arguments as JSON').fill('{ "draft": ');
    await page.getByRole('button', { name: 'Show the changes' }).click();
    await page.getByText('This is not a JSON object.').waitFor();
    await page.getByLabel('Arguments as JSON').fill('{ "draft": "second" }');
    await page.getByRole('button', { name: 'Show the changes' }).click();
    await page.getByRole('list', { name: 'Changes' }).locator('.diff-added').waitFor();
    await page.getByRole('button', { name: 'Approve with these changes' }).click();
    expect(await asJson.result()).toMatchObject({ type: 'edit', proposal: { draft: 'second' }, by: 'ops-1' });
    expect(person.faults).toEqual([]);
    await person.close();
    await connection.close();
  });
});

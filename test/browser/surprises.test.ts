import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, openAs, SIZES, VIEWPORTS, type Person, type Size } from '../support/browser.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { begin, readUntil } from '../support/reviewing.ts';

let world: World;
let browser: Browser;

beforeAll(async () => {
  world = await startWorld({
    policy: {
      approvals: [
        // Time enough to be opened on a busy machine, and over while somebody looks.
        {
          match: 'tool == "bank.brief" && has(arguments.short)',
          levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
          ttl: '20s',
        },
        { match: 'true', levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }], ttl: '1h' },
      ],
    },
  });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const signedIn = (path = '/', size: Size = 'desktop'): Promise<Person> =>
  openAs(browser, world.holdpoint.url, world.deployment.credentials['ops-1'], { path, viewport: VIEWPORTS[size] });

/** Without the stream of changes, a page is as old as its last reading. */
async function cutOff({ page }: Person): Promise<void> {
  await page.route('**/v1/events', (route) => route.abort());
  await page.reload();
  await page.locator('[data-decision=approve]').waitFor();
}

async function approve({ page }: Person): Promise<void> {
  await begin(page, 'approve');
  await page.getByRole('button', { name: 'Yes, approve' }).click();
}

describe.each(SIZES)('what changes while somebody looks, %s', (size) => {
  test('a version that the page does not show is not approved', async () => {
    const ref = newRef('stale');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 5 });
    const person = await signedIn(`/reviews/${reviewId}`, size);
    await cutOff(person);
    await world.decide(reviewId, { type: 'revise', comment: 'less' }, 'ops-2');
    await world.send('POST', `/v1/reviews/${reviewId}/revision`, {
      as: 'agent-1',
      body: { arguments: { ref, amount: 4 } },
    });
    await until(async () => ((await world.review(reviewId)).revision === 2 ? true : undefined), { what: 'version 2' });
    await approve(person);
    await person.page.getByText('The review changed while you were reading it.').waitFor();
    // What is shown now is the new version; it still waits.
    await person.page.getByText(/^version 2, by/).waitFor();
    expect((await world.review(reviewId)).status).toBe('pending');
    expect(world.target.count(ref)).toBe(0);
    expect(person.faults).toEqual([]);
    await person.close();
  });

  test('a vote that comes too late gets a plain answer', async () => {
    const ref = newRef('late');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 5 });
    const person = await signedIn(`/reviews/${reviewId}`, size);
    await cutOff(person);
    await world.decide(reviewId, { type: 'reject', comment: 'no' }, 'ops-2');
    await approve(person);
    await person.page.getByText('This review has already ended.').waitFor();
    await person.page.getByText('rejected', { exact: true }).first().waitFor();
    expect(world.target.count(ref)).toBe(0);
    await person.close();
  });

  test('offline nothing can be decided; back again the page is current', async () => {
    const { reviewId } = await world.hold('bank.pay', { ref: newRef('offline'), amount: 5 });
    const person = await signedIn(`/reviews/${reviewId}`, size);
    const { page } = person;
    await readUntil(page, 'approve');
    await person.context.setOffline(true);
    await page.locator('[data-connection=offline]').waitFor();
    expect(await page.locator('[data-decision]:enabled').count()).toBe(0);
    await world.decide(reviewId, { type: 'reject', comment: 'no' }, 'ops-2');
    await person.context.setOffline(false);
    await page.getByText('rejected', { exact: true }).first().waitFor();
    await page.locator('[data-connection=live]').waitFor({ state: 'attached' });
    await person.close();
  });

  test('a double click is one decision', async () => {
    const ref = newRef('double');
    const { reviewId } = await world.hold('bank.pay', { ref, amount: 5 });
    const person = await signedIn(`/reviews/${reviewId}`, size);
    let sent = 0;
    person.page.on('request', (request) => {
      if (request.url().endsWith('/decision')) sent += 1;
    });
    await begin(person.page, 'approve');
    await person.page.getByRole('button', { name: 'Yes, approve' }).dblclick();
    await person.page.getByText('Approved. It runs now.').waitFor();
    await world.settled(reviewId);
    expect(sent).toBe(1);
    expect(world.target.count(ref)).toBe(1);
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

test('a deadline that passes takes the buttons away, on a desktop and on a phone', async () => {
  const people = await Promise.all(SIZES.map((size) => signedIn('/', size)));
  // Both look at the same review: one wait for both.
  const { reviewId } = await world.hold('bank.brief', { ref: newRef('expiring'), short: true });
  await Promise.all(
    people.map(async ({ page }) => {
      const row = page.locator(`a[href="/reviews/${reviewId}"]`);
      const news = page.getByRole('button', { name: /^Show \d+ new/ });
      // Above what is shown already it appears only when asked for.
      await row.or(news).first().waitFor();
      if ((await row.count()) === 0) await news.click();
      await row.click();
    }),
  );
  await Promise.all(people.map(({ page }) => page.locator('[data-decision=approve]').waitFor()));
  for (const { page } of people) {
    await page.getByText('expired', { exact: true }).first().waitFor();
    expect(await page.locator('[data-decision]').count()).toBe(0);
  }
  expect((await world.review(reviewId)).status).toBe('expired');
  for (const person of people) {
    expect(person.faults).toEqual([]);
    await person.close();
  }
});

test('an unknown outcome asks for what a person found out, on a desktop and on a phone', async () => {
  // Side by side: most of it is one long wait.
  await Promise.all(SIZES.map(findOut));
});

async function findOut(size: Size): Promise<void> {
  const ref = newRef(`unknown-${size}`);
  world.target.script(ref, { kind: 'reset' });
  const { reviewId } = await world.hold('bank.pay', { ref, amount: 5 });
  await world.decide(reviewId, { type: 'approve' }, 'ops-1');
  expect((await world.settled(reviewId)).execution.status).toBe('outcome_unknown');
  const person = await signedIn(`/reviews/${reviewId}`, size);
  const { page } = person;
  await page.getByRole('heading', { name: /Did it happen/ }).waitFor();
  await page.locator('label').filter({ hasText: 'It happened' }).click();
  await page.getByLabel(/How do you know/).fill('seen in the bank’s own list');
  // The request's own time-out has to pass before anybody can tell.
  await until(
    async () => {
      await page
        .getByRole('button', { name: 'Record', exact: true })
        .click({ timeout: 1_000 })
        .catch(() => undefined);
      return (await world.review(reviewId)).execution.status === 'executed' ? true : undefined;
    },
    { what: 'the reconciliation', withinMs: 60_000 },
  );
  expect(person.faults).toEqual([]);
  await person.close();
}

test('an address asks for no decision: a link from elsewhere opens the review and nothing more', async () => {
  const { reviewId } = await world.hold('bank.pay', { ref: newRef('asked'), amount: 5 });
  const { page, faults, close } = await signedIn(`/reviews/${reviewId}?do=approve&asked=approve`);
  await page.locator('[data-decision=approve]:enabled').waitFor();
  await page.keyboard.press('Enter');
  expect(await page.getByRole('button', { name: 'Yes, approve' }).count()).toBe(0);
  expect((await world.review(reviewId)).status).toBe('pending');
  expect(faults).toEqual([]);
  await close();
});

describe('the inbox', () => {
  test('filters and search stand in the address; rows come and go by themselves', async () => {
    const group = newRef('inbox');
    await world.hold('bank.pay', { ref: newRef('first'), amount: 5 }, { threadId: group, reason: 'needle' });
    const person = await signedIn(`/?threadId=${group}&q=needle`);
    const { page } = person;
    await page.getByTestId('row').first().waitFor();
    expect(await page.getByLabel('Thread').inputValue()).toBe(group);
    const second = await world.hold(
      'bank.pay',
      { ref: newRef('second'), amount: 5 },
      { threadId: group, reason: 'needle' },
    );
    await expect.poll(() => page.getByTestId('row').count(), { timeout: 30_000 }).toBe(2);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await expect
      .poll(() => page.evaluate('document.activeElement?.getAttribute("href")'))
      .toBe(`/reviews/${second.reviewId}`);
    await world.decide(second.reviewId, { type: 'reject', comment: 'no' }, 'ops-2');
    // It keeps its place until the list is asked for.
    await page.locator('[data-gone]').getByText('rejected').waitFor();
    await page.getByRole('button', { name: 'Update the list' }).click();
    await expect.poll(() => page.getByTestId('row').count(), { timeout: 30_000 }).toBe(1);
    await page.getByLabel('Search').fill('no such words');
    await page.getByText('No review matches “no such words”').waitFor();
    expect(new URL(page.url()).searchParams.get('q')).toBe('no such words');
    await page.keyboard.press('Escape');
    expect(person.faults).toEqual([]);
    await person.close();
  });
});

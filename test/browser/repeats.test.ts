import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPageWorld, type PageWorld } from '../support/page-world.ts';
import { begin } from '../support/reviewing.ts';

let world: PageWorld;
beforeAll(async () => {
  world = await startPageWorld();
});
afterAll(() => world?.close());

/** Ids of one millisecond have no order. */
async function propose(account: string, amount: number): Promise<{ reviewId: string; call: { digest: string } }> {
  world.api.clock.advance(1);
  return world.api.propose({ arguments: { account, amount }, context: {} });
}

test('I1: a page names an equal call that ran, and approves once a person says that twice is meant', async () => {
  const { api } = world;
  const first = await propose('twice', 500);
  await api.decide(first.reviewId, first.call.digest);
  await api.gate.settled(first.reviewId);
  const second = await propose('twice', 500);
  const { page, faults, close } = await world.open(`/reviews/${second.reviewId}`);
  const related = page.getByRole('region', { name: 'The same call again' });
  await related.getByText('The same call ran').waitFor();
  expect(await related.getByRole('link', { name: first.reviewId }).getAttribute('href')).toBe(
    `/reviews/${first.reviewId}`,
  );
  await begin(page, 'approve');
  const yes = page.getByRole('button', { name: 'Yes, approve' });
  await yes.click();
  const stateOf = async () => (await api.get(`/v1/reviews/${second.reviewId}`, 'ops-1')).body.status;
  expect(await stateOf()).toBe('pending');
  await page.getByLabel('Yes, make this call again').check();
  await yes.click();
  await page.getByText('Approved. It runs now.').waitFor();
  expect(await stateOf()).toBe('approved');
  expect(faults).toEqual([]);
  await close();
});

test('I5: a page says as what the call ran before, who edited it, and leads there', async () => {
  const { api } = world;
  const first = await propose('edited', 500);
  const edit = { type: 'edit', arguments: { account: 'edited', amount: 300 } };
  await api.decide(first.reviewId, first.call.digest, edit);
  await api.gate.settled(first.reviewId);
  const again = await propose('edited', 500);
  const { page, close } = await world.open(`/reviews/${again.reviewId}`);
  const related = page.getByRole('region', { name: 'What this agent tried before with this tool' });
  await related.getByText('Ran, edited,').first().waitFor();
  const text = await related.innerText();
  expect(text).toContain('"amount":300');
  expect(text).toContain('proposed as this call is, edited by ops-1');
  await related.getByRole('link', { name: first.reviewId }).click();
  await page.waitForURL((url) => url.pathname === `/reviews/${first.reviewId}`);
  await close();
});

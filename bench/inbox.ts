import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { loadDashboard } from '../src/api/index.ts';
import type { Store } from '../src/contract/store.ts';
import { createStore } from '../src/storage/store.ts';
import { makeHarness } from '../test/api/support/harness.ts';
import { launchBrowser, openAs, type Person } from '../test/support/browser.ts';
import { AT, reviewIdOf, reviewOf, stateWrite } from '../test/support/storage-fixtures.ts';

/**
 * The inbox in a real Chromium with 10 and with 10,000 pending reviews: ms from a reload to the first rows (median), the
 * ratio, and the longest frame while scrolling through the large one. The api and the embedded database are real;
 * reviews are written to the table directly, because holding 10,000 of them takes minutes.
 */
const SMALL = 10;
const LARGE = 10_000;
const ROUNDS = 9;

async function fill(store: Store, from: number, to: number): Promise<void> {
  const day = Date.now() + 3_600_000;
  for (let start = from; start < to; start += 500) {
    const count = Math.min(500, to - start);
    await Promise.all(
      Array.from({ length: count }, (_, i) => {
        const n = start + i;
        const review = reviewOf(reviewIdOf(n), {
          proposedAt: AT,
          expiresAt: new Date(day + ((n * 7_919) % 86_400) * 1_000).toISOString(),
          levels: [{ name: 'one', approvers: ['ops'], quorum: 1, escalation: null, status: 'open', decisions: [] }],
        });
        return store.commit({ entries: [], review: stateWrite(review) });
      }),
    );
  }
}

/** Median ms from the start of a reload to the first row. */
async function timeToRows({ page }: Person): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = performance.now();
    await page.reload({ waitUntil: 'commit' });
    await page.getByTestId('row').first().waitFor();
    times.push(performance.now() - from);
  }
  return times.toSorted((a, b) => a - b)[(ROUNDS - 1) / 2] ?? 0;
}

/** Longest gap between two frames, in ms, while the list is scrolled by 60 screens. */
async function longestFrame({ page }: Person): Promise<number> {
  return page.evaluate(`new Promise((resolve) => {
    let longest = 0, last = performance.now(), steps = 0;
    const frame = (now) => {
      longest = Math.max(longest, now - last);
      last = now;
      scrollBy(0, innerHeight);
      steps += 1;
      if (steps < 60) requestAnimationFrame(frame); else resolve(longest);
    };
    requestAnimationFrame(frame);
  })`);
}

async function measure(browser: Browser, store: Store, size: number): Promise<{ rows: number; frame: number }> {
  const page = loadDashboard(join(import.meta.dirname, '..', 'dist', 'dashboard'));
  const api = await makeHarness({ store, app: { page } });
  const person = await openAs(browser, api.url, api.credential('ops-1'));
  const rows = await timeToRows(person);
  const frame = await longestFrame(person);
  await person.close();
  await api.close();
  console.log(
    `${String(size).padStart(6)} pending: first rows ${rows.toFixed(0)} ms, longest frame while scrolling ${frame.toFixed(0)} ms`,
  );
  return { rows, frame };
}

const browser = await launchBrowser();
const small = await createStore({ inMemory: true });
await fill(small, 0, SMALL);
const few = await measure(browser, small, SMALL);
const large = await createStore({ inMemory: true });
await fill(large, 0, LARGE);
const many = await measure(browser, large, LARGE);
console.log(`ratio ${(many.rows / few.rows).toFixed(2)} (at most 1.5 is asked for)`);
await browser.close();
process.exit(0);

import type { Browser } from 'playwright-core';
import { loadDashboard } from '../../src/api/index.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import type { Review } from '../../src/contract/review.ts';
import { makeHarness, type Harness, type HarnessOptions } from '../api/support/harness.ts';
import { launchBrowser, openAs, VIEWPORTS, type Person, type Size } from './browser.ts';
import { reviewIdOf, reviewOf, stateWrite } from './storage-fixtures.ts';

/** The built page before the real api and a real database, in this process; Temporal is played by the fake gate. */
export interface PageWorld {
  readonly api: Harness;
  readonly browser: Browser;
  /** A signed-in person's window. */
  open(path: string, options?: { readonly as?: string; readonly size?: Size }): Promise<Person>;
  /** Writes a review as it stands, for states that are long in coming. Resolves with its id. */
  put(over: Partial<Review>): Promise<string>;
  close(): Promise<void>;
}

/** For what a page draws: it starts in a second, and any state can be shown. What people do is tried on the real stack. */
export async function startPageWorld(options: HarnessOptions = {}): Promise<PageWorld> {
  const page = loadDashboard(packageFile('dist', 'dashboard'));
  const api = await makeHarness({ ...options, app: { page, ...options.app } });
  // The page goes by the server's `Date`.
  api.clock.set(Date.now());
  const browser = await launchBrowser();
  let count = 0;
  return {
    api,
    browser,
    open: (path, { as = 'ops-1', size = 'desktop' } = {}) =>
      openAs(browser, api.url, api.credential(as), { path, viewport: VIEWPORTS[size] }),
    put: async (over) => {
      count += 1;
      const reviewId = reviewIdOf(count, 7);
      await api.store.commit({ entries: [], review: stateWrite(reviewOf(reviewId, { ...soon(), ...over })) });
      return reviewId;
    },
    close: async () => {
      await browser.close();
      await api.close();
    },
  };
}

function soon(): Pick<Review, 'proposedAt' | 'expiresAt'> {
  const now = Date.now();
  return { proposedAt: new Date(now).toISOString(), expiresAt: new Date(now + 3_600_000).toISOString() };
}

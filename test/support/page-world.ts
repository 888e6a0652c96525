import type { Browser } from 'playwright-core';
import { loadDashboard } from '../../src/api/index.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Review } from '../../src/contract/review.ts';
import { makeHarness, type Harness, type HarnessOptions } from '../api/support/harness.ts';
import { launchBrowser, openAs, VIEWPORTS, type Person, type Size } from './browser.ts';
import { proposedEntry, reviewIdOf, reviewOf, stateWrite } from './storage-fixtures.ts';

/** The built page before the real api and a real database, in this process; Temporal is played by the fake gate. */
export interface PageWorld {
  readonly api: Harness;
  readonly browser: Browser;
  /** A signed-in person's window. */
  open(path: string, options?: { readonly as?: string; readonly size?: Size }): Promise<Person>;
  /** Writes a review as it stands, for states that are long in coming. Resolves with its id. */
  put(over: Partial<Review>): Promise<string>;
  /** As {@link put}, with an entry of the log, so that open pages hear of it. */
  arrive(over: Partial<Review>): Promise<string>;
  /** Writes another state of a review that {@link arrive}d; open pages hear of it. */
  change(reviewId: string, over: Partial<Review>): Promise<void>;
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
  const nextId = (): string => reviewIdOf((count += 1), 7);
  const write = async (reviewId: string, over: Partial<Review>, entries: readonly AuditEntry[]): Promise<void> => {
    const review = stateWrite(reviewOf(reviewId, { ...soon(), ...over }));
    await api.store.commit({ entries: [...entries], review });
  };
  return {
    api,
    browser,
    open: (path, { as = 'ops-1', size = 'desktop' } = {}) =>
      openAs(browser, api.url, api.credential(as), { path, viewport: VIEWPORTS[size] }),
    put: async (over) => {
      const reviewId = nextId();
      await write(reviewId, over, []);
      return reviewId;
    },
    arrive: async (over) => {
      const reviewId = nextId();
      await write(reviewId, over, [proposedEntry(reviewId)]);
      return reviewId;
    },
    change: (reviewId, over) => {
      const at = new Date().toISOString();
      return write(reviewId, over, [
        {
          schemaVersion: 1,
          deploymentId: 'test',
          type: 'withdrawn',
          reviewId,
          by: 'cleanup-agent',
          envelopeDigest: null,
          at,
        },
      ]);
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

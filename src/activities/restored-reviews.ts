import { EXECUTION_ERRORS } from '../contract/codes.ts';
import type { Digest, Timestamp } from '../contract/json.ts';
import type { ReviewId } from '../contract/ids.ts';
import { hasEnded } from '../domain/lifecycle.ts';
import { entryOf } from '../domain/gate/change.ts';
import type { LedgerState } from '../domain/ledger.ts';
import { digestBytes } from '../domain/proof/digest.ts';
import type { JournalClaim } from '../ports/claim-journal.ts';
import type { Store } from '../ports/store.ts';
import { commitStep } from './execute/record-result.ts';

/** A review's workflow as Temporal tells of it. */
export interface TemporalReview {
  readonly reviewId: ReviewId;
  readonly isRunning: boolean;
  /** By its search attribute; null: none. */
  readonly status: string | null;
  readonly tool: string | null;
}

export interface RestoreSources {
  readonly store: Store;
  /** Of every execute worker, each in its order. */
  readonly journal: readonly JournalClaim[];
  /** Workflows that run, or that have ended since. */
  workflowsSince(since: Timestamp): AsyncIterable<TemporalReview>;
  /** Whether the workflow has asked for the call to be made. Then it may have been. */
  hasAskedForCall(reviewId: ReviewId): Promise<boolean>;
}

/** What the restored database does not know. */
export interface Forgotten {
  readonly reviewId: ReviewId;
  readonly tool: string | null;
  /** `ran`: the call was made, or may have been. `decided`: its review went on or ended. `proposed`: it is only missing. */
  readonly what: 'ran' | 'decided' | 'proposed';
  readonly seenIn: 'journal' | 'temporal';
  /** Null: the database has no such review. */
  readonly ledger: LedgerState | null;
  readonly isRunning: boolean;
  /** With `ran`, from the journal: what was claimed. */
  readonly claim: JournalClaim | null;
}

/** Clocks of Temporal and of the database may differ, ms. */
const SLACK_MS = 300_000;

/** Reviews that ran, were decided or were proposed since the backup, by what outlived it. Each once. */
export async function findForgotten(sources: RestoreSources): Promise<readonly Forgotten[]> {
  const { store, journal } = sources;
  const found = new Map<ReviewId, Forgotten>();
  for (const claim of journal) {
    const { reviewId, tool } = claim;
    const row = await store.readLedger(reviewId);
    // This very claim, or what followed from it, is in the database.
    if (row?.claim !== undefined && row.claim !== null && digestBytes(row.claim.token) === claim.claim) continue;
    // An earlier claim of a row that has been settled: its outcome counts for all.
    if (row !== undefined && ['done', 'failed', 'unknown'].includes(row.state)) continue;
    const ledger = row?.state ?? null;
    found.set(reviewId, { reviewId, tool, what: 'ran', seenIn: 'journal', ledger, isRunning: false, claim });
  }
  for await (const workflow of sources.workflowsSince(await startOfLoss(store))) {
    const { reviewId, isRunning, tool } = workflow;
    const noted = found.get(reviewId);
    if (noted !== undefined) {
      found.set(reviewId, { ...noted, isRunning });
      continue;
    }
    const row = await store.readLedger(reviewId);
    if (row !== undefined && !['open', 'deferred'].includes(row.state)) continue;
    const review = (await store.readReview(reviewId))?.review;
    const isSame = review !== undefined && isRunning && workflow.status === review.status;
    // A gate that still waits as the database knows it has asked for nothing.
    if (isSame && !hasEnded(review.status)) continue;
    const hasRun = await sources.hasAskedForCall(reviewId);
    if (isSame && !hasRun) continue;
    const what = hasRun ? 'ran' : row === undefined ? 'proposed' : 'decided';
    found.set(reviewId, {
      reviewId,
      tool,
      what,
      seenIn: 'temporal',
      ledger: row?.state ?? null,
      isRunning,
      claim: null,
    });
  }
  return [...found.values()];
}

/** Where the restored log ends. */
async function startOfLoss(store: Store): Promise<Timestamp> {
  const { size } = await store.head();
  const [last] = size === 0 ? [] : await store.entries(size - 1, 1);
  return new Date(Date.parse(last?.entry.at ?? '1970-01-01T00:00:00.000Z') - SLACK_MS).toISOString();
}

/** What accepting does about a review. */
export function fateOf({ what, ledger }: Forgotten): 'outcome_unknown' | 'aborted' | 'nothing' {
  if (ledger !== 'open' && ledger !== 'deferred') return 'nothing';
  return what === 'ran' ? 'outcome_unknown' : 'aborted';
}

/**
 * Settles a call that ran and that the database shows as not started: claims its row and leaves the outcome unknown, in
 * the steps that every such call takes, so that no worker can claim it. False: the row has moved meanwhile.
 */
export async function settleRan(
  store: Store,
  deploymentId: string,
  { reviewId, claim }: Forgotten,
  { token, at }: { readonly token: string; readonly at: Timestamp },
): Promise<boolean> {
  const row = await store.readLedger(reviewId);
  const material = (await store.readRecord(reviewId))?.materials.at(-1);
  const review = (await store.readReview(reviewId))?.review;
  const digest: Digest | null | undefined = claim?.digest ?? review?.call.digest;
  if (row === undefined || review === undefined || material === undefined || !digest) return false;
  const base = entryOf({ deploymentId, reviewId }, at);
  const times = { at, sendBy: at, settledBy: at };
  // No freeze holds it back: nothing is called.
  const { version: freezeVersion } = await store.freezes.read();
  const judged = { objections: row.objections, freezeVersion };
  const claimed = await store.commit({
    ledger: { to: 'claim', reviewId, token, ...times, digest, idempotencyKey: null, ...judged },
    entries: [
      {
        ...base,
        type: 'started',
        revision: claim?.revision ?? review.revision,
        digest,
        policyDigest: claim?.policyDigest ?? material.policyDigest,
        resend: false,
      },
    ],
    // It could only run approved; that it was is what the database has forgotten.
    review: { kind: 'end', reviewId, status: 'approved', at },
  });
  if (!claimed.ok || claimed.row === null) return false;
  const outcome = { error: { code: 'restored', message: EXECUTION_ERRORS.restored }, finishedAt: at };
  const { ok } = await commitStep(
    { store },
    { to: 'unknown', reviewId, token, outcome },
    { ...claimed.row, state: 'unknown', outcome },
    { ...base, type: 'unknown', errorCode: 'restored' },
  );
  return ok;
}

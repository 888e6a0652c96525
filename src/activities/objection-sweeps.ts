import { LIMITS } from '../contract/constants.ts';
import type { DsseEnvelope } from '../contract/envelope.ts';
import { entryOf } from '../domain/gate/change.ts';
import { findStanding, type Objection } from '../domain/gate/objections.ts';
import { isUnclaimed } from '../domain/ledger.ts';
import { digestMaterial } from '../domain/proof/digest.ts';
import type { UnsettledObjection } from '../ports/objections.ts';
import type { Store } from '../ports/store.ts';
import { assessInForce } from './execute/authorize-call.ts';
import { stopCall } from './execute/claim-call.ts';
import type { ExecuteDeps } from './execute/deps.ts';
import type { GateDeps } from './gate/index.ts';
import { verifyObjection } from './objections.ts';

/** Objections that are read at once. */
const PAGE = 100;
/** Younger ones have just been signalled. */
const QUIET_MS = 1_000;
const FIRST_WAKE_MS = 4_000;
const LAST_WAKE_MS = 600_000;

interface ObjectionSweepDeps extends Pick<GateDeps, 'store' | 'settings' | 'verifier' | 'clock'> {
  /** Signals the review's workflow, which then reads its objections; does nothing where there is no workflow. */
  wake(reviewId: string, envelope: DsseEnvelope): Promise<void>;
}

/**
 * The gate worker's sweep, for objections whose signal never arrived: it signals the workflow of a review that still waits,
 * less often each time, since every signal adds to its history. If a new revision came first, it tells the reviewer.
 */
export function createObjectionSweep(deps: ObjectionSweepDeps): () => Promise<void> {
  const wakes = new Map<number, { readonly at: number; readonly waitMs: number }>();

  async function wakeWhenDue({ n, reviewId, envelope }: UnsettledObjection): Promise<void> {
    const now = deps.clock.now();
    const last = wakes.get(n);
    if (last !== undefined && now < last.at + last.waitMs) return;
    wakes.set(n, { at: now, waitMs: Math.min(last === undefined ? FIRST_WAKE_MS : last.waitMs * 2, LAST_WAKE_MS) });
    // The workflow drops what it has seen, and it may have seen this one before its key was trusted. No signature is
    // needed: the gate reads the objection itself from the database.
    await deps.wake(reviewId, { ...(envelope as DsseEnvelope), signatures: [{ sig: `wake ${now}` }] });
  }

  async function handle(stored: UnsettledObjection): Promise<void> {
    if (deps.clock.now() < stored.storedAt + QUIET_MS) return;
    const verified = verifyObjection(deps, stored);
    if (typeof verified === 'object') {
      const { reviewId } = stored;
      const review = (await deps.store.readReview(reviewId))?.review;
      const isLapsed = review !== undefined && verified.payload.revision < review.revision;
      if (isUnclaimed(stored.ledger) && !isLapsed) {
        if (stored.status === 'pending' || stored.status === 'changes_requested') await wakeWhenDue(stored);
        return;
      }
      if (isLapsed) await tellLapsed(deps, reviewId, verified);
    } else if (isUnclaimed(stored.ledger)) {
      return;
    }
    await deps.store.objections.settle(stored.n);
  }

  return async () => {
    const seen = new Set<number>();
    await forEachUnsettled(deps.store, async (stored) => {
      seen.add(stored.n);
      await handle(stored);
    });
    // Another worker may have settled it.
    for (const n of wakes.keys()) if (!seen.has(n)) wakes.delete(n);
  };
}

/** Tells the reviewer that an objection never counted. A request for changes that the new revision answered did count. */
async function tellLapsed(
  { store, settings, clock }: Pick<ObjectionSweepDeps, 'store' | 'settings' | 'clock'>,
  reviewId: string,
  { payload, payloadDigest }: Objection,
): Promise<void> {
  const entries = await store.entriesOf(reviewId);
  if (entries.some(({ entry }) => 'envelopeDigest' in entry && entry.envelopeDigest === payloadDigest)) return;
  const at = new Date(clock.now()).toISOString();
  await store.commit({
    key: `lapsed:${payloadDigest}`,
    entries: [
      {
        ...entryOf({ deploymentId: settings.current().deploymentId, reviewId }, at),
        type: 'notified',
        event: 'lapsed',
        channel: 'log',
        recipients: [payload.reviewer.id],
      },
    ],
  });
}

/**
 * The execute worker's sweep. It stops approved calls that are not claimed yet as soon as a reject is stored: the next
 * attempt may be minutes away (the tool is frozen, or at its hourly limit), and the reviewer waits for the answer. Only the
 * claim itself is certain to see every objection, and stops what this sweep misses. It also records which objections this
 * worker cannot verify.
 */
export async function stopObjectedCalls(deps: ExecuteDeps): Promise<number> {
  let stopped = 0;
  await forEachUnsettled(deps.store, async (objection) => {
    stopped += await judgeObjection(deps, objection);
  });
  return stopped;
}

async function judgeObjection(deps: ExecuteDeps, stored: UnsettledObjection): Promise<number> {
  const verified = verifyObjection(deps, stored);
  const unreadable = verified === 'unreadable' && isUnclaimed(stored.ledger);
  if (unreadable !== stored.unreadable) await deps.store.objections.setUnreadable(stored.n, unreadable);
  if (typeof verified === 'string' || verified.payload.type !== 'reject') return 0;
  if (!isUnclaimed(stored.ledger) || stored.status !== 'approved') return 0;
  const { reviewId } = stored;
  const [row, record] = await Promise.all([deps.store.readLedger(reviewId), deps.store.readRecord(reviewId)]);
  const material = record?.materials.at(-1);
  if (row === undefined || !isUnclaimed(row.state) || record === undefined || material === undefined) return 0;
  const proposal = record.envelopes.find(({ kind }) => kind === 'proposal')?.envelope ?? null;
  const levels = [...material.levels, ...levelsInForce(deps, { reviewId, material, proposal }, row)];
  const claimed = { digest: digestMaterial(material), levels };
  if (findStanding([verified], claimed, deps.settings.current(), deps.clock.now()) === undefined) return 0;
  const judged = await deps.store.objections.ofReview(reviewId, LIMITS.objections);
  if (judged.every(({ n }) => n !== stored.n)) return 0;
  await stopCall(deps, row, verified);
  return 1;
}

/** None if policy no longer holds the call: then only the levels as signed apply. */
function levelsInForce(...input: Parameters<typeof assessInForce>) {
  try {
    return assessInForce(...input).levels;
  } catch {
    return [];
  }
}

/** Goes through all unsettled objections. One that fails does not hold up the others; its error is thrown at the end. */
async function forEachUnsettled(
  store: Pick<Store, 'objections'>,
  handle: (stored: UnsettledObjection) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  for (let after = 0, page: readonly UnsettledObjection[] = []; ; after = page.at(-1)?.n ?? after) {
    page = await store.objections.unsettled(after, PAGE);
    for (const stored of page) await handle(stored).catch((error: unknown) => failures.push(error));
    if (page.length < PAGE) break;
  }
  if (failures.length > 0) throw failures[0];
}

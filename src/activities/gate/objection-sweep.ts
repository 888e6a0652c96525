import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { UnsettledObjection } from '../../ports/objections.ts';
import { entryOf } from '../../domain/gate/change.ts';
import type { Objection } from '../../domain/gate/objections.ts';
import { forEachUnsettled, verifyObjection } from '../objections.ts';
import type { GateDeps } from './deps.ts';

/** Younger ones have just been signalled. */
const QUIET_MS = 1_000;
const FIRST_WAKE_MS = 4_000;
const LAST_WAKE_MS = 600_000;

export interface ObjectionSweepDeps extends Pick<GateDeps, 'store' | 'settings' | 'verifier' | 'clock'> {
  /** Signals the review's workflow, which then reads its objections; does nothing where there is no workflow. */
  wake(reviewId: string, envelope: DsseEnvelope): Promise<void>;
}

/**
 * Sees to objections whose signal never arrived: it wakes the gate of a review that still waits, rarer each time, since
 * every signal costs history. Where another version came first, it tells the reviewer. Objections to approved calls are
 * the execute worker's.
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

  async function see(stored: UnsettledObjection): Promise<void> {
    if (deps.clock.now() < stored.storedAt + QUIET_MS) return;
    const verified = verifyObjection(deps, stored);
    if (typeof verified === 'object') {
      const { reviewId } = stored;
      const review = (await deps.store.readReview(reviewId))?.review;
      const isLapsed = review !== undefined && verified.payload.revision < review.revision;
      if (stored.ledger === 'open' && !isLapsed) {
        if (stored.status === 'pending' || stored.status === 'changes_requested') await wakeWhenDue(stored);
        return;
      }
      if (isLapsed) await tellLapsed(deps, reviewId, verified);
    } else if (stored.ledger === 'open') {
      return;
    }
    await deps.store.objections.settle(stored.n);
  }

  return async () => {
    const seen = new Set<number>();
    await forEachUnsettled(deps.store, async (stored) => {
      seen.add(stored.n);
      await see(stored);
    });
    // Another worker may have settled it.
    for (const n of wakes.keys()) if (!seen.has(n)) wakes.delete(n);
  };
}

/** Said of what never counted; a request for changes that was answered by the new version did. */
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

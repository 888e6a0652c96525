import type { LedgerRow } from '../../domain/ledger.ts';
import { entryOf } from '../../domain/gate/change.ts';
import { findStanding, type Claimed, type Objection } from '../../domain/gate/objections.ts';
import { deniedExecution } from '../../domain/outcome.ts';
import { readObjections } from '../objections.ts';
import type { ExecuteDeps } from './deps.ts';
import { postponeCall } from './refusal.ts';

/** How long a claim waits for an objection that does not verify, e.g. for the key that signed it, ms. */
const UNREADABLE_DELAY_MS = 5_000;

/**
 * Judges every objection right before the claim. Returns how many, for the claim to name: the database refuses it where
 * another one has been stored meanwhile. `stopped`: one stands, and the call will not be made.
 */
export async function judgeObjections(
  deps: ExecuteDeps,
  row: LedgerRow,
  claimed: Claimed,
): Promise<number | 'stopped'> {
  const { count, verified, isUnreadable } = await readObjections(deps, row);
  const standing = findStanding(verified, claimed, deps.settings.current(), deps.clock.now());
  if (standing !== undefined) {
    await stopCall(deps, row, standing);
    return 'stopped';
  }
  if (isUnreadable) throw postponeCall('objection_unreadable', UNREADABLE_DELAY_MS);
  return count;
}

/** Denies an approved call in the name of the reviewer who rejected it. The review stays approved. */
export async function stopCall(
  deps: Pick<ExecuteDeps, 'store' | 'settings' | 'clock'>,
  row: Pick<LedgerRow, 'reviewId' | 'proposalDigest'>,
  { payload, payloadDigest }: Objection,
): Promise<void> {
  const { reviewId, proposalDigest } = row;
  const at = new Date(deps.clock.now()).toISOString();
  const stopped = { by: payload.reviewer.id, comment: payload.comment ?? null, at: payload.decidedAt };
  const { ok } = await deps.store.commit({
    key: `objected:${payloadDigest}`,
    ledger: { to: 'deny', reviewId, proposalDigest, reason: 'stopped', at },
    entries: [
      {
        ...entryOf({ deploymentId: deps.settings.current().deploymentId, reviewId }, at),
        type: 'objected',
        decisionUlid: payload.decisionUlid,
        reviewer: payload.reviewer.id,
        channel: payload.channel,
        revision: payload.revision,
        digest: payload.digest,
        envelopeDigest: payloadDigest,
      },
    ],
    review: { kind: 'execution', reviewId, execution: { ...deniedExecution('stopped', at), stopped } },
  });
  // Denied otherwise, or claimed: the next attempt finds out.
  if (!ok) throw postponeCall('not_open', 100);
}

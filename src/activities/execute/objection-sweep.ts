import type { UnsettledObjection } from '../../ports/objections.ts';
import { digestMaterial } from '../../domain/proof/digest.ts';
import { findStanding } from '../../domain/gate/objections.ts';
import { forEachUnsettled, verifyObjection } from '../objections.ts';
import { assessInForce } from './authorize.ts';
import type { ExecuteDeps } from './deps.ts';
import { stopCall } from './objections.ts';

/**
 * Stops approved calls that are not claimed yet as soon as a reject is stored: an attempt may be minutes away (the
 * tool is frozen, its hour is full), and the reviewer waits for the answer. Only the claim itself is sure to see every
 * objection; what this misses, that one stops. It also notes which objections this worker cannot verify.
 */
export async function sweepApproved(deps: ExecuteDeps): Promise<number> {
  let stopped = 0;
  await forEachUnsettled(deps.store, async (objection) => {
    stopped += await judge(deps, objection);
  });
  return stopped;
}

async function judge(deps: ExecuteDeps, stored: UnsettledObjection): Promise<number> {
  const verified = verifyObjection(deps, stored);
  const unreadable = verified === 'unreadable' && stored.ledger === 'open';
  if (unreadable !== stored.unreadable) await deps.store.objections.setUnreadable(stored.n, unreadable);
  if (typeof verified === 'string' || verified.payload.type !== 'reject') return 0;
  if (stored.ledger !== 'open' || stored.status !== 'approved') return 0;
  const { reviewId } = stored;
  const [row, record] = await Promise.all([deps.store.readLedger(reviewId), deps.store.readRecord(reviewId)]);
  const material = record?.materials.at(-1);
  if (row?.state !== 'open' || record === undefined || material === undefined) return 0;
  const proposal = record.envelopes.find(({ kind }) => kind === 'proposal')?.envelope ?? null;
  const levels = [...material.levels, ...levelsInForce(deps, { reviewId, material, proposal }, row)];
  const claimed = { digest: digestMaterial(material), levels };
  if (findStanding([verified], claimed, deps.settings.current(), deps.clock.now()) === undefined) return 0;
  await stopCall(deps, row, verified);
  return 1;
}

/** None where the call is no longer one that policy holds: then the levels as signed are all there are. */
function levelsInForce(...input: Parameters<typeof assessInForce>) {
  try {
    return assessInForce(...input).levels;
  } catch {
    return [];
  }
}

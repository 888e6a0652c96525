import { findReviewer } from '../../domain/policy/settings.ts';
import { refusalOfLift } from '../../domain/freeze.ts';
import type { AskedLift } from '../../ports/freezes.ts';
import type { ExecuteDeps } from './deps.ts';

/** Lifts that are judged in one go. */
const BATCH = 20;

/**
 * Ends the freezes whose lifts count: signed by a key that is trusted now, of this very freeze, by an operator in force now.
 * The api only stores what it is asked for: who may execute is who lets it run again. Returns how many were lifted.
 */
export async function admitLifts(deps: ExecuteDeps): Promise<number> {
  const asked = await deps.store.freezes.askedLifts(BATCH);
  if (asked.length === 0) return 0;
  await deps.assertLogIntact();
  let lifted = 0;
  for (const lift of asked) {
    const verified = judge(deps, lift);
    if (typeof verified === 'string') await deps.store.freezes.refuseLift(lift.n, verified);
    else lifted += await admit(deps, lift, verified);
  }
  await deps.settings.refresh();
  return lifted;
}

function judge({ verifier, settings }: ExecuteDeps, { envelope, freeze, freezeDigest }: AskedLift) {
  const verified = verifier.verify('lift', envelope);
  const inForce = settings.current();
  if (verified === undefined) return 'signature_invalid';
  const { payload } = verified;
  const isOfIt = payload.freezeId === freeze.id && payload.freezeDigest === freezeDigest;
  if (!isOfIt || payload.deploymentId !== inForce.deploymentId) return 'envelope_invalid';
  const lifter = findReviewer(inForce, payload.reviewer.id);
  if (lifter === undefined) return 'not_an_operator';
  return refusalOfLift(inForce, freeze, lifter) ?? verified;
}

async function admit(
  { store, settings, clock }: ExecuteDeps,
  { n, freeze }: AskedLift,
  { payload, payloadDigest }: Exclude<ReturnType<typeof judge>, string>,
): Promise<number> {
  const { ok } = await store.commit({
    freeze: { to: 'lift', freezeId: freeze.id, n },
    entries: [
      {
        schemaVersion: 1,
        deploymentId: settings.current().deploymentId,
        at: new Date(clock.now()).toISOString(),
        type: 'lifted',
        freezeId: freeze.id,
        by: payload.reviewer.id,
        channel: payload.channel,
        envelopeDigest: payloadDigest,
      },
    ],
  });
  // Another worker, or another lift, was first.
  if (!ok) await store.freezes.refuseLift(n, 'already_lifted');
  return ok ? 1 : 0;
}

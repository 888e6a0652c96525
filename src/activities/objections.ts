import { LIMITS } from '../contract/constants.ts';
import type { LedgerRow } from '../domain/ledger.ts';
import type { Store } from '../ports/store.ts';
import type { StoredObjection } from '../ports/objections.ts';
import type { Objection } from '../domain/gate/objections.ts';
import type { SettingsSource } from '../domain/policy/settings.ts';
import type { EnvelopeVerifier } from '../ports/connector.ts';

export interface ReadingDeps {
  readonly store: Pick<Store, 'objections'>;
  readonly settings: SettingsSource;
  readonly verifier: EnvelopeVerifier;
}

export interface ReadObjections {
  /** How many were looked at, verified or not: the number that a claim names. */
  readonly count: number;
  readonly verified: readonly (Objection & { readonly stored: StoredObjection })[];
  /** One does not verify, or there are too many: whether a no stands is not known. */
  readonly isUnreadable: boolean;
}

const NONE: ReadObjections = { count: 0, verified: [], isUnreadable: false };

/** The objections stored against a review. The ledger row counts them; if there are none, nothing is read. */
export async function readObjections(
  deps: ReadingDeps,
  row: Pick<LedgerRow, 'reviewId' | 'objections'>,
): Promise<ReadObjections> {
  if (row.objections === 0) return NONE;
  const stored = await deps.store.objections.ofReview(row.reviewId, LIMITS.objections + 1);
  const judged = stored.slice(0, LIMITS.objections);
  const read = judged.map((objection) => ({ stored: objection, verified: verifyObjection(deps, objection) }));
  return {
    count: stored.length,
    verified: read.flatMap(({ verified, stored: own }) =>
      typeof verified === 'object' ? [{ ...verified, stored: own }] : [],
    ),
    isUnreadable: stored.length > judged.length || read.some(({ verified }) => verified === 'unreadable'),
  };
}

/** `foreign`: a signed decision about another review, which says nothing about this one. */
export function verifyObjection(
  deps: Pick<ReadingDeps, 'settings' | 'verifier'>,
  { envelope, reviewId, storedAt }: StoredObjection,
): Objection | 'unreadable' | 'foreign' {
  const verified = deps.verifier.verify('decision', envelope);
  if (verified === undefined) return 'unreadable';
  const { payload, payloadDigest } = verified;
  const { deploymentId } = deps.settings.current();
  if (payload.reviewId !== reviewId || payload.deploymentId !== deploymentId) return 'foreign';
  return { payload, payloadDigest, storedAt };
}

import type { DecisionPayload } from '../../contract/envelope.ts';
import type { Level } from '../../contract/review.ts';
import { votingGroupsOf, type Settings } from '../policy/settings.ts';
import { refusalOfObjection } from '../eligibility.ts';

/** A stored objection whose signature was verified just now. */
export interface Objection {
  readonly payload: DecisionPayload;
  /** SHA-256 (`sha256:…`) of the payload bytes; entries of the log name it. */
  readonly payloadDigest: string;
  /** Epoch ms. */
  readonly storedAt: number;
}

/** What is about to be claimed, or answered. */
export interface Claimed {
  readonly digest: string;
  /** Every level on which a reviewer could have voted: as signed, and as policy has them now. */
  readonly levels: readonly Level[];
}

/** The first reject that still counts. `at`: epoch ms. */
export function findStanding(
  objections: readonly Objection[],
  claimed: Claimed,
  settings: Settings,
  at: number,
): Objection | undefined {
  return objections.find(({ payload }) => {
    if (payload.type !== 'reject') return false;
    const groups = votingGroupsOf(settings, payload.reviewer.id);
    return refusalOfObjection(claimed, { groups }, payload.digest, at) === undefined;
  });
}

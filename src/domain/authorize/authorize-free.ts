import type { ProposalPayload } from '../../contract/envelope.ts';
import type { Assessment } from '../policy/assess.ts';
import type { Settings } from '../policy/settings.ts';

/** How long after it was handed over a call may be begun, ms. An older envelope may be a replay. */
export const HANDED_WITHIN_MS = 30_000;

/** Longest payload of an envelope that is handed over, characters: beyond 4 MiB Temporal's SDK tries for 40 s. */
export const LONGEST_HANDED = 1024 * 1024;

/**
 * What came of a call that was handed over. Nothing was done: `not_free` (policy does not free it here and now) and `taken`
 * (its review has a ledger row already). `executing`: sent, the answer was lost, and the workflow sends it again.
 */
export type FreeStatus = 'executed' | 'failed' | 'outcome_unknown' | 'executing' | 'not_free' | 'taken';

export type FreeAssessment = Extract<Assessment, { kind: 'free' }>;

/** Whether policy lets the call run at once, without a decision and without telling anyone. */
export function isFree(assessment: Assessment): assessment is FreeAssessment {
  return assessment.kind === 'free' && assessment.gate === 'none' && assessment.class === 'reversible';
}

export interface HandedCall {
  /** What the propose key signed; null: it signed nothing of the kind, or an agent's own key signed the proposal. */
  readonly direct: ProposalPayload['direct'] | null;
  readonly settings: Pick<Settings, 'policy' | 'configDigest'>;
  /** The call classified by the execute worker's own files. */
  readonly assessment: Assessment;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * The assessment of a call that may be made without a workflow; undefined: it takes the workflow. An attacker who reads
 * Temporal has the envelope too, so it counts only for a short time, and only where api and execute worker judge by the
 * same files.
 */
export function authorizeFree({ direct, settings, assessment, at }: HandedCall): FreeAssessment | undefined {
  if (!direct) return undefined;
  // A time that is not one compares as false.
  const isRecent = Math.abs(at - Date.parse(direct.handedAt)) <= HANDED_WITHIN_MS;
  const isSameFiles = direct.policyDigest === settings.policy.digest && direct.configDigest === settings.configDigest;
  return isRecent && isSameFiles && isFree(assessment) ? assessment : undefined;
}

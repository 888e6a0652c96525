import type { EnvelopeKind } from './envelope.ts';
import type { ExecutionView } from './review.ts';

/** Values of the contract that workflows need: kept apart so that zod stays out of the workflow bundle. */

export const NOT_STARTED: ExecutionView = { status: 'not_started', error: null, startedAt: null, finishedAt: null };

const ULID = '[0-7][0-9A-HJKMNP-TV-Z]{25}';
export const ULID_PATTERN = new RegExp(`^${ULID}$`);
/** `rev_<ULID>`; also the Temporal workflow id of the review. */
export const REVIEW_ID_PATTERN = new RegExp(`^rev_${ULID}$`);

/** Bytes of JSON, unless named otherwise. */
export const LIMITS = {
  requestBody: 256 * 1024,
  evidence: 64 * 1024,
  responseBody: 256 * 1024,
  state: 1_500_000,
  /** Versions of a call inside one review. */
  revisions: 20,
  receipts: 200,
  /** Envelopes verified at once. */
  admissionBatch: 50,
} as const;

export function payloadTypeOf(kind: EnvelopeKind): string {
  return `application/vnd.holdpoint.${kind}.v1+json`;
}

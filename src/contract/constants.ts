/** Values of the contract that workflows need: kept apart so that zod stays out of the workflow bundle. */

export const NOT_STARTED = { status: 'not_started', error: null, startedAt: null, finishedAt: null } as const;

export const ULID_PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** `rev_<ULID>`; also the Temporal workflow id of the review. */
export const REVIEW_ID_PATTERN = /^rev_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** A field name of RFC 9110. */
export const HEADER_NAME_PATTERN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
export const FREEZE_ID_PATTERN = /^frz_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Longest wait of one timer, ms: `setTimeout` fires at once on a longer one. A longer wait takes several. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Most bytes of a request's body, by what its route needs; beyond: 413 `payload_too_large`. docs/running.md has them too. */
export const BODY_LIMITS = {
  /** A call, as proposed, revised or edited, alone or with others. */
  call: 256 * 1024,
  /** A decision without arguments or a response, or a note: 4,000 characters of up to 6 bytes each (`\u0000`). */
  comment: 32 * 1024,
  /** A token of at most 500 characters. */
  signIn: 4 * 1024,
  /** Nothing but `{}`. */
  empty: 1024,
  /** A form of the page behind a mail: a comment of 4,000 characters, each at most 12 bytes. */
  mailForm: 64 * 1024,
  /** A press repeats the message: 15,000 characters of blocks and text and a comment of 3,000, each at most 8 bytes. */
  slack: 160 * 1024,
} as const;

/**
 * Most values of a JSON body; beyond: 400 `too_many_values`. A call is traversed several times on its way, and a person
 * reads it: 256 KiB could hold 130,000.
 */
export const MAX_BODY_VALUES = 4_000;

/**
 * A call of more than so many bytes takes ms in each stage of its way (parse, sign, verify, digest, store). After each stage the
 * process is left to others for a few ms: one turn of the event loop is not enough to answer a request, which takes several.
 */
export const LONG_CALL = { bytes: 32 * 1024, pauseMs: 5 } as const;

/** Longest search of the log: characters, and words. */
export const LOG_SEARCH = { length: 200, words: 16 } as const;

/** Bytes of JSON, unless named otherwise. */
export const LIMITS = {
  evidence: 64 * 1024,
  responseBody: 256 * 1024,
  state: 1_500_000,
  /** Versions of a call inside one review. */
  revisions: 20,
  receipts: 200,
  /** Envelopes verified at once. */
  admissionBatch: 50,
  /**
   * Objections to one review that are judged, and that its proof carries: the oldest ones, as many as one claim can verify
   * in time. While there are more, the call is not made.
   */
  objections: 200,
  /** Reviews that sweeps settle as lost without a person, over all workers. */
  lostPerHour: 20,
} as const;

/**
 * Service and tool of a drill: an in-flow question that no workflow asks. Only the gate writes them there, for a request
 * that the review key signed; a call that somebody proposes under this name has the kind `call`.
 */
export const DRILL = { service: 'drill', tool: 'drill.answer' } as const;

export const ENVELOPE_KINDS = [
  'proposal',
  'evidence',
  'decision',
  'revision',
  'withdrawal',
  'reconciliation',
  'statement',
  'drill',
  'freeze',
  'lift',
] as const;
export type EnvelopeKind = (typeof ENVELOPE_KINDS)[number];

export function payloadTypeOf(kind: EnvelopeKind): string {
  return `application/vnd.holdpoint.${kind}.v1+json`;
}

/** Destination of a person's mails, whether the configuration in force has them mailed or not. */
export function mailboxName(reviewer: string): string {
  return `email:${reviewer}`;
}

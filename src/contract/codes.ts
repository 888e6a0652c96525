/**
 * Every failure a caller can see has one stable code. One table says what the code means over HTTP and whether
 * trying the same thing again can help.
 */
interface CodeRow {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
}

const row = (status: number, title: string, retryable = false): CodeRow => ({ status, retryable, title });

/** Problems (RFC 9457): code → HTTP status, whether a retry can help, title. */
export const PROBLEMS = {
  malformed_json: row(400, 'The body is not valid JSON'),
  duplicate_key: row(400, 'The body has the same key twice'),
  number_out_of_range: row(400, 'A number cannot be represented exactly'),
  lone_surrogate: row(400, 'A string is not valid Unicode'),
  forbidden_key: row(400, 'A key is not allowed'),
  too_deep: row(400, 'The body is nested too deeply'),
  too_many_values: row(400, 'The body holds more than 4,000 values'),
  invalid_request: row(400, 'The request does not have the documented shape'),
  sealed_not_allowed: row(400, 'Callers cannot send sealed values'),
  callback_not_allowed: row(400, 'The callback URL is not allowed by the configuration'),
  unauthenticated: row(401, 'No valid credential'),
  forbidden: row(403, 'This credential does not allow that'),
  not_an_approver: row(403, 'None of your groups may decide this now'),
  not_an_operator: row(403, 'Only operators freeze tools and lift freezes'),
  second_person_required: row(403, 'A freeze is lifted by another operator than the one who ordered it'),
  self_approval: row(403, 'Separation of duties does not let you decide this review'),
  not_found: row(404, 'Not found'),
  method_not_allowed: row(405, 'Method not allowed'),
  expired: row(409, 'The deadline has passed'),
  already_lifted: row(409, 'The freeze has been lifted'),
  already_resolved: row(409, 'The review has ended'),
  already_started: row(409, 'The call has already started'),
  already_voted: row(409, 'You have already voted on this revision'),
  digest_mismatch: row(409, 'The review has changed since it was shown'),
  not_awaiting_revision: row(409, 'The review is not waiting for a revision'),
  not_reconcilable: row(409, 'The review is not waiting to be reconciled'),
  too_many_revisions: row(409, 'The review has reached its last revision'),
  resume_too_old: row(410, 'Too much has changed since that event'),
  payload_too_large: row(413, 'The body is too large'),
  unsupported_media_type: row(415, 'The body must be application/json'),
  edit_invalid: row(422, 'The edited arguments are not valid'),
  revision_invalid: row(422, 'The revised arguments are not valid'),
  comment_required: row(422, 'This decision needs a comment'),
  repeat_not_confirmed: row(422, 'The same call is waiting or has run; the decision must name it in `repeats`'),
  response_required: row(422, 'This decision needs a response'),
  decision_not_allowed: row(422, 'This review does not allow that decision'),
  idempotency_mismatch: row(422, 'The idempotency key was used with another body'),
  rate_limited: row(429, 'Too many requests', true),
  too_many_pending: row(429, 'Too many reviews are waiting', true),
  internal: row(500, 'Internal error', true),
  temporal_unavailable: row(503, 'Temporal cannot be reached', true),
  worker_unavailable: row(503, 'No worker is available', true),
  objection_unreadable: row(503, 'A stored objection cannot be verified, so nothing is approved until it can', true),
  database_unavailable: row(503, 'The database cannot be reached', true),
} as const satisfies Record<string, CodeRow>;
export type ProblemCode = keyof typeof PROBLEMS;

/** Why sign-in through the identity provider failed; `signInError` in the URL that the browser is redirected to. */
export const SIGN_IN_ERRORS = {
  unavailable: 'The identity provider cannot be reached',
  denied: 'The identity provider denied the sign-in',
  failed: 'The answer of the identity provider does not belong to this sign-in',
  not_a_reviewer: 'You are signed in at the identity provider, but no reviewer here has your subject',
} as const;
export type SignInErrorCode = keyof typeof SIGN_IN_ERRORS;

/** What the page behind a link in a mail answers besides problems, in HTML. */
export const MAIL_LINK_ANSWERS = {
  link_not_valid: row(404, 'The link is not valid, or no longer'),
  link_of_another: row(403, 'The link belongs to another reviewer'),
  sign_in_required: row(403, 'This decision needs a session; a link from a mail is not enough'),
  form_expired: row(403, 'The page was open for too long; open the link again'),
} as const satisfies Record<string, CodeRow>;
export type MailLinkAnswer = keyof typeof MAIL_LINK_ANSWERS;

/**
 * Why a call was held, stopped or ended, as they appear in `reasonCodes`. Policy rules add their own
 * (`reason:` in the policy file), so `reasonCodes` is a list of strings.
 */
export const REASONS = {
  unknown_tool: 'No connector can run this tool',
  connector_missing: 'The policy names this tool, and its connector is not configured',
  unlisted_tool: 'A connector can run this tool but the policy does not name it',
  tool_not_allowed: 'The agent may not propose this tool',
  arguments_invalid: 'The arguments do not match the tool’s schema, or its request cannot carry them',
  invalid_call: 'The target cannot do what the arguments ask for',
  forbidden: 'The policy forbids this call',
  'irreversible-tool': 'Calls of this tool cannot be undone',
  'sensitive-tool': 'The policy holds calls of this sensitive tool',
  held_by_policy: 'The policy holds this call for a decision',
  sensitive_limit: 'Too many sensitive calls of this tool ran without a decision in the last hour',
  frozen: 'The tool is frozen',
  owner_unknown: 'Separation of duties applies, and the proposer has no owner',
  seal_required: 'An argument that must be sealed was sent in the clear',
  policy_error: 'The policy could not be applied',
  classification_failed: 'The call could not be classified, and retrying would not help',
  too_many_pending: 'Too many reviews of this proposer are waiting',
  rule_error: 'A rule failed, so the call counts as irreversible',
  context_not_pinned: 'A rule reads context that the configuration does not pin for this agent',
  in_flow: 'A workflow asks',
  drill: 'A drill: it tests whether people answer, and nothing follows from it',
  unattested: 'The proposal is not signed',
  unattested_refused: 'Unsigned proposals are refused by configuration',
  review_id_taken: 'Another proposal already has this review id',
  not_plain_select: 'The SQL is not a single plain SELECT',
  upstream_changed: 'The upstream MCP server changed a tool, and policy does not accept that yet',
  upstream_unlisted: 'The upstream MCP server is not known to have this tool',
  override: 'The policy gives this tool a weaker class than its effects or its built-in definition require',
  rejected: 'A reviewer rejected it',
  expired: 'No decision was made in time',
  withdrawn: 'The proposer withdrew it',
  aborted: 'It was ended from outside',
  still_executing: 'The call is still running',
  execution_deferred: 'The call was sent without effect, and waits to be made again',
  rate_exceeded: 'As many calls of its tool as are allowed were made in the last hour, so it waits',
  not_yet_classified: 'The policy has not been applied yet',
} as const;
export type ReasonCode = keyof typeof REASONS;

/** Why an approved or free call did not end as `executed`; `execution.error.code`. */
export const EXECUTION_ERRORS = {
  stopped: 'A reviewer stopped it before it ran',
  approval_stale: 'Approved, but not executed in time',
  drifted: 'What would run is no longer what was approved',
  not_authorized: 'The decisions no longer authorize the call',
  reclassified: 'The policy in force now requires more than the decisions provide',
  invalid_call: 'The call cannot be made as it is',
  seal_broken: 'A sealed argument does not belong to this call',
  credential_missing: 'The execute worker has no credential for this connector',
  target_refused: 'The address of the target is private, and its connector does not set allowPrivateAddresses: true',
  target_unreachable: 'The target could not be reached before anything was sent',
  pins_unreadable: 'What was shown could not be looked at again, so nothing was sent',
  session_ended: 'The upstream server had ended the session, so the call did not run',
  upstream_rejected: 'The target refused the call',
  upstream_failed: 'The target failed and reports that nothing happened',
  statement_failed: 'The database refused the statement and rolled it back',
  response_too_large: 'The answer was larger than allowed',
  lost_answer: 'The call was sent, and no answer says whether it took effect',
  lost_worker: 'The worker that had claimed the call was lost',
  restored: 'It ran, or may have run, after the backup from which the database was restored',
  reconciled_failed: 'A reviewer established that the call did not happen',
  aborted: 'It was ended from outside',
} as const;
export type ExecutionErrorCode = keyof typeof EXECUTION_ERRORS;

/** Why an envelope was not admitted. They appear in receipts, never in HTTP problems unless they are problem codes too. */
export const RECEIPT_REFUSALS = [
  'expired',
  'already_resolved',
  'already_started',
  'not_an_approver',
  'self_approval',
  'already_voted',
  'digest_mismatch',
  'decision_not_allowed',
  'comment_required',
  'response_required',
  'edit_invalid',
  'revision_invalid',
  'not_awaiting_revision',
  'not_reconcilable',
  'too_many_revisions',
  'objection_unreadable',
  'signature_invalid',
  'envelope_invalid',
] as const;
export type ReceiptRefusal = (typeof RECEIPT_REFUSALS)[number];
export type ReceiptCode = 'accepted' | ReceiptRefusal;

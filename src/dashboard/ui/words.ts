import { PROBLEMS, type ProblemCode } from '../../contract/codes.ts';

/** What became of a decision that was refused: always that nothing happened, and what to do. */
const REFUSALS: Partial<Record<ProblemCode, string>> = {
  expired: 'Too late: the deadline has passed and the answer was no. Your decision did not count.',
  already_resolved: 'This review has ended already. Your decision did not count.',
  already_started: 'Too late: the call has already started, so it could not be stopped.',
  objection_unreadable:
    'A stored objection cannot be verified, so nothing can be approved. Ask an operator of Holdpoint.',
  already_voted: 'You have voted on this version already. Nothing was counted twice.',
  digest_mismatch:
    'The review has changed since this page showed it. Nothing was sent on; look at what is shown now and decide again.',
  not_an_approver: 'You may not vote on the level that is open now. Your decision did not count.',
  self_approval: 'Separation of duties: you proposed this, own its proposer, or voted earlier. It did not count.',
  repeat_not_confirmed: 'An equal call waits or has run already. Nothing was decided: say that twice is meant.',
  comment_required: 'This decision needs a comment.',
  edit_invalid: 'The changed arguments do not fit the tool. Nothing was sent on.',
  decision_not_allowed: 'This review does not allow that decision.',
  not_reconcilable: 'This review is not waiting to be reconciled (any more).',
  unauthenticated: 'You are signed out. Sign in again; nothing was decided.',
  rate_limited: 'Too many requests. Wait a moment; nothing was decided.',
};

export function refusalWords(code: string): string {
  if (code === 'connection_failed' || code === 'unreadable_answer')
    return 'No answer came. The decision may or may not have arrived: what is shown below is read again.';
  if (!Object.hasOwn(PROBLEMS, code)) return 'It could not be sent. What is shown below is read again.';
  return REFUSALS[code as ProblemCode] ?? `${PROBLEMS[code as ProblemCode].title}. Nothing was decided.`;
}

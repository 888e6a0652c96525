import type { Review } from '../../../../contract/review.ts';
import { visible } from '../../../../domain/text/visible.ts';
import { canBeStopped, wasStopped } from '../../../../domain/stop.ts';
import type { Notice, NoticeEvent } from '../../channel.ts';

/** Longest subject, in characters: what a phone shows is far shorter. */
const SUBJECT_LENGTH = 120;

const SUBJECT: Readonly<Record<Exclude<NoticeEvent, 'review.resolved'>, string>> = {
  'review.pending': 'Decide',
  'review.proceeding': 'Goes ahead',
  'review.blocked': 'Blocked',
  'review.decided': 'Your vote',
  'review.objection_lapsed': 'Your no lapsed',
  'review.revision_requested': 'Changes asked for',
  'review.revised': 'Changed, decide again',
  'review.reminder': 'Still waits',
  'review.escalated': 'Escalated, decide',
  'review.final': 'Ended',
  'execution.started': 'Started',
  'execution.executed': 'Done',
  'execution.failed': 'Failed',
  'execution.unknown': 'Outcome unknown',
  'execution.reconciled': 'Reconciled',
};

/** One line that says what it is about; nothing in it can begin another header. */
export function subjectOf({ event, review }: Notice): string {
  const isStop = event === 'execution.failed' && wasStopped(review);
  const what = event === 'review.resolved' ? ended(review) : isStop ? 'Stopped' : SUBJECT[event];
  return clipSubject(`${what}: ${nameOf(review)}`);
}

export function subjectOfDigest(reviews: number, deploymentId: string): string {
  return clipSubject(`Digest: ${reviews} ${reviews === 1 ? 'review' : 'reviews'} (${deploymentId})`);
}

/** What happened, in a sentence to the person who is told. */
export function sentenceOf({ event, review, vote }: Notice): string {
  switch (event) {
    case 'review.pending':
      return 'This call waits for your decision. If nobody decides in time, the answer is no.';
    case 'review.proceeding':
      return 'This call goes ahead without a decision. You are told because policy says so.';
    case 'review.blocked':
      return 'Policy stopped this call.';
    case 'review.decided':
      return describeVote(review, vote);
    case 'review.objection_lapsed':
      return 'Your no was about an earlier version of this call, which was replaced before it counted. Please decide again.';
    case 'review.revision_requested':
      return 'A reviewer asks for changes to this call, which an agent of yours proposed.';
    case 'review.revised':
      return 'There is another version of this call. Votes on earlier versions are void: please decide again.';
    case 'review.reminder':
      return 'This call still waits. If nobody decides in time, the answer is no.';
    case 'review.escalated':
      return 'This call has waited for long, so you may decide about it too.';
    case 'review.resolved':
      return `This review has ended: ${ended(review).toLowerCase()}.`;
    case 'review.final':
      return 'This review has ended, and so has its call.';
    case 'execution.started':
      return 'The call is being made.';
    case 'execution.executed':
      return 'The call was made.';
    case 'execution.failed':
      return wasStopped(review)
        ? 'A reviewer stopped this call after it was approved, before it ran.'
        : 'The call was let through and did not succeed.';
    case 'execution.unknown':
      return 'The call was sent and no answer came back. Nobody knows whether it took effect: please find out, and record it.';
    case 'execution.reconciled':
      return 'A reviewer recorded what had become of this call.';
    default:
      return event satisfies never;
  }
}

function describeVote(review: Review, vote: Notice['vote']): string {
  const found = review.revisions
    .flatMap(({ decisions }) => decisions)
    .find(({ decisionUlid }) => decisionUlid === vote?.decisionUlid);
  const warning = 'If that was not you, tell the operators of Holdpoint at once.';
  if (found === undefined && wasStopped(review)) {
    return `A no that stopped this call before it ran was recorded in your name. ${warning}`;
  }
  const said = found === undefined ? 'A vote' : `“${found.type}”, sent by ${found.channel} at ${found.decidedAt},`;
  return `${said} was recorded in your name. ${warning}`;
}

/** What can still be done about an approved call, for any mail about it. */
export function stopSentence(review: Review): readonly string[] {
  return canBeStopped(review) ? ['It is approved and has not run yet: a reviewer can still stop it.'] : [];
}

function ended({ status }: Review): string {
  switch (status) {
    case 'approved':
      return 'Approved';
    case 'rejected':
      return 'Rejected';
    case 'expired':
      return 'Expired, so the answer was no';
    case 'withdrawn':
      return 'Withdrawn by its proposer';
    case 'aborted':
      return 'Aborted from outside';
    case 'blocked':
      return 'Blocked by policy';
    case 'not_required':
      return 'Needed no decision';
    case 'pending':
    case 'changes_requested':
      // Told late, of a review that goes on: the state shown below it counts.
      return 'Changed';
    default:
      return status satisfies never;
  }
}

function nameOf(review: Review): string {
  return visible(review.kind === 'call' ? review.call.tool : (review.title ?? 'a question'));
}

function clipSubject(text: string): string {
  const characters = Array.from(text);
  return characters.length <= SUBJECT_LENGTH ? text : `${characters.slice(0, SUBJECT_LENGTH - 1).join('')}…`;
}

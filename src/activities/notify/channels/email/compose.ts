import { createHash, type KeyObject } from 'node:crypto';
import type { Review } from '../../../../contract/review.ts';
import { decisionsFor, stateOfReview, voterOf } from '../../../../domain/eligibility.ts';
import { capitalize, hasEnded, NOTICE, STATUS } from '../../../../domain/lifecycle.ts';
import { emailDecisionOf } from '../../../../domain/mail-decision.ts';
import type { Settings } from '../../../../domain/policy/settings.ts';
import { isDrill } from '../../../../domain/drill.ts';
import { mailboxOf, writeMailLink } from '../../../../domain/proof/mail-link.ts';
import { showReview } from '../../../../domain/show/show-review.ts';
import { shownBy } from '../../../../domain/show/shown-by.ts';
import { titleText } from '../../../../domain/show/title.ts';
import { layOutText } from '../../../../domain/show/to-text.ts';
import { canBeStopped, wasStopped } from '../../../../domain/stop.ts';
import { clip } from '../../../../domain/text/visible.ts';
import type { Batch, Notice, NoticeEvent, Recipient } from '../../channel.ts';
import { renderHtml, renderText, type ReviewLink, type MailPart } from './render.ts';

/**
 * Characters of one block, and of all blocks of a mail: one is clipped by its reader at about 100 kB, which markup reaches
 * sooner, and says itself what it leaves out.
 */
const LIMIT_ALONE = 6_000;
const LIMIT_IN_DIGEST = 800;
const MOST_CHARACTERS = 40_000;
/** Reviews that a digest lays out; of the others it has the line and the link. */
const LAID_OUT = 20;

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The same at every attempt, so that a mail that was sent twice is seen to be one. */
  readonly messageId: string;
  /** The thread of the review; null for a digest of several. */
  readonly thread: string | null;
  readonly listId: string;
}

/** Writes the mail of one batch. */
export function composeMail(
  batch: Batch,
  to: Recipient & { readonly email: string },
  settings: Settings,
  deps: LinkDeps,
): Mail {
  const groups = groupByReview(batch.notices);
  const limit = batch.form === 'each' ? LIMIT_ALONE : LIMIT_IN_DIGEST;
  const total = MOST_CHARACTERS / Math.min(groups.length, LAID_OUT);
  const parts = groups.map((notices, index) =>
    partOf(notices, to, settings, deps, index < LAID_OUT ? { limit, total } : null),
  );
  const [first] = batch.notices;
  const isOne = groups.length === 1;
  const subject =
    batch.form === 'each'
      ? subjectOf(first)
      : clip(`Digest: ${groups.length} ${isOne ? 'review' : 'reviews'} (${settings.deploymentId})`, SUBJECT_LENGTH);
  const domain = domainOf(settings);
  const name = hashName(to.id);
  return {
    to: to.email,
    subject,
    text: renderText(parts, settings.deploymentId),
    html: renderHtml(parts, settings.deploymentId),
    messageId: `<${batch.form}.${hashName(batch.id)}.${name}@${domain}>`,
    thread: isOne ? `<${first.review.reviewId}.${name}@${domain}>` : null,
    listId: `reviews.${settings.deploymentId}.${domain}`,
  };
}

function partOf(
  notices: readonly [Notice, ...Notice[]],
  recipient: Recipient,
  settings: Settings,
  deps: LinkDeps,
  room: { readonly limit: number; readonly total: number } | null,
): MailPart {
  const { review, materials = [] } = notices[notices.length - 1] ?? notices[0];
  const whole = showReview(review, { now: deps.now, ...shownBy(settings, review), materials });
  const shown = layOutText(whole, room?.limit ?? 0, room?.total);
  return {
    reviewId: review.reviewId,
    sentences: [...new Set(notices.map(sentenceOf)), ...stopSentence(review)],
    shown: room === null ? null : shown,
    title: shown.title,
    link: linkToReview(review, recipient, settings, deps),
  };
}

/** Longest subject, in characters: what a phone shows is far shorter. */
const SUBJECT_LENGTH = 120;

/** One line that says what it is about; nothing in it can begin another header. */
export function subjectOf({ event, review }: Pick<Notice, 'event' | 'review'>): string {
  const what = `${titleOf(event, review)}: `;
  return `${what}${titleText(review, SUBJECT_LENGTH - what.length)}`;
}

function titleOf(event: NoticeEvent, review: Review): string {
  if (isDrill(review) && event === 'review.pending') return 'Answer needed';
  if (event === 'review.resolved') return capitalize(STATUS[review.status].words);
  return event === 'execution.failed' && wasStopped(review) ? 'Stopped' : NOTICE[event].subject;
}

const DRILL =
  'This is a drill: nothing will happen. Please open the review and approve it, so that it is known that this mail reached you.';

/** What happened, in a sentence to the person who is told. */
export function sentenceOf({ event, review, vote }: Notice): string {
  if (event === 'review.decided') return describeVote(review, vote);
  if (event === 'execution.failed' && wasStopped(review)) {
    return 'A reviewer stopped this call after it was approved, before it ran.';
  }
  if (isDrill(review)) return event === 'review.pending' ? DRILL : 'This drill has ended.';
  // Told late, of a review that goes on, the state shown below it counts.
  if (event === 'review.resolved' && hasEnded(review.status)) {
    return `This review has ended: ${STATUS[review.status].words}.`;
  }
  const { sentence, ofQuestion = sentence } = NOTICE[event];
  return review.kind === 'call' ? sentence : ofQuestion;
}

function describeVote(review: Review, vote: Notice['vote']): string {
  const found = review.revisions
    .flatMap(({ decisions }) => decisions)
    .find(({ decisionUlid }) => decisionUlid === vote?.decisionUlid);
  const warning = 'If this was not you, tell the operators of Holdpoint at once.';
  if (found === undefined && wasStopped(review)) {
    return `A rejection that stopped this call before it ran was recorded in your name. ${warning}`;
  }
  const said = found === undefined ? 'A vote' : `“${found.type}”, sent by ${found.channel} at ${found.decidedAt},`;
  return `${said} was recorded in your name. ${warning}`;
}

/** What can still be done about an approved call, for any mail about it. */
export function stopSentence(review: Review): readonly string[] {
  return canBeStopped(review) ? ['It is approved and has not run yet: a reviewer can still stop it.'] : [];
}

export interface LinkDeps {
  /** Where people reach the api, without a slash at the end; null: unknown. */
  readonly baseUrl: string | null;
  /** Signs links that decide; undefined: this process has none, so mails ask to sign in. */
  readonly mailKey: KeyObject | undefined;
  readonly now: number;
}

/** The way from a mail to one review for one person. A link that decides is written only where it would hold now. */
export function linkToReview(review: Review, recipient: Recipient, settings: Settings, deps: LinkDeps): ReviewLink {
  const { baseUrl, mailKey, now } = deps;
  const { digest } = review.call;
  const decides = decisionsFor(stateOfReview(review), voterOf(recipient), now).length > 0;
  const mode = decides ? emailDecisionOf(review, settings) : 'sign-in';
  if (baseUrl === null || mode === 'off') return { kind: 'none' };
  // Past the deadline an approved call can still be stopped, with a session.
  const expiresAt = review.expiresAt === null ? now : Date.parse(review.expiresAt);
  const isConfirmed = mode === 'confirm' && decides && expiresAt > now;
  if (!isConfirmed || mailKey === undefined || digest === null || recipient.email === undefined) {
    return { kind: 'review', url: `${baseUrl}/reviews/${review.reviewId}`, decides };
  }
  const link = {
    deploymentId: settings.deploymentId,
    reviewId: review.reviewId,
    reviewer: recipient.id,
    digest,
    expiresAt,
    mailbox: mailboxOf(recipient.email),
  };
  return { kind: 'decide', url: `${baseUrl}/mail/${writeMailLink(link, mailKey)}` };
}

/** In the order in which each review came up first. */
function groupByReview(notices: Batch['notices']): readonly [Notice, ...Notice[]][] {
  const groups = new Map<string, [Notice, ...Notice[]]>();
  for (const notice of notices) {
    const group = groups.get(notice.review.reviewId);
    if (group === undefined) groups.set(notice.review.reviewId, [notice]);
    else group.push(notice);
  }
  return [...groups.values()];
}

/** Message ids name the domain that mails come from, as they should; what is no domain does not get into a header. */
function domainOf(settings: Settings): string {
  const from = settings.notifications?.email?.from ?? '';
  const domain = from
    .slice(from.lastIndexOf('@') + 1)
    .trim()
    .replace(/>$/, '');
  const isDomain = from.includes('@') && /^[A-Za-z0-9]([A-Za-z0-9.-]{0,200}[A-Za-z0-9])?$/.test(domain);
  return isDomain ? domain : 'holdpoint.invalid';
}

/** Short, the same every time, and without a character that a header could trip over. */
function hashName(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 24);
}

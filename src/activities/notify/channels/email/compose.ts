import { createHash } from 'node:crypto';
import type { Settings } from '../../../../domain/policy/settings.ts';
import { showReview, shownBy } from '../../../../domain/show/show-review.ts';
import type { Batch, Notice, Recipient } from '../../channel.ts';
import { doorTo, type DoorDeps } from './doors.ts';
import { renderHtml, renderText, type MailPart } from './render.ts';
import { sentenceOf, stopSentence, subjectOf, subjectOfDigest } from './words.ts';

/** Characters of one block: a mail is clipped by its reader at about 100 kB, and says itself what it leaves out. */
const LIMIT_ALONE = 6_000;
const LIMIT_IN_DIGEST = 800;
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
  deps: DoorDeps,
): Mail {
  const groups = groupByReview(batch.notices);
  const limit = batch.form === 'each' ? LIMIT_ALONE : LIMIT_IN_DIGEST;
  const parts = groups.map((notices, index) => partOf(notices, to, settings, deps, index < LAID_OUT ? limit : null));
  const [first] = batch.notices;
  const isOne = groups.length === 1;
  const subject = batch.form === 'each' ? subjectOf(first) : subjectOfDigest(groups.length, settings.deploymentId);
  const domain = domainOf(settings);
  const name = nameOf(to.id);
  return {
    to: to.email,
    subject,
    text: renderText(parts, settings.deploymentId),
    html: renderHtml(parts, settings.deploymentId, subject),
    messageId: `<${batch.form}.${nameOf(batch.id)}.${name}@${domain}>`,
    thread: isOne ? `<${first.review.reviewId}.${name}@${domain}>` : null,
    listId: `reviews.${settings.deploymentId}.${domain}`,
  };
}

function partOf(
  notices: readonly [Notice, ...Notice[]],
  recipient: Recipient,
  settings: Settings,
  deps: DoorDeps,
  limit: number | null,
): MailPart {
  const { review, materials = [] } = notices[notices.length - 1] ?? notices[0];
  const shown = showReview(review, { now: deps.now, limit: limit ?? 0, ...shownBy(settings, review), materials });
  return {
    reviewId: review.reviewId,
    sentences: [...new Set(notices.map(sentenceOf)), ...stopSentence(review)],
    shown: limit === null ? null : shown,
    title: shown.title,
    door: doorTo(review, recipient, settings, deps),
  };
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
function nameOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 24);
}

import type { Material, Review, WrittenAmount } from '../../contract/review.ts';
import { approversAt, countYeses, openLevelOf } from '../eligibility.ts';
import { capitalize, EXECUTION, hasEnded, STATUS } from '../lifecycle.ts';
import { writeAmounts, wordsOfPlace } from '../money.ts';
import { endWords, timelineOf } from '../show/show-timeline.ts';
import type { ShownTool } from '../show/shown.ts';
import { titleText, writeSentence } from '../show/title.ts';
import { writeLine } from '../show/to-text.ts';
import { STOPPED_WORDS, wasStopped } from '../stop.ts';
import { executionErrorWords, reasonWords } from '../words.ts';

/** Limits of the Temporal Web UI, in UTF-8 bytes. */
const SUMMARY_BYTES = 400;
const DETAILS_BYTES = 20_000;

/** Summary and details of a call that was proposed, in Markdown, for the Temporal Web UI until it is classified. */
export function describeProposal(
  call: Pick<Material, 'tool' | 'arguments'> & { readonly reason?: string | undefined },
  proposer: string,
  tool: ShownTool | undefined,
): { readonly summary: string; readonly details: string } {
  const amounts = writeAmounts(tool?.money, call.arguments, []);
  const sentence = writeLine(writeSentence(call.tool, tool?.title, call.arguments, amounts));
  const args = head(JSON.stringify(call.arguments), DETAILS_BYTES);
  const lines = [
    `Proposed by ${escapeMarkdown(proposer)}: ${escapeMarkdown(call.tool)}`,
    ...(call.reason === undefined ? [] : [`The agent says: ${escapeMarkdown(call.reason)}`]),
    ...amounts.map(describeAmount),
    `Arguments: ${escapeMarkdown(args)}`,
  ];
  return { summary: summarize(sentence), details: clip(lines.join('\n\n'), DETAILS_BYTES) };
}

/** One line of Markdown for the Temporal Web UI. ◆ Above 400 bytes the server refuses the start. */
export function summarize(text: string): string {
  return clip(escapeMarkdown(head(text, SUMMARY_BYTES)), SUMMARY_BYTES);
}

/**
 * Details for the Temporal Web UI, which renders Markdown: everything that came from outside is escaped, so that a
 * proposer cannot draw a heading, a link or an image there. `pageUrl`: of the review's page, from the configuration.
 */
export function describeReview(review: Review, at: number, pageUrl: string | null = null): string {
  const { proposer, call, execution } = review;
  const lines = [
    `**${escapeMarkdown(whereItStands(review, at))}**`,
    escapeMarkdown(titleText(review)),
    ...(pageUrl === null ? [] : [`[Open the review](<${pageUrl.replaceAll(/[<>\\\s]/g, encodeURIComponent)}>)`]),
    ...describeEvents(review),
    `Proposed by ${escapeMarkdown(proposer.id)}${proposer.attested ? '' : ' (not attested)'}, ${proposer.owner === null ? 'no owner' : `owner ${escapeMarkdown(proposer.owner)}`}`,
    ...describeDeadline(review),
    `Why: ${review.reasonCodes.map((code) => escapeMarkdown(reasonWords(code))).join('; ') || 'the class of the tool'}`,
    `Status ${review.status} · execution ${execution.status} · class ${review.class ?? 'unknown'} · tool ${escapeMarkdown(call.tool)}`,
    ...(review.amounts ?? []).map(describeAmount),
    `Arguments (revision ${review.revision}): ${escapeMarkdown(head(JSON.stringify(call.arguments), DETAILS_BYTES))}`,
    ...(review.reason === null ? [] : [`The agent says: ${escapeMarkdown(review.reason)}`]),
  ];
  return clip(lines.join('\n\n'), DETAILS_BYTES);
}

/** Where a review stands, in one line of plain text: what it waits for, or how it ended and what became of the call. */
export function whereItStands(review: Review, at: number): string {
  const { status, execution, resolution, expiresAt } = review;
  const until = expiresAt === null ? '' : `, until ${utc(expiresAt)}`;
  const level = openLevelOf(review);
  if (level !== undefined) {
    const chain = review.levels.length === 1 ? '' : ` (level ${review.level} of ${review.levels.length})`;
    const votes = `${countYeses(level)} of ${level.quorum}`;
    return `Waiting for ${approversAt(level, at).join(' or ')}, ${votes}${chain}${until}`;
  }
  if (status === 'changes_requested') return `Waiting for ${review.proposer.id} to change it${until}`;
  if (!hasEnded(status)) return `Being prepared for a decision${until}`;
  const voters =
    status === 'approved' ? review.levels.flatMap(({ decisions }) => decisions.map((one) => one.reviewer)) : [];
  const by = voters.length > 0 ? [...new Set(voters)].join(', ') : resolution?.by;
  const ended = `${capitalize(endWords(review))}${by ? ` by ${by}` : ''}`;
  if (review.kind === 'in-flow' || STATUS[status].answer !== 'execution') return ended;
  if (wasStopped(review)) return `${ended}, then ${STOPPED_WORDS}`;
  const { deferred } = execution;
  if (execution.status === 'not_started') {
    return `${ended}, not run yet${deferred === undefined ? '' : `; not made again before ${utc(deferred.retryAt)}`}`;
  }
  const { error } = execution;
  const why = execution.status === 'failed' && error !== null ? ` (${executionErrorWords(error.code)})` : '';
  return `${ended}; ${EXECUTION[execution.status].words}${why}`;
}

function describeDeadline({ kind, status, expiresAt }: Review): string[] {
  if (expiresAt === null || hasEnded(status)) return [];
  return [`Deadline: ${expiresAt}, then ${kind === 'call' ? 'the answer is no' : 'it expires'}`];
}

/** What has happened since the proposal, oldest first. */
function describeEvents(review: Review): string[] {
  const [, ...events] = timelineOf(review);
  if (events.length === 0) return [];
  const lines = events.map(({ at, line, comment }) => {
    const words = comment === null ? '' : `: ${escapeMarkdown(JSON.stringify(comment))}`;
    return `- ${utc(at)}: ${escapeMarkdown(writeLine(line))}${words}`;
  });
  return ['What happened:', lines.join('\n')];
}

/** `2026-04-01 12:00 UTC`, of an ISO 8601 time. */
function utc(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

function describeAmount({ place, text }: WrittenAmount): string {
  return `${escapeMarkdown(wordsOfPlace(place))}: ${escapeMarkdown(text)}`;
}

/** What Markdown gives a meaning anywhere in a line; a colon and a hyphen only before another character of a kind. */
const INLINE = /[\\`*_{}[\]<>|~&@$^]|:(?=\/)|-(?=-)|(?<=-)-/g;
/** At the beginning of a line: headings, lists, underlines of headings. */
const LEADING = /^(\s*)(?:(\d+)([.)])|([#+=-]))/;

/**
 * A line of Markdown that reads as this text. What has a meaning there stands behind a backslash, that of bare links
 * (`https://`, `www.`, `a@b`) included, and nothing else does: the event history shows summaries as they are.
 */
export function escapeMarkdown(text: string): string {
  return plain(text)
    .replace(INLINE, (character) => `\\${character}`)
    .replace(LEADING, (_all, space: string, number = '', point = '', mark = '') => `${space}${number}\\${point}${mark}`)
    .replace(/(www)\./gi, '$1\\.');
}

/**
 * One line without what could make a call look like another: control, bidi, zero-width and otherwise invisible
 * characters, and halves of characters.
 */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '\ufffd');
}

/** As much of a text as {@link clip} can leave of it: escaping all of a long one takes far longer, and adds bytes only. */
function head(text: string, limit: number): string {
  return text.slice(0, limit + 1);
}

/** Cuts to at most `limit` UTF-8 bytes, on a character boundary. The workflow sandbox has no Buffer. */
export function clip(text: string, limit: number): string {
  if (text.length * 3 <= limit) return text;
  const ellipsis = '…';
  let bytes = 0;
  let end = 0;
  let fitting = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    end += character.length;
    if (bytes <= limit - 3) fitting = end;
    if (bytes > limit) return text.slice(0, fitting) + ellipsis;
  }
  return text;
}

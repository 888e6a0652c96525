import type { Material, Review, WrittenAmount } from '../../contract/review.ts';
import { approversAt, countYeses, openLevelOf } from '../eligibility.ts';
import { writeAmounts, wordsOfPlace } from '../money.ts';
import type { ShownTool } from '../show/shown.ts';
import { titleText, writeSentence } from '../show/title.ts';
import { writeLine } from '../show/to-text.ts';

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
  const summary = clip(escapeMarkdown(sentence), SUMMARY_BYTES);
  return { summary, details: clip(lines.join('\n\n'), DETAILS_BYTES) };
}

/** One line of Markdown for the Temporal Web UI. ◆ Above 400 bytes the server refuses the start. */
export function summarize(text: string): string {
  return clip(escapeMarkdown(head(text, SUMMARY_BYTES)), SUMMARY_BYTES);
}

/**
 * Details for the Temporal Web UI, which renders Markdown: everything that came from outside is escaped, so that a
 * proposer cannot draw a heading, a link or an image there.
 */
export function describeReview(review: Review, at: number): string {
  const lines = [
    `**${review.status}** · ${escapeMarkdown(titleText(review))}`,
    `Tool ${escapeMarkdown(review.call.tool)}, class ${review.class ?? 'unknown'}`,
    `Proposed by ${escapeMarkdown(review.proposer.id)}${review.proposer.attested ? '' : ' (not attested)'}, owner ${escapeMarkdown(review.proposer.owner ?? 'unknown')}`,
    ...(review.expiresAt === null ? [] : [`Deadline: ${review.expiresAt}, then the answer is no`]),
    ...waitingFor(review, at),
    `Why: ${review.reasonCodes.map(escapeMarkdown).join(', ') || 'class of the tool'}`,
    `Execution: ${review.execution.status}${deferredWords(review)}`,
    ...(review.amounts ?? []).map(describeAmount),
    `Arguments (revision ${review.revision}): ${escapeMarkdown(head(JSON.stringify(review.call.arguments), DETAILS_BYTES))}`,
    ...(review.reason === null ? [] : [`The agent says: ${escapeMarkdown(review.reason)}`]),
  ];
  return clip(lines.join('\n\n'), DETAILS_BYTES);
}

function deferredWords({ execution: { deferred } }: Review): string {
  if (deferred === undefined) return '';
  return `, deferred until ${deferred.retryAt}: ${escapeMarkdown(deferred.message)}`;
}

function describeAmount({ place, text }: WrittenAmount): string {
  return `${escapeMarkdown(wordsOfPlace(place))}: ${escapeMarkdown(text)}`;
}

function waitingFor(review: Review, at: number): string[] {
  const level = openLevelOf(review);
  if (level === undefined) return [];
  const groups = approversAt(level, at).map(escapeMarkdown).join(' or ');
  return [
    `Waiting for ${level.quorum - countYeses(level)} of ${groups} (level ${review.level} of ${review.levels.length})`,
  ];
}

/**
 * Every character that Markdown gives a meaning, those of bare links (`https:`, `www.`, `a@b`) among them, stands behind
 * a backslash.
 */
export function escapeMarkdown(text: string): string {
  return plain(text)
    .replace(/[\\`*_{}[\]()<>#+!|~&:@$^=-]/g, (character) => `\\${character}`)
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

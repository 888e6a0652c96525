import type { KnownBlock, RichTextBlock, SectionBlock } from '@slack/types';
import type { TextBlock, TextSection, TextShown } from '../show/to-text.ts';
import { sliceCharacters } from '../text/visible.ts';

/** Limits of Slack: 3,000 characters a section, 150 a header (https://docs.slack.dev/reference/block-kit/blocks). */
const SECTION = 3_000;
export const HEADER = 150;

/** What is laid out for every medium, as blocks of Slack. No text from outside is ever read as mrkdwn. */
export function shownToBlocks(shown: Pick<TextShown, 'title' | 'sections'>): KnownBlock[] {
  const title = clipText(shown.title, HEADER);
  return [
    { type: 'header', text: { type: 'plain_text', text: title === '' ? '?' : title, emoji: false } },
    ...shown.sections.flatMap(sectionToBlocks),
  ];
}

function sectionToBlocks({ heading, blocks }: TextSection): KnownBlock[] {
  return [{ type: 'divider' }, richHeading(heading), ...blocks.flatMap(blockToBlocks)];
}

function blockToBlocks(block: TextBlock): KnownBlock[] {
  switch (block.kind) {
    case 'pairs':
      return plain(block.pairs.map(([label, value]) => `${label}: ${value}`).join('\n'));
    case 'code':
      return [preformatted(block.label, block.lines)];
    case 'table':
      return [
        preformatted(
          block.label,
          [block.head, ...block.rows].map((row) => row.join(' | ')),
        ),
      ];
    case 'quote':
      return [rich({ type: 'rich_text_quote', elements: [{ type: 'text', text: orBlank(block.lines.join('\n')) }] })];
    case 'warning':
      return plain(`⚠ ${block.text}`);
    default:
      return block satisfies never;
  }
}

function richHeading(text: string): RichTextBlock {
  return rich({ type: 'rich_text_section', elements: [{ type: 'text', text, style: { bold: true } }] });
}

/** One block with its label: a message has room for few. */
function preformatted(label: string, lines: readonly string[]): RichTextBlock {
  return rich(
    { type: 'rich_text_section', elements: [{ type: 'text', text: `${label}:` }] },
    { type: 'rich_text_preformatted', elements: [{ type: 'text', text: orBlank(lines.join('\n')) }] },
  );
}

function rich(...elements: RichTextBlock['elements']): RichTextBlock {
  return { type: 'rich_text', elements };
}

/** As many sections as the text needs. `expand`: nothing of it waits behind “see more”. */
function plain(text: string): SectionBlock[] {
  const parts: string[] = [];
  for (let rest = text; rest !== '';) {
    const part = sliceCharacters(rest, SECTION);
    parts.push(part);
    rest = rest.slice(part.length);
  }
  return parts.map((part) => ({
    type: 'section',
    expand: true,
    text: { type: 'plain_text', text: part, emoji: false },
  }));
}

/** Slack takes no empty text. */
function orBlank(text: string): string {
  return text === '' ? ' ' : text;
}

/**
 * Text in Slack's mrkdwn. `&`, `<` and `>` are its control characters: `<https://…|text>` is a link, `<!channel>` calls
 * everybody, `<@U…>` somebody (https://docs.slack.dev/messaging/formatting-message-text#escaping). Formatting characters
 * have no escape there, so what others wrote goes into plain text and rich text blocks instead, where none has a meaning.
 */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** At most `length` UTF-16 units, which is what Slack counts, and never half of a character. */
export function clipText(text: string, length: number): string {
  return text.length <= length ? text : `${sliceCharacters(text, length - 1)}…`;
}

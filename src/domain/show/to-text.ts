import type { Json } from '../../contract/json.ts';
import { isSealed } from '../seal-binding.ts';
import { findLookAlikes, nameLetter } from '../text/look-alikes.ts';
import { formatLeft, formatSpan } from '../text/time.ts';
import { sliceCharacters, visible, visibleJson, visibleLines } from '../text/visible.ts';
import { quoteSaid, type Block, type Line, type Shown, type Voice } from './shown.ts';

/**
 * A review laid out as text, for mails, Slack and the terminal. Every text in it has been made visible (no control, bidi
 * or zero-width character is left) and none has been escaped for HTML: `to-html.ts` does that.
 */
export interface TextShown {
  readonly title: string;
  readonly sections: readonly TextSection[];
  /** Something was left out for length; the section says so too. */
  readonly clipped: boolean;
}

export interface TextSection {
  readonly heading: string;
  readonly voice: Voice;
  readonly blocks: readonly TextBlock[];
}

export type TextBlock =
  | { readonly kind: 'pairs'; readonly pairs: readonly (readonly [label: string, value: string])[] }
  /** Kept line by line, in a fixed-width font. */
  | { readonly kind: 'code'; readonly label: string; readonly lines: readonly string[] }
  | {
      readonly kind: 'table';
      readonly label: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'quote'; readonly lines: readonly string[] }
  | { readonly kind: 'warning'; readonly text: string };

/** `limit`: characters of one block, `total`: of all; Infinity shows everything. */
export function layOutText(shown: Shown, limit = Infinity, total = Infinity): TextShown {
  const clipper = new Clipper(limit, total);
  const sections = shown.sections.map((section): TextSection => {
    const blocks = clipper.blocks(section.blocks.flatMap((block) => layOutBlock(block, clipper)));
    return {
      heading: section.heading,
      voice: section.voice,
      blocks: [
        ...(section.voice === 'agent' ? blocks.map(asQuote) : blocks),
        ...warnOfLookAlikes(section.blocks.flatMap(textsOf)),
      ],
    };
  });
  const title = writeLine(shown.title);
  const [why, ...rest] = sections;
  if (why === undefined) return { title, sections, clipped: clipper.clipped };
  const odd = warnOfLookAlikes([...shown.title.flatMap(saidIn), shown.tool ?? '']);
  const first: TextBlock[] = shown.tool === null ? [] : [{ kind: 'pairs', pairs: [['Tool', visible(shown.tool)]] }];
  const all = [{ ...why, blocks: [...first, ...odd, ...why.blocks] }, ...rest];
  return { title, sections: all, clipped: clipper.clipped };
}

/** One line of text, with what others said in quotes. */
export function writeLine(line: Line): string {
  return line
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('said' in part) return visible(quoteSaid(part.said));
      if ('policy' in part) return visible(part.policy);
      if ('value' in part) return visible(part.value);
      if ('code' in part) return visible(part.code);
      if ('review' in part) return part.review;
      if ('until' in part) return `${formatLeft(part.until, part.now)} (until ${part.until})`;
      return part.now === undefined ? visible(part.at) : `${formatSpan(part.now - Date.parse(part.at))} ago`;
    })
    .join('');
}

function layOutBlock(block: Block, clipper: Clipper): TextBlock[] {
  switch (block.kind) {
    case 'pairs':
      return [
        {
          kind: 'pairs',
          pairs: block.pairs.map(({ label, value }) => [writeLine(label), clipper.text(writeLine(value))] as const),
        },
      ];
    case 'values': {
      const { label, values } = block;
      const texts = Object.entries(values).flatMap(([name, value]): TextBlock[] =>
        // JSON shows a text of several lines in one; messages are read line by line.
        typeof value === 'string' && value.includes('\n')
          ? [{ kind: 'code', label: `${visible(name)}, line by line`, lines: clipper.lines(visibleLines(value)) }]
          : [],
      );
      return [{ kind: 'code', label, lines: clipper.lines(visibleJson(maskSealed(values))) }, ...texts];
    }
    case 'json':
      return [
        { kind: 'code', label: writeLine(block.label), lines: clipper.lines(visibleJson(maskSealed(block.value))) },
      ];
    case 'text':
      return [{ kind: 'code', label: writeLine(block.label), lines: clipper.lines(visibleLines(block.text)) }];
    case 'table': {
      const rows = clipper.rows(block.rows).map((row) => row.map((cell) => clipper.text(visible(cell))));
      return [{ kind: 'table', label: writeLine(block.label), head: block.head.map(visible), rows }];
    }
    case 'changes': {
      const lines = clipper.lines(writeChanges(block.lines));
      return [{ kind: 'code', label: 'Lines with + are new, lines with - are gone', lines }];
    }
    case 'events':
      return block.events.flatMap(({ at, line, comment }): TextBlock[] => [
        { kind: 'pairs', pairs: [[at, writeLine(line)]] },
        ...(comment === null ? [] : [{ kind: 'quote' as const, lines: clipper.lines(visibleLines(comment)) }]),
      ]);
    case 'quote':
      return [{ kind: 'quote', lines: clipper.lines(visibleLines(block.text)) }];
    case 'warning':
      return [{ kind: 'warning', text: clipper.text(writeLine(block.line)) }];
    default:
      return block satisfies never;
  }
}

/** Lines that stay around a change. */
const AROUND = 2;
const SIGNS = { same: ' ', added: '+', removed: '-' } as const;

function writeChanges(lines: Extract<Block, { kind: 'changes' }>['lines']): readonly string[] {
  const isShown = lines.map((_line, at) =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ kind }) => kind !== 'same'),
  );
  return lines.flatMap(({ kind, text }, at) => {
    if (isShown[at]) return [`${SIGNS[kind]} ${visible(text)}`];
    return isShown[at - 1] === true ? ['  …'] : [];
  });
}

/** Each line of the agent's is marked as its own, the names of what it gives included. */
function asQuote(block: TextBlock): TextBlock {
  return block.kind === 'pairs'
    ? { kind: 'quote', lines: block.pairs.map(([label, value]) => `${label}: ${value}`) }
    : block;
}

/** What is sealed is shown as sealed: the ciphertext tells a reader nothing. */
function maskSealed(value: Json): Json {
  if (isSealed(value)) return { $sealed: '(encrypted; only the execute worker can read it)' };
  if (Array.isArray(value)) return (value as readonly Json[]).map(maskSealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskSealed(item)]));
}

/** Words of others that read as something else than they are. The page marks them where they stand. */
function warnOfLookAlikes(texts: readonly string[]): TextBlock[] {
  return findLookAlikes(texts.join('\n')).map(({ word, letters }) => ({
    kind: 'warning',
    text: `“${visible(word)}” is not what it looks like: it has ${letters.map(nameLetter).join(', ')}.`,
  }));
}

function textsOf(block: Block): readonly string[] {
  switch (block.kind) {
    case 'pairs':
      return block.pairs.flatMap(({ label, value }) => [...label, ...value].flatMap(saidIn));
    case 'values':
      return textsOfJson(block.values);
    case 'json':
      return textsOfJson(block.value);
    case 'table':
      return [...block.head, ...block.rows.flat()];
    case 'changes':
      return [];
    case 'events':
      return block.events.flatMap(({ line, comment }) => [...line.flatMap(saidIn), comment ?? '']);
    case 'text':
    case 'quote':
      return [block.text];
    case 'warning':
      return block.line.flatMap(saidIn);
    default:
      return block satisfies never;
  }
}

function saidIn(part: Line[number]): readonly string[] {
  if (typeof part === 'string') return [];
  if ('said' in part) return [part.said];
  if ('value' in part) return [part.value];
  if ('policy' in part) return [part.policy];
  return 'code' in part ? [part.code] : [];
}

/** Not as JSON, whose escapes would be read as letters of the word that follows. */
function textsOfJson(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(textsOfJson);
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsOfJson(item)]);
}

/** For plain-text mails and the terminal. Text from outside stands behind a bar, so that it cannot pass for Holdpoint's own. */
export function shownToText({ sections }: Pick<TextShown, 'sections'>): string[] {
  return sections.flatMap(({ heading, blocks }) => ['', heading.toUpperCase(), ...blocks.flatMap(blockToText)]);
}

export function blockToText(block: TextBlock): string[] {
  switch (block.kind) {
    case 'pairs':
      return block.pairs.map(([label, value]) => `  ${label}: ${value}`);
    case 'code':
      return [`  ${block.label}:`, ...block.lines.map((line) => `  │ ${line}`)];
    case 'quote':
      return block.lines.map((line) => `  │ ${line}`);
    case 'table':
      return [`  ${block.label}:`, ...[block.head, ...block.rows].map((row) => `  │ ${row.join(' · ')}`)];
    case 'warning':
      return [`  ! ${block.text}`];
    default:
      return block satisfies never;
  }
}

/** Text on its way into a section; cut where it is longer than `limit` characters. */
class Clipper {
  readonly #limit: number;
  #left: number;
  clipped = false;

  constructor(limit: number, total: number) {
    this.#limit = limit;
    this.#left = total;
  }

  /** Those for which there is room, in order, and how many more there are. */
  blocks(blocks: readonly TextBlock[]): readonly TextBlock[] {
    const fitting = blocks.findIndex((block) => {
      this.#left -= JSON.stringify(block).length;
      return this.#left < 0;
    });
    if (fitting === -1) return blocks;
    this.clipped = true;
    const text = `[cut here: ${blocks.length - fitting} of ${blocks.length} parts are left out]`;
    return [...blocks.slice(0, fitting), { kind: 'warning', text }];
  }

  /** As many whole lines, and as much of the next, as fit. */
  lines(lines: readonly string[]): readonly string[] {
    const kept: string[] = [];
    let left = this.#limit;
    for (const line of lines) {
      if (line.length > left) {
        kept.push(`${sliceCharacters(line, left)}…`, this.#note(lines));
        return kept;
      }
      kept.push(line);
      left -= line.length + 1;
    }
    return kept;
  }

  rows<T>(rows: readonly T[]): readonly T[] {
    const most = Number.isFinite(this.#limit) ? 20 : rows.length;
    if (rows.length > most) this.clipped = true;
    return rows.slice(0, most);
  }

  text(text: string): string {
    return this.lines([text]).join(' ');
  }

  #note(lines: readonly string[]): string {
    this.clipped = true;
    const all = lines.reduce((sum, line) => sum + line.length + 1, -1);
    return `[cut here: this is only the beginning of ${all} characters]`;
  }
}

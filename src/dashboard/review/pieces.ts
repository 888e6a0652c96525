import { getSegments } from 'sql-highlight';
import { splitVisible, type TextPart, PIECE } from '../ui/visible.ts';

export type Mark = 'keyword' | 'function' | 'string' | 'number' | 'comment';

export interface Span {
  readonly part: TextPart;
  readonly mark: Mark | undefined;
}

/** Colours over text: `text` of all segments put together is the text they are for. */
export interface Segment {
  readonly text: string;
  readonly mark: Mark | undefined;
}

/**
 * Text cut into pieces of a size that fits on any screen. What is hidden is found over the whole text first, so that
 * neither a colour nor a cut can separate what belongs together.
 */
export function cutIntoPieces(text: string, segments?: readonly Segment[]): readonly (readonly Span[])[] {
  const spans = paint(splitVisible(text, { keepLines: true }), segments ?? []);
  const pieces: Span[][] = [];
  let piece: Span[] = [];
  let size = 0;
  let lines = 0;
  const close = (): void => {
    if (piece.length > 0) pieces.push(piece);
    piece = [];
    size = 0;
    lines = 0;
  };
  for (const span of spans.flatMap(cutSpan)) {
    const { text } = span.part;
    if (size + text.length > PIECE.characters || lines >= PIECE.lines) close();
    piece.push(span);
    size += span.part.kind === 'plain' ? text.length : 8;
    lines += text.endsWith('\n') ? 1 : 0;
  }
  close();
  return pieces;
}

/** Plain text by lines, and long lines by length, never inside a character. */
function cutSpan(span: Span): Span[] {
  if (span.part.kind !== 'plain') return [span];
  const lines = span.part.text.match(/[^\n]*\n|[^\n]+/g) ?? [];
  return lines
    .flatMap((line) => (line.length <= PIECE.characters ? [line] : (line.match(/[\s\S]{1,360}/gu) ?? [])))
    .map((text) => ({ part: { kind: 'plain', text }, mark: span.mark }));
}

function paint(parts: readonly TextPart[], segments: readonly Segment[]): Span[] {
  if (segments.length === 0) return parts.map((part) => ({ part, mark: undefined }));
  const spans: Span[] = [];
  let segment = 0;
  let left = segments[0]?.text.length ?? 0;
  for (const part of parts) {
    let rest = part.text;
    while (rest !== '') {
      const take = Math.min(rest.length, Math.max(left, 1));
      const text = part.kind === 'plain' ? rest.slice(0, take) : rest;
      const mark = segments[segment]?.mark;
      spans.push({ part: part.kind === 'plain' ? { kind: 'plain', text } : part, mark });
      rest = rest.slice(text.length);
      left -= text.length;
      while (left <= 0 && segment < segments.length - 1) {
        segment += 1;
        left += segments[segment]?.text.length ?? 0;
      }
    }
  }
  return spans;
}

/** Above this colours cost more than they help. */
const LONGEST = 20_000;

const MARKS: Readonly<Record<string, Mark>> = {
  keyword: 'keyword',
  function: 'function',
  string: 'string',
  number: 'number',
  comment: 'comment',
};

/** Colours for SQL. They help to read and judge nothing: where they do not cover the text exactly, there are none. */
export function highlightSql(sql: string): readonly Segment[] {
  if (sql.length > LONGEST) return [];
  const segments = getSegments(sql).map(({ name, content }): Segment => ({
    text: content,
    // `#` begins a comment in MySQL and is an operator in PostgreSQL: it must not look like something that is ignored.
    mark: name === 'comment' && content.startsWith('#') ? undefined : MARKS[name],
  }));
  return segments.map(({ text }) => text).join('') === sql ? segments : [];
}

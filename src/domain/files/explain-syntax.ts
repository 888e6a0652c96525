import { visit, type Document, type YAMLParseError } from 'yaml';

/** What is wrong in a file, and where: characters from its start. */
export interface SyntaxProblem {
  readonly offset: number;
  readonly message: string;
  readonly fix: string;
}

interface Line {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly text: string;
  readonly indent: number;
}

/**
 * Why a file is not YAML, at the mistake itself. The parser goes on after the first mistake and finds more, none of which is
 * there once that is mended: one is told, or several keys that stand twice.
 */
export function explainSyntax(text: string, doc: Document): readonly SyntaxProblem[] {
  const errors = doc.errors;
  const first = errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  if (first === undefined) return errors.map((error) => explainDuplicate(text, error));
  return [
    findConflict(text) ??
      explainTab(errors) ??
      explainQuote(text, doc, first) ??
      explainBracket(text, doc, first) ??
      explainLine(text, first) ??
      explainCharacter(text, first) ??
      problem(
        first.pos[0],
        `this is not valid YAML: ${first.message.split('\n')[0] ?? ''}`,
        'Check colons, quotes and indentation here and on the line before',
      ),
  ];
}

function problem(offset: number, message: string, fix: string): SyntaxProblem {
  return { offset, message, fix };
}

function explainDuplicate(text: string, { pos: [offset] }: YAMLParseError): SyntaxProblem {
  const { text: line, start } = lineAt(text, offset);
  const key = /^[^:\s,}]*/.exec(line.slice(offset - start))?.[0] ?? '';
  return { offset, message: `the key ${key} is in this block twice`, fix: 'Keep one of the two' };
}

function findConflict(text: string): SyntaxProblem | undefined {
  const marker = /^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?\r?$/m.exec(text);
  if (marker === null) return undefined;
  const fix = 'Keep one side, and delete the lines that begin with <<<<<<<, ======= and >>>>>>>';
  return { offset: marker.index, message: 'the file has a merge conflict, which begins here', fix };
}

function explainTab(errors: readonly YAMLParseError[]): SyntaxProblem | undefined {
  const tab = errors.find(({ code }) => code === 'TAB_AS_INDENT');
  return tab && { offset: tab.pos[0], message: 'the line is indented with a tab', fix: 'Indent it with spaces' };
}

/** A quote that nothing closes, or that the next quote of the file closes, some lines below. */
function explainQuote(text: string, doc: Document, { code, message, pos }: YAMLParseError): SyntaxProblem | undefined {
  const isOpen = code === 'MISSING_CHAR' && message.includes('closing');
  let found: SyntaxProblem | undefined;
  visit(doc, {
    Scalar(_key, { type, range }) {
      const [start, end] = range ?? [0, 0];
      if (type?.startsWith('QUOTE') !== true || start > pos[0] || (!isOpen && !text.slice(start, end).includes('\n')))
        return;
      const reaches = isOpen ? end >= pos[0] : lineAt(text, end).number === lineAt(text, pos[0]).number;
      const quote = text.charAt(start);
      if (reaches)
        found = problem(start, `the text that begins here has no closing ${quote}`, `Add ${quote} where it ends`);
    },
  });
  return found;
}

/** A list or block in brackets that is not closed, or text that begins as if it were one. */
function explainBracket(
  text: string,
  doc: Document,
  { code, message, pos }: YAMLParseError,
): SyntaxProblem | undefined {
  const closing = /(?:end with an? )([\]}])/.exec(message)?.[1];
  const isMore = code === 'UNEXPECTED_TOKEN' && message.includes('at node end');
  if (closing === undefined && !isMore) return undefined;
  let open: number | undefined;
  visit(doc, {
    Collection(_key, { flow, range }) {
      const start = range?.[0] ?? 0;
      if (flow === true && start < pos[0] && (isMore || text.charAt(start) === (closing === ']' ? '[' : '{')))
        open = start;
    },
  });
  if (open === undefined) return undefined;
  const bracket = text.charAt(open);
  if (isMore) {
    const value = text.slice(open, lineAt(text, open).start + lineAt(text, open).text.length);
    return { offset: open, message: `text that begins with ${bracket} must stand in quotes`, fix: `Write '${value}'` };
  }
  const missing = closing ?? '';
  const isHere = lineAt(text, open).number === lineAt(text, pos[0]).number && pos[0] < text.length;
  return isHere
    ? { offset: pos[0], message: `a ${missing} is missing here`, fix: `Close the ${bracket} of this line` }
    : { offset: open, message: `this ${bracket} is not closed`, fix: `Add ${missing} where it ends` };
}

const INDENT_CODES = new Set(['BLOCK_AS_IMPLICIT_KEY', 'MULTILINE_IMPLICIT_KEY', 'BAD_INDENT', 'MISSING_CHAR']);

/** Keys without a colon, values with one, and lines that are indented too far or not far enough. */
function explainLine(text: string, { code, pos: [offset] }: YAMLParseError): SyntaxProblem | undefined {
  if (!INDENT_CODES.has(code)) return undefined;
  const line = lineAt(text, offset);
  const before = columnOfKey(line);
  const [key = ''] = /^[^\s:]*/.exec(line.text.slice(before)) ?? [];
  const rest = line.text.slice(before + key.length);
  const place = line.start + before;
  if (code === 'MULTILINE_IMPLICIT_KEY') {
    if (rest.startsWith(':')) {
      const value = rest.slice(1).trim();
      return problem(place + key.length, 'a space is missing after the colon', `Write ${key}: ${value}`);
    }
    return problem(place + key.length, `a colon is missing after ${key}`, `Write ${key}:${rest}`);
  }
  if (code === 'BLOCK_AS_IMPLICIT_KEY') {
    const [value = ''] = line.text.slice(offset - line.start).split(' #');
    if (/:\s/.test(value)) {
      const quoted = `'${value.replaceAll("'", "''")}'`;
      return problem(offset, 'a text with a colon in it must stand in quotes', `Write ${quoted}`);
    }
    const next = linesOf(text).find(({ number, text: other }) => number > line.number && /^\s*[^\s#]/.test(other));
    return next && explainIndent(text, next, 'the line is indented too far: the line above has its value already');
  }
  const what = /^\s*- /.test(line.text) ? 'list' : 'block of keys';
  return explainIndent(text, line, `no ${what} above is indented by ${spaces(line.indent)}`);
}

function explainIndent(text: string, line: Line, message: string): SyntaxProblem {
  const isEntry = /^\s*- /.test(line.text);
  // Blocks that are still open: each is indented less than those below it.
  const open: { readonly indent: number; readonly number: number }[] = [];
  for (const { text: above, number, indent } of linesOf(text)
    .slice(0, line.number - 1)
    .toReversed()) {
    if (/^\s*(#|$)/.test(above)) continue;
    // The keys of an entry stand behind its dash.
    const key = columnOfKey({ text: above, indent });
    if (isEntry && key === indent) continue;
    const column = isEntry ? indent : key;
    if (column < (open.at(-1)?.indent ?? Infinity)) open.push({ indent: column, number });
  }
  const near = open.toSorted((a, b) => Math.abs(a.indent - line.indent) - Math.abs(b.indent - line.indent))[0];
  const fix =
    near === undefined ? 'Align the keys of the block' : `Indent it by ${spaces(near.indent)}, as line ${near.number}`;
  return { offset: line.start + line.indent, message, fix };
}

/** Behind the dashes of a list. */
function columnOfKey({ text, indent }: Pick<Line, 'text' | 'indent'>): number {
  let at = indent;
  while (text.startsWith('- ', at)) {
    at += 2;
    while (text.startsWith(' ', at)) at += 1;
  }
  return at;
}

function explainCharacter(text: string, { code, pos: [offset] }: YAMLParseError): SyntaxProblem | undefined {
  const character = text.charAt(offset);
  const { text: line, start } = lineAt(text, offset);
  switch (code) {
    case 'BAD_SCALAR_START':
      return problem(
        offset,
        `text that begins with ${character} must stand in quotes`,
        `Write '${line.slice(offset - start).trim()}'`,
      );
    case 'BAD_DQ_ESCAPE':
      return problem(
        offset,
        `${text.slice(offset, offset + 2)} means nothing in double quotes`,
        'Write the backslash twice, or use single quotes',
      );
    case 'MULTIPLE_DOCS':
      return problem(offset, 'the file holds more than one document', 'Delete the --- line and everything after it');
    default:
      return undefined;
  }
}

function spaces(count: number): string {
  return count === 1 ? '1 space' : `${count} spaces`;
}

function linesOf(text: string): readonly Line[] {
  let start = 0;
  return text.split('\n').map((line, index) => {
    const found = { number: index + 1, start, text: line.replace(/\r$/, ''), indent: line.search(/\S|$/) };
    start += line.length + 1;
    return found;
  });
}

function lineAt(text: string, offset: number): Line {
  const lines = linesOf(text);
  return lines.findLast(({ start }) => start <= offset) ?? { number: 1, start: 0, text: '', indent: 0 };
}

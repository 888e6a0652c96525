import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { Json } from '../../contract/json.ts';
import type { FileProblem } from './problem.ts';
import { convertYaml } from './yaml-value.ts';

export type Path = readonly (string | number)[];
interface Position {
  readonly line: number;
  readonly column: number;
}

/** A YAML file as a JSON value that still knows where each part of it stands. */
export interface YamlSource {
  readonly file: string;
  readonly value: Json;
  /** Where the value (or the key) at a path begins; of the nearest part above it where the path does not exist. */
  locate(path: Path, part?: 'key' | 'value'): Position;
  /** Where the n-th character of the text value at a path stands; its beginning where that cannot be told. */
  locateInside(path: Path, offset: number): Position;
  problem(path: Path, message: string, fix: string, part?: 'key' | 'value'): FileProblem;
}

export type YamlResult =
  | { readonly ok: true; readonly source: YamlSource }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** 1 MiB: policy files are written by hand; what is larger is not one. */
const MAX_FILE = 1024 * 1024;

/**
 * Reads YAML 1.2 into JSON. Aliases are followed; what JSON cannot say (tags, keys that are not text, infinite or inexact
 * numbers, merge keys, several documents) is a problem with its position. `textKeys` are keys whose plain values are
 * text even where YAML reads a number, such as a hash of digits only.
 */
export function readYaml(text: string, file: string, textKeys: ReadonlySet<string> = new Set()): YamlResult {
  if (text.length > MAX_FILE) {
    const problem = { file, line: 1, column: 1, message: 'the file is larger than 1 MiB', fix: 'Make it smaller' };
    return { ok: false, problems: [problem] };
  }
  const counter = new LineCounter();
  const doc = parseDocument(text, { version: '1.2', lineCounter: counter, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): Position => toPosition(counter, offset);
  const problems: FileProblem[] = doc.errors.map((error) => ({
    file,
    ...at(error.pos[0]),
    ...explainSyntax(error.code, error.message),
  }));
  if (doc.directives?.yaml.explicit === true) {
    problems.push({ file, line: 1, column: 1, message: 'directives are not supported', fix: 'Delete the %YAML line' });
  }
  if (problems.length > 0) return { ok: false, problems };
  const converted = convertYaml(doc, textKeys);
  if (converted.problems.length > 0) {
    return {
      ok: false,
      problems: converted.problems.map(({ offset, message, fix }) => ({ file, ...at(offset), message, fix })),
    };
  }
  return { ok: true, source: new PositionedYaml(file, text, doc, counter, converted.value) };
}

class PositionedYaml implements YamlSource {
  readonly file: string;
  readonly value: Json;
  readonly #text: string;
  readonly #doc: Document;
  readonly #counter: LineCounter;

  constructor(file: string, text: string, doc: Document, counter: LineCounter, value: Json) {
    this.file = file;
    this.value = value;
    this.#text = text;
    this.#doc = doc;
    this.#counter = counter;
  }

  locate(path: Path, part: 'key' | 'value' = 'value'): Position {
    const { key, value } = this.#walk(path);
    const node = part === 'key' ? (key ?? value) : (value ?? key);
    return toPosition(this.#counter, node?.range?.[0] ?? 0);
  }

  locateInside(path: Path, offset: number): Position {
    const node = this.#walk(path).value;
    if (!isScalar(node) || typeof node.value !== 'string') return this.locate(path);
    const start = node.range?.[0] ?? 0;
    const quote = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? 1 : 0;
    // Only where the text stands in the file letter by letter does an offset in it name a place in the file.
    const verbatim = this.#text.startsWith(node.value, start + quote);
    return toPosition(this.#counter, verbatim ? start + quote + Math.min(offset, node.value.length) : start);
  }

  problem(path: Path, message: string, fix: string, part: 'key' | 'value' = 'value'): FileProblem {
    return { file: this.file, ...this.locate(path, part), message, fix };
  }

  /** Node at a path, or the deepest one on the way to it. */
  #walk(path: Path): { key: Node | undefined; value: Node | undefined } {
    let key: Node | undefined;
    let value = this.#resolve(this.#doc.contents);
    for (const step of path) {
      if (isMap(value)) {
        const pair = value.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
        if (pair === undefined) break;
        key = pair.key as Node;
        value = this.#resolve(pair.value) ?? key;
      } else if (isSeq(value)) {
        const item = this.#resolve(value.items[Number(step)]);
        if (item === undefined) break;
        key = item;
        value = item;
      } else break;
    }
    return { key, value };
  }

  #resolve(node: unknown): Node | undefined {
    if (isAlias(node)) return node.resolve(this.#doc);
    return (node ?? undefined) as Node | undefined;
  }
}

function toPosition(counter: LineCounter, offset: number): Position {
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function explainSyntax(code: string, message: string): { message: string; fix: string } {
  const first = message.split('\n')[0] ?? message;
  switch (code) {
    case 'DUPLICATE_KEY':
      return { message: 'this key stands twice in the same block', fix: 'Keep one of the two' };
    case 'TAB_AS_INDENT':
      return { message: 'the line is indented with a tab', fix: 'Indent with spaces' };
    case 'MULTIPLE_DOCS':
      return { message: 'the file holds more than one document', fix: 'Delete the --- line and what follows it' };
    case 'BAD_INDENT':
      return {
        message: `the indentation does not fit: ${first}`,
        fix: 'Line the keys of one block up under each other',
      };
    default:
      return {
        message: `this is not valid YAML: ${first}`,
        fix: 'Check colons, quotes and indentation here and on the line before',
      };
  }
}

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { isExactLiteral } from '../../contract/exact-number.ts';
import type { Json } from '../../contract/json.ts';
import { explainSyntax, type SyntaxProblem } from './explain-syntax.ts';
import type { FileProblem } from './problem.ts';

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
  // What stands for bytes that are none of UTF-8: a rule would compare with another text than the one that was written.
  const undecodable = text.indexOf('\ufffd');
  if (undecodable >= 0) {
    const message = 'U+FFFD stands here, as for bytes that are not UTF-8';
    const fix = 'Save the file as UTF-8, or write the character as an escape';
    return { ok: false, problems: [{ file, ...at(undecodable), message, fix }] };
  }
  const told = (found: readonly SyntaxProblem[]): FileProblem[] =>
    found.map(({ offset, message, fix }) => ({ file, ...at(offset), message, fix }));
  const problems = told(explainSyntax(text, doc));
  if (doc.directives?.yaml.explicit === true) {
    problems.push({ file, line: 1, column: 1, message: 'directives are not supported', fix: 'Delete the %YAML line' });
  }
  if (problems.length > 0) return { ok: false, problems };
  const converted = convertYaml(doc, textKeys);
  if (converted.problems.length > 0) return { ok: false, problems: told(converted.problems) };
  return { ok: true, source: new PositionedYaml(file, text, doc, counter, converted.value) };
}

/** The places in a file that is known to be right, which is read when the first one is asked for. */
export function readWhenAsked(text: string, file: string): YamlSource {
  let opened: YamlSource | undefined;
  const open = (): YamlSource => {
    if (opened !== undefined) return opened;
    const read = readYaml(text, file);
    if (!read.ok) throw new Error(`${file} was parsed before and cannot be parsed now`);
    opened = read.source;
    return opened;
  };
  return {
    file,
    get value() {
      return open().value;
    },
    locate: (...args) => open().locate(...args),
    locateInside: (...args) => open().locateInside(...args),
    problem: (...args) => open().problem(...args),
  };
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

/** Aliases can repeat what they name a billion times; more than this is not written by hand. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 60;
const PLAIN_TAGS = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((t) => `tag:yaml.org,2002:${t}`));

/** The JSON value of a YAML document, with everything in it that JSON cannot say. */
export function convertYaml(
  doc: Document,
  textKeys: ReadonlySet<string>,
): { readonly value: Json; readonly problems: readonly SyntaxProblem[] } {
  const problems: SyntaxProblem[] = [];
  const targets = resolveAliases(doc);
  let nodes = 0;
  const refuse = (node: unknown, message: string, fix: string): null => {
    const range = (node as { range?: readonly number[] } | null)?.range;
    problems.push({ offset: range?.[0] ?? 0, message, fix });
    return null;
  };

  const convert = (node: unknown, depth: number, key?: string): Json => {
    if (node === null || node === undefined) return null;
    nodes += 1;
    if (nodes > MAX_NODES || depth > MAX_DEPTH) {
      return nodes === MAX_NODES + 1 || depth > MAX_DEPTH
        ? refuse(node, 'the file is nested too deeply or repeats itself too often', 'Use fewer levels and aliases')
        : null;
    }
    if (isAlias(node)) {
      const target = targets.get(node);
      if (target === undefined)
        return refuse(
          node,
          `unknown anchor &${node.source}`,
          'Define it above, or put text that begins with * in quotes',
        );
      return convert(target, depth + 1, key);
    }
    const tag = (node as { tag?: string }).tag;
    if (tag !== undefined && !PLAIN_TAGS.has(tag))
      return refuse(node, `the tag ${tag} is not supported`, 'Delete the tag');
    if (isSeq(node)) return node.items.map((item) => convert(item, depth + 1));
    if (isMap(node)) return convertMap(node, depth);
    return isScalar(node)
      ? convertScalar(node, key)
      : refuse(node, 'this is not a value', 'Write text, a number or a list');
  };

  const convertMap = (map: YAMLMap, depth: number): Json => {
    const entries: [string, Json][] = [];
    for (const { key, value } of map.items) {
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        refuse(key ?? map, 'a key must be text', 'Write the key as one word, or in quotes');
      } else if (key.value === '<<' && key.type === 'PLAIN') {
        refuse(key, 'merge keys (<<) are not supported', 'Write the keys out');
      } else {
        // The spelling in the file, so that `1.0:` and `0x1:` stay what they look like.
        const name = typeof key.value === 'string' ? key.value : (key.source ?? JSON.stringify(key.value));
        entries.push([name, convert(value, depth + 1, name)]);
      }
    }
    // `fromEntries` defines: a key `__proto__` becomes an ordinary (and unknown) one.
    return Object.fromEntries(entries);
  };

  const convertScalar = (scalar: Scalar, key: string | undefined): Json => {
    const { value } = scalar;
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
    if (typeof value !== 'number') return refuse(scalar, 'this is not a value', 'Write text in quotes');
    if (key !== undefined && textKeys.has(key) && scalar.source !== undefined) return scalar.source;
    const { source = String(value) } = scalar;
    const isExact = /^0[xo]/.test(source) ? value <= Number.MAX_SAFE_INTEGER : isExactLiteral(source.replace('+', ''));
    if (!isExact) {
      const message = `${source} is a number that cannot be represented exactly`;
      return refuse(scalar, message, 'Write it in quotes if it is text');
    }
    return Object.is(value, -0) ? 0 : value;
  };

  return { value: convert(doc.contents, 0), problems };
}

/** What each alias names. In one pass: the library walks the whole document for each alias that it is asked about. */
function resolveAliases(doc: Document): ReadonlyMap<Alias, Node> {
  const anchored = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(doc, {
    Node: (_key, node) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchored.set(node.anchor, node);
        return;
      }
      const target = anchored.get(node.source);
      if (target !== undefined) targets.set(node, target);
    },
  });
  return targets;
}

/** Where a text stands as a value in a YAML file: `holdpoint.yaml:12:5`, the topmost place of several. */
export function placeOf(source: YamlSource, text: string): string | undefined {
  const path = pathOf(source, text);
  if (path === undefined) return undefined;
  const { line, column } = source.locate(path);
  return `${source.file}:${line}:${column}`;
}

/** The topmost path at which a text stands as a value. */
export function pathOf(source: YamlSource, text: string): Path | undefined {
  return findPath(source.value, text, []);
}

function findPath(at: Json, text: string, path: Path): Path | undefined {
  if (at === text) return path;
  if (typeof at !== 'object' || at === null) return undefined;
  const steps = Array.isArray(at) ? at.map((part: Json, index) => [index, part] as const) : Object.entries(at);
  for (const [step, part] of steps) {
    const found = findPath(part as Json, text, [...path, step]);
    if (found !== undefined) return found;
  }
  return undefined;
}

import type { Json } from '../../contract/json.ts';
import { isExactLiteral, NUMBER_KEY } from '../../contract/exact-number.ts';
import { endOfNumber, endOfString, QUOTE, startsNumber } from '../../contract/json-scan.ts';

type StrictJsonCode =
  | 'malformed_json'
  | 'duplicate_key'
  | 'number_out_of_range'
  | 'lone_surrogate'
  | 'forbidden_key'
  | 'too_deep'
  | 'too_many_values';

export type StrictJsonResult =
  | { readonly ok: true; readonly value: Json }
  /** `line` and `column` count from 1; absent where the parser does not tell. `key`: the one that is refused. */
  | {
      readonly ok: false;
      readonly code: StrictJsonCode;
      readonly line?: number;
      readonly column?: number;
      readonly key?: string;
    };

export const MAX_JSON_DEPTH = 100;

interface StrictJsonOptions {
  readonly maxDepth?: number;
  readonly maxValues?: number;
  /** For what Holdpoint itself signed: `{"$number": …}` may stand in it. */
  readonly exactNumbers?: boolean;
}

/**
 * Parses JSON that people will read and approve: whatever another parser could read differently is refused. Duplicate
 * keys (the last would win), numbers that change on the way through a double (beyond 2^53, overflow, underflow, more
 * digits than it keeps, or more than 40 characters), lone surrogates, the keys `__proto__` and, but for `exactNumbers`,
 * `$number` (see exact-number.ts), more than `maxDepth` levels, and more than `maxValues` values. `-0`
 * stays what it is: `findInexact` refuses it in arguments, with its place.
 *
 * `JSON.parse` judges the grammar, so the scan after it may take every token for well-formed. Anyone can send such text
 * before they are known, so each pass moves forward only and looks at a character a fixed number of times.
 */
export function parseStrictJson(
  text: string,
  { maxDepth = MAX_JSON_DEPTH, maxValues = Infinity, exactNumbers = false }: StrictJsonOptions = {},
): StrictJsonResult {
  const excess = findExcess(text, maxDepth, maxValues);
  if (excess !== undefined) return refuse(excess.code, text, excess.offset);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    const offset = positionOf(error, text);
    return offset === undefined ? { ok: false, code: 'malformed_json' } : refuse('malformed_json', text, offset);
  }
  const found = scanTokens(text, exactNumbers);
  if (found.code !== undefined) return refuse(found.code, text, found.offset, found.key);
  return { ok: true, value };
}

const COMMA = 0x2c;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d] as const;

interface Scan {
  readonly code?: StrictJsonCode;
  readonly offset: number;
  readonly key?: string;
}

function scanTokens(text: string, exactNumbers: boolean): Scan {
  /** Keys seen so far of each open object, undefined before the first; null for an array. */
  const open: (Set<string> | undefined | null)[] = [];
  /** Set from `{` or `,` in an object until its key was read. */
  let atKey = false;
  let offset = 0;
  const fail = (code: StrictJsonCode, key?: string): Scan => ({
    code,
    offset,
    ...(key === undefined ? {} : { key }),
  });
  while (offset < text.length) {
    let end = offset + 1;
    switch (text.charCodeAt(offset)) {
      case QUOTE: {
        end = endOfString(text, offset);
        const inner = text.slice(offset + 1, end - 1);
        const content = inner.includes('\\') ? (JSON.parse(`"${inner}"`) as string) : inner;
        if (!content.isWellFormed()) return fail('lone_surrogate');
        if (!atKey) break;
        const keys = open[open.length - 1] ?? new Set();
        open[open.length - 1] = keys;
        if (content === '__proto__' || (content === NUMBER_KEY && !exactNumbers)) {
          return fail('forbidden_key', content);
        }
        if (keys.has(content)) return fail('duplicate_key', content);
        keys.add(content);
        atKey = false;
        break;
      }
      case OPEN_BRACE:
        open.push(undefined);
        atKey = true;
        break;
      case OPEN_BRACKET:
        open.push(null);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        open.pop();
        atKey = false;
        break;
      case COMMA:
        atKey = open[open.length - 1] !== null;
        break;
      default: {
        if (!startsNumber(text.charCodeAt(offset))) break;
        end = endOfNumber(text, offset);
        const literal = text.slice(offset, end);
        if (!isExactLiteral(literal)) return fail('number_out_of_range');
      }
    }
    offset = end;
  }
  return { offset };
}

/** Before parsing, because `JSON.parse` builds every level and every value that it is given. */
function findExcess(
  text: string,
  maxDepth: number,
  maxValues: number,
): { readonly code: 'too_deep' | 'too_many_values'; readonly offset: number } | undefined {
  let depth = 0;
  /** The first value; each comma and each bracket makes room for at most one more. */
  let values = 1;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case QUOTE:
        index = endOfString(text, index) - 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        values += 1;
        if (depth > maxDepth) return { code: 'too_deep', offset: index };
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        break;
      case COMMA:
        values += 1;
        break;
      default:
    }
    if (values > maxValues) return { code: 'too_many_values', offset: index };
  }
  return undefined;
}

function refuse(code: StrictJsonCode, text: string, offset: number, key?: string): StrictJsonResult {
  const before = text.slice(0, offset).split('\n');
  const place = { line: before.length, column: (before.at(-1) as string).length + 1 };
  return { ok: false, code, ...place, ...(key === undefined ? {} : { key }) };
}

/**
 * Where `JSON.parse` gave up. V8 tells in the error's words alone; other words mean that the place stays unknown, which
 * nothing depends on.
 */
function positionOf(error: unknown, text: string): number | undefined {
  const words = error instanceof Error ? error.message : '';
  if (/end of JSON input|Unterminated string/.test(words)) return text.length;
  const position = /at position (\d+)/.exec(words)?.[1];
  return position === undefined ? undefined : Number(position);
}

import type { Json, JsonObject } from './json.ts';
import { endOfNumber, endOfString, QUOTE, startsNumber } from './json-scan.ts';

/**
 * Numbers that a double does not hold: integers beyond 2^53, `1e400`, more digits than it keeps. JavaScript rounds them,
 * RFC 8785 writes doubles alone, and `jsonb` spells `1e400` out. So between the target and the reader such a number is
 * the object `{"$number": "1e400"}`, with the literal that the target wrote: that is what is stored, hashed and signed.
 * To write JSON for a reader, use {@link writeJson}, which gives the literal back as it came. Callers cannot send
 * one: the strict parser refuses both the number and the key.
 */
export type ExactNumber = { readonly $number: string };

/** The key is reserved: in what callers send it is refused. */
export const NUMBER_KEY = '$number';

/** A number as JSON writes it (RFC 8259, section 6). */
const LITERAL = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

export function isExactNumber(value: Json | undefined): value is ExactNumber {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { $number: literal, ...rest } = value as JsonObject;
  return typeof literal === 'string' && Object.keys(rest).length === 0 && isKeptLiteral(literal);
}

/** The number that a literal of JSON is: a double where that holds it. */
export function numberOf(literal: string): number | ExactNumber {
  return isKeptLiteral(literal) ? { [NUMBER_KEY]: literal } : Number(literal);
}

/**
 * Parses JSON; numbers that a double does not hold become {@link ExactNumber}. A byte order mark is skipped (RFC 8259, 8.1).
 * Throws SyntaxError as `JSON.parse` does.
 */
export function parseExactJson(text: string): Json {
  return JSON.parse(markNumbers(withoutByteOrderMark(text))) as Json;
}

export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/**
 * Parses JSON for programs that do not know {@link ExactNumber}: numbers whose digits a double would change become the
 * text of their literal. Throws SyntaxError as `JSON.parse` does.
 */
export function parseJsonWithTexts(text: string): unknown {
  return JSON.parse(replaceNumbers(text, (literal) => (keepsDigits(literal) ? literal : `"${literal}"`)));
}

/**
 * JSON text with {@link ExactNumber} in the place of numbers that a double does not hold. What is not JSON stays so. No
 * token of JSON goes over a line break, so that text may come line by line.
 */
export function markNumbers(text: string): string {
  return replaceNumbers(text, (literal) => (isKept(literal) ? `{"${NUMBER_KEY}":"${literal}"}` : literal));
}

/** What a number may look like that `JSON.parse` changes: many digits, an exponent, or `-0`. */
const SUSPICIOUS = /[0-9][0-9.]{15}|[0-9][eE]|-0/;

function replaceNumbers(text: string, replace: (literal: string) => string): string {
  if (!SUSPICIOUS.test(text)) return text;
  let replaced = '';
  let done = 0;
  for (let offset = 0; offset < text.length;) {
    const code = text.charCodeAt(offset);
    if (code === QUOTE) offset = endOfString(text, offset);
    else if (startsNumber(code)) {
      const end = endOfNumber(text, offset);
      const literal = text.slice(offset, end);
      if (LITERAL.test(literal)) {
        replaced += text.slice(done, offset) + replace(literal);
        done = end;
      }
      offset = end;
    } else offset += 1;
  }
  return replaced + text.slice(done);
}

/** `JSON.stringify` for readers: every {@link ExactNumber} as its bare literal. */
export function writeJson(value: unknown, space?: number): string {
  const text = JSON.stringify(value, undefined, space);
  return text === undefined ? text : unmarkNumbers(text);
}

/** What {@link markNumbers} did, undone. */
export function unmarkNumbers(text: string): string {
  if (!text.includes(`"${NUMBER_KEY}"`)) return text;
  // A quote inside a text is escaped, so only an object can look like this.
  return text.replace(/\{\s*"\$number":\s*"([-+.0-9eE]+)"\s*\}/g, (object, literal: string) =>
    isKeptLiteral(literal) ? literal : object,
  );
}

/** The value with the text of its literal for every {@link ExactNumber}. */
export function numbersAsText(value: Json): Json {
  if (isExactNumber(value)) return value.$number;
  return mapParts(value, numbersAsText);
}

/** The value with the nearest double for every {@link ExactNumber} that has one: for a schema's bounds, never for people. */
export function numbersAsDoubles(value: Json): Json {
  if (!isExactNumber(value)) return mapParts(value, numbersAsDoubles);
  const nearest = Number(value.$number);
  return Number.isFinite(nearest) ? nearest : Math.sign(nearest) * Number.MAX_VALUE;
}

function mapParts(value: Json, change: (part: Json) => Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(change);
  // `fromEntries` defines properties, so a key `__proto__` stays a plain key.
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, change(part)]));
}

/** For text that may be anything. */
function isKeptLiteral(text: string): boolean {
  return LITERAL.test(text) && isKept(text);
}

/** Whether a literal is one that is kept: a number that a double does not hold, or `-0`. */
function isKept(literal: string): boolean {
  return !isExactLiteral(literal) || Object.is(Number(literal), -0);
}

/** Longest literal that is compared digit by digit: a double never needs more than 25 characters. */
const MAX_LENGTH = 40;

/** Whether the literal is a number within ±(2^53 − 1) that a double holds; false for one longer than 40 characters. */
export function isExactLiteral(literal: string): boolean {
  // Most are short whole numbers, which every double holds.
  if (literal.length <= 15 && /^[0-9]+$/.test(literal)) return true;
  return Math.abs(Number(literal)) <= Number.MAX_SAFE_INTEGER && keepsDigits(literal);
}

function keepsDigits(literal: string): boolean {
  return literal.length <= MAX_LENGTH && normalize(literal) === normalize(String(Number(literal)));
}

/** Digits without zeros at either end, and the power of ten they are multiplied by. */
function normalize(literal: string): string {
  const [mantissa = '', exponent = '0'] = literal.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  let last = digits.length;
  while (digits[last - 1] === '0') last -= 1;
  if (last === 0) return '0';
  const power = Number(exponent) - fraction.length + (digits.length - last);
  return `${digits.slice(0, last)}e${power}`;
}

import type { Json } from '../contract/json.ts';
import { isExactNumber } from '../contract/exact-number.ts';

/** Shorter secrets count only where they stand by themselves: elsewhere they would match by chance and tear text apart. */
const SHORTEST = 6;
const MARK = '[redacted]';

/**
 * Removes secrets from every string, key and number inside a JSON value, in the forms in which a target or a driver
 * may echo them: raw, base64 and base64url (at any alignment, so inside `user:secret` too), percent-encoded,
 * form-encoded, hexadecimal and JSON-escaped. A secret shorter than six characters (a PIN, say) is removed, in any of
 * these forms, where it is the whole of a string, key or number, or has no letter or digit beside it.
 */
export function scrub(value: Json, secrets: readonly string[]): Json {
  const needles = occurringIn(value, formsOf(secrets));
  return needles.length === 0 ? value : scrubValue(value, needles);
}

interface Needle {
  readonly text: string;
  readonly anyCase: boolean;
  /** Of a short secret: only where it stands by itself. */
  readonly alone: boolean;
}

function scrubValue(value: Json, needles: readonly Needle[]): Json {
  if (typeof value === 'string') return scrubText(value, needles);
  if (typeof value === 'number' || isExactNumber(value)) {
    const literal = typeof value === 'number' ? String(value) : value.$number;
    return needles.some((needle) => isInNumber(literal, needle)) ? MARK : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => scrubValue(item, needles));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [scrubText(key, needles), scrubValue(item, needles)]),
  );
}

/** A short secret must be the whole number, however it is written. */
function isInNumber(literal: string, { text, alone }: Needle): boolean {
  return alone ? text.trim() !== '' && Number(text) === Number(literal) : literal.includes(text);
}

/**
 * The needles that are somewhere in a value: an answer may hold as many texts as there are secrets in a call, and each
 * is looked for in all of it once instead of in every text. Escaping goes character by character, so what is in a text
 * is, escaped, in its JSON. Numbers can be written in several ways, so short secrets that are numbers stay in.
 */
function occurringIn(value: Json, needles: readonly Needle[]): readonly Needle[] {
  if (needles.length === 0) return needles;
  const json = JSON.stringify(value);
  const lower = lowerAscii(json);
  return needles.filter(({ text, anyCase, alone }) => {
    if (alone && !Number.isNaN(Number(text))) return true;
    return (anyCase ? lower : json).includes(escapeJson(text));
  });
}

function scrubText(text: string, needles: readonly Needle[]): string {
  const lower = lowerAscii(text);
  const hits = needles.flatMap((needle) => findHits(text, lower, needle)).toSorted(([a], [b]) => a - b);
  let result = '';
  let done = 0;
  for (const [from, to] of hits) {
    // One that begins inside another makes the same mark longer.
    if (from >= done) result += text.slice(done, from) + MARK;
    done = Math.max(done, to);
  }
  return result + text.slice(done);
}

function findHits(
  text: string,
  lower: string,
  { text: needle, anyCase, alone }: Needle,
): readonly (readonly [number, number])[] {
  if (alone && !WORD.test(needle)) return text === needle ? [[0, text.length]] : [];
  const hits: (readonly [number, number])[] = [];
  const searched = anyCase ? lower : text;
  for (let at = searched.indexOf(needle); at >= 0;) {
    const end = at + needle.length;
    const isHit = !alone || !isPartOfWord(searched, at, end);
    if (isHit) hits.push([at, end]);
    at = searched.indexOf(needle, isHit ? end : at + 1);
  }
  return hits;
}

/** Needles in any case are ASCII and in lower case, so lower-casing ASCII alone keeps positions. */
function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

const WORD = /[\p{L}\p{N}]/u;

/** Whether the word at either edge of a needle goes on beyond it. */
function isPartOfWord(text: string, from: number, to: number): boolean {
  const isWord = (at: number): boolean => WORD.test(text[at] ?? '');
  return (isWord(from) && isWord(from - 1)) || (isWord(to - 1) && isWord(to));
}

/** Longest first, so that no form is torn apart by a shorter one inside it. */
function formsOf(secrets: readonly string[]): readonly Needle[] {
  const needles = secrets.filter((secret) => secret !== '').flatMap(formsOfSecret);
  const distinct = new Map(needles.map((needle) => [JSON.stringify(needle), needle]));
  return [...distinct.values()].toSorted((a, b) => b.text.length - a.text.length);
}

function formsOfSecret(secret: string): readonly Needle[] {
  const alone = secret.length < SHORTEST;
  const bytes = Buffer.from(secret, 'utf8');
  const exact = [secret, escapeJson(secret), escapeJson(escapeJson(secret))];
  // By itself a text has one encoding; only inside another does it depend on where it begins.
  const base64Texts = alone ? [bytes.toString('base64').replaceAll('=', '')] : base64Forms(bytes);
  const encoded = base64Texts.flatMap((base64) => [
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    encodeURIComponent(base64),
  ]);
  // Escapes come in either case, the text between them does not; being too greedy here loses nothing.
  const anyCase = [bytes.toString('hex'), ...percentForms(secret).filter((form) => form !== secret)].map((form) =>
    form.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()),
  );
  return [
    ...[...exact, ...encoded.filter((text) => text.length >= SHORTEST)].map((text) => ({
      text,
      anyCase: false,
      alone,
    })),
    ...anyCase.filter((text) => text.length >= SHORTEST).map((text) => ({ text, anyCase: true, alone })),
  ];
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function percentForms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const component = encodeURIComponent(bytes.toString('utf8'));
  const strict = component.replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
  const form = new URLSearchParams([['', bytes.toString('utf8')]]).toString().slice(1);
  const every = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return [component, strict, form, every];
}

/** The characters of a base64 text that depend on these bytes alone, for each of the three alignments. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + bytes.length) * 8) / 6);
    const middle = encoded.slice(first, last);
    return middle.length >= SHORTEST ? [middle] : [];
  });
}

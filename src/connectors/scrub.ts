import type { Json } from '../contract/json.ts';

/** Shorter secrets are left alone: they would match by chance and tear ordinary text apart. */
const SHORTEST = 6;
const MARK = '[redacted]';

/**
 * Removes secrets from every string, key and number inside a JSON value, in the forms in which a target or a driver
 * may echo them: raw, base64 and base64url (at any alignment, so inside `user:secret` too), percent-encoded,
 * form-encoded, hexadecimal and JSON-escaped.
 */
export function scrub(value: Json, secrets: readonly string[]): Json {
  const needles = formsOf(secrets);
  return needles.length === 0 ? value : scrubValue(value, needles);
}

interface Needle {
  readonly text: string;
  readonly anyCase: boolean;
}

function scrubValue(value: Json, needles: readonly Needle[]): Json {
  if (typeof value === 'string') return scrubText(value, needles);
  if (typeof value === 'number') {
    const text = String(value);
    return scrubText(text, needles) === text ? value : MARK;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => scrubValue(item, needles));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [scrubText(key, needles), scrubValue(item, needles)]),
  );
}

function scrubText(text: string, needles: readonly Needle[]): string {
  let result = text;
  for (const needle of needles) {
    result = needle.anyCase ? replaceAnyCase(result, needle.text) : result.replaceAll(needle.text, MARK);
  }
  return result;
}

/** `needle` is ASCII and in lower case, so lower-casing ASCII alone keeps positions. */
function replaceAnyCase(text: string, needle: string): string {
  const lower = text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  let result = '';
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    result += text.slice(from, at) + MARK;
    from = at + needle.length;
  }
  return result + text.slice(from);
}

/** Longest first, so that no form is torn apart by a shorter one inside it. */
function formsOf(secrets: readonly string[]): readonly Needle[] {
  const exact = new Set<string>();
  const anyCase = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    const bytes = Buffer.from(secret, 'utf8');
    exact.add(secret);
    exact.add(escapeJson(secret));
    exact.add(escapeJson(escapeJson(secret)));
    for (const base64 of base64Forms(bytes)) {
      exact.add(base64);
      exact.add(base64.replaceAll('+', '-').replaceAll('/', '_'));
      exact.add(encodeURIComponent(base64));
    }
    anyCase.add(bytes.toString('hex'));
    for (const encoded of percentForms(secret)) {
      if (encoded === secret) continue;
      // Escapes come in either case, the text between them does not; being too greedy here loses nothing.
      anyCase.add(encoded.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()));
    }
  }
  return [
    ...[...exact].map((text) => ({ text, anyCase: false })),
    ...[...anyCase].map((text) => ({ text, anyCase: true })),
  ].toSorted((a, b) => b.text.length - a.text.length);
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

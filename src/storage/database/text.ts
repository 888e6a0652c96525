/**
 * Text that PostgreSQL can hold: no NUL, no lone surrogates. Whoever can reach Temporal can put either into a proposal,
 * and no call may become unrecordable by it. Both become U+FFFD.
 */
export function storableText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /[\u0000\ud800-\udfff]/.test(text)
    ? Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\ufffd')
    : text;
}

/** The same for every string inside a JSON value. */
export function storableJson<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? storableText(inner) : inner)),
  );
}

/** ISO 8601 with milliseconds; null where the text is no time at all. */
export function storableTime(text: string | null): string | null {
  const time = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

import { storableText } from '../../domain/json/storable.ts';

/** A value with every string in it as the database can hold it. */
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

/** What a caller who may write such a text chose; undefined where it is not even JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

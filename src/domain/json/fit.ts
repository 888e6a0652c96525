import type { Json, JsonObject } from '../../contract/json.ts';
import { sliceCharacters } from '../text/visible.ts';
import { isExactNumber } from '../../contract/exact-number.ts';
import { isJsonObject } from './pointer.ts';

/** How much of a text that does not fit is kept, in UTF-16 code units. */
const BEGINNING = 1_000;
/** Bytes that a mark takes at most, and a mark with the beginning of a text. */
const [MARK, MARK_WITH_TEXT] = [400, 8_000] as const;

/**
 * The value within `limit` bytes of JSON. What is small stays; in the place of each part that does not fit stands
 * `{"$omitted": "response_too_large", "bytes": 400123}`, with the `beginning` of a text. Of a list or an object that has too
 * many parts the first are kept, and the mark at its end (under `…` in an object) says how many `items` are missing, with
 * `advice`, as where nothing is left of the whole. Secrets have to be gone from the value: a cut could leave half of one.
 */
export function fitJson(value: Json, limit: number, advice: string): Json {
  const fitting = new Fitter(advice).fit(value, limit);
  // Nothing of it is there, or only a beginning.
  return isOmission(fitting) && fitting.$omitted === TOO_LARGE ? { ...fitting, advice } : fitting;
}

class Fitter {
  readonly #advice: string;
  /** Bytes of the JSON of lists and objects, so that no part is measured twice. */
  readonly #sizes = new Map<object, number>();

  constructor(advice: string) {
    this.#advice = advice;
  }

  fit(value: Json, limit: number): Json {
    const bytes = this.#measure(value);
    if (bytes <= limit) return value;
    if (typeof value === 'string' && limit >= MARK_WITH_TEXT) {
      const beginning = sliceCharacters(value, BEGINNING);
      // Without a blank it is no text to read: base64, say.
      if (/\s/.test(beginning)) return { ...tooLarge(bytes), beginning };
    }
    const isLeaf = typeof value !== 'object' || value === null || isExactNumber(value);
    return isLeaf || limit < 2 * MARK ? tooLarge(bytes) : this.#fitParts(value, limit - MARK);
  }

  #fitParts(value: JsonObject | readonly Json[], room: number): Json {
    const parts = Object.entries(value).map(([key, part]: [string, Json]) => {
      const around = Array.isArray(value) ? 1 : bytesOf(key) + 2;
      return { key, part, around, size: this.#measure(part) + around };
    });
    // Parts that are large by themselves share what the small ones leave, so that one of them costs no other.
    const isLarge = (size: number): boolean => size > room / 8;
    const large = parts.filter(({ size }) => isLarge(size));
    const share = Math.max((room - sum(parts) + sum(large)) / Math.max(large.length, 1), MARK);
    const kept: [string, Json][] = [];
    let taken = 2;
    for (const { key, part, around, size } of parts) {
      const fitting = isLarge(size) ? this.fit(part, share - around) : part;
      taken += this.#measure(fitting) + around;
      if (taken > room) break;
      kept.push([key, fitting]);
    }
    const left = parts.slice(kept.length);
    const marks = left.length === 0 ? [] : [{ ...tooLarge(sum(left)), items: left.length, advice: this.#advice }];
    if (Array.isArray(value)) return [...kept.map(([, part]) => part), ...marks];
    // `fromEntries` defines properties, so a key `__proto__` stays a plain key.
    return Object.fromEntries([...kept, ...marks.map((mark): [string, Json] => ['…', mark])]);
  }

  #measure(value: Json): number {
    if (typeof value !== 'object' || value === null) return bytesOf(value);
    let size = this.#sizes.get(value);
    if (size !== undefined) return size;
    size = 2;
    for (const [key, part] of Object.entries(value)) {
      size += this.#measure(part as Json) + (Array.isArray(value) ? 1 : bytesOf(key) + 2);
    }
    this.#sizes.set(value, size);
    return size;
  }
}

function bytesOf(value: string | number | boolean | null): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function sum(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((all, { size }) => all + size, 0);
}

const TOO_LARGE = 'response_too_large';

function tooLarge(bytes: number): { readonly $omitted: string; readonly bytes: number } {
  return { $omitted: TOO_LARGE, bytes };
}

/** What stands in the place of (part of) an answer that is not kept. */
export interface Omission {
  readonly $omitted: string;
  readonly bytes?: number;
  /** How many parts of a list or an object are missing. */
  readonly items?: number;
  readonly beginning?: string;
  readonly advice?: string;
}

export function isOmission(value: Json | undefined): value is JsonObject & Omission {
  return isJsonObject(value) && typeof value['$omitted'] === 'string';
}

import { z } from 'zod';

/** A JSON value as it crosses a boundary. Numbers are within ±(2^53 − 1) once the strict parser has seen them. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A walk of our own: `z.json()` tries every type on every value, which takes 20 times as long. */
export const jsonSchema = z.unknown().refine(isJson, 'JSON') as unknown as z.ZodType<Json>;
export const jsonObjectSchema = z
  .unknown()
  .refine((value) => isPlainObject(value) && isJson(value), 'an object')
  .meta({ type: 'object' }) as unknown as z.ZodType<JsonObject>;

function isJson(value: unknown): boolean {
  for (const left = [value]; left.length > 0;) {
    const one = left.pop();
    if (Array.isArray(one)) for (const part of one) left.push(part);
    else if (isPlainObject(one)) {
      for (const key of Object.keys(one)) {
        if (key === '__proto__') return false;
        left.push(one[key]);
      }
    } else if (one !== null && typeof one !== 'string' && typeof one !== 'boolean' && !Number.isFinite(one))
      return false;
  }
  return true;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A number in a query. Digits alone: `Number` would take nothing at all for 0, and hexadecimal for a number. */
export const queryCountSchema = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^[0-9]{1,16}$/, 'a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));

/** Some of `values`, separated by commas; judged word by word, as one expression over many words is costly to match. */
export const commaListSchema = (values: readonly string[]): z.ZodString => {
  const known = new Set(values);
  const one = `(${values.join('|')})`;
  return z
    .string()
    .refine(
      (text) => text.split(',').every((value) => known.has(value)),
      `one or more of ${values.join(', ')}, separated by commas`,
    )
    .meta({ pattern: `^${one}(,${one})*$` });
};

/** Time as ISO 8601 in UTC with milliseconds, e.g. `2026-04-01T12:00:00.000Z`. */
export const timestampSchema = z.iso.datetime({ precision: 3 });
export type Timestamp = string;

/** `sha256:` and 64 lower-case hexadecimal digits. */
export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'a digest: sha256: and 64 lower-case hexadecimal digits');
export type Digest = string;

/** What stands for a sealed argument everywhere but inside the execute worker: a compact JWE. */
export const sealedSchema = z.strictObject({ $sealed: z.string().max(65_536) });

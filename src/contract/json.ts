import { z } from 'zod';

/** A JSON value as it crosses a boundary. Numbers are within ±(2^53 − 1) once the strict parser has seen them. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export const jsonSchema: z.ZodType<Json> = z.json() as unknown as z.ZodType<Json>;
export const jsonObjectSchema: z.ZodType<JsonObject> = z.record(
  z.string(),
  z.json(),
) as unknown as z.ZodType<JsonObject>;

/** Some of `values`, separated by commas; judged word by word, as one expression over many words is costly to match. */
export const commaListSchema = (values: readonly string[], message: string): z.ZodString => {
  const known = new Set(values);
  const one = `(${values.join('|')})`;
  return z
    .string()
    .refine((text) => text.split(',').every((value) => known.has(value)), message)
    .meta({ pattern: `^${one}(,${one})*$` });
};

/** Time as ISO 8601 in UTC with milliseconds, e.g. `2026-04-01T12:00:00.000Z`. */
export const timestampSchema = z.iso.datetime({ precision: 3 });
export type Timestamp = string;

/** `sha256:` and 64 lower-case hexadecimal digits. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);
export type Digest = string;

/** What stands for a sealed argument everywhere but inside the execute worker: a compact JWE. */
export const sealedSchema = z.strictObject({ $sealed: z.string().max(65_536) });
export type Sealed = z.infer<typeof sealedSchema>;

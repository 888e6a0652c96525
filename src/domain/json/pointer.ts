import type { Json, JsonObject } from '../../contract/json.ts';

/** Unescaped steps of a JSON Pointer (RFC 6901); `''` has none. */
export function parsePointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** An own property of the table, never an inherited one: a name from outside may be `constructor`. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** The value at a JSON Pointer; undefined where there is none. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  return valueAtPath(value, parsePointer(pointer));
}

/** The same for the steps of a path. */
export function valueAtPath(value: Json, path: readonly (string | number)[]): Json | undefined {
  let current: Json | undefined = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = own(current as JsonObject, String(step));
  }
  return current;
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { pointerStep } from './pointer.ts';

/** What is wrong at a place in the arguments of a call. */
export interface ArgumentError {
  /** JSON Pointer into the arguments. */
  readonly pointer: string;
  readonly message: string;
}

/** Every error costs memory, and the proposer decides how many there are. */
export const MAX_ARGUMENT_ERRORS = 20;
/** Deeper than any door takes; what refers to itself has no end. */
const TOO_DEEP = 200;

// oxlint-disable-next-line no-control-regex
const UNSTORABLE = /[\u0000\ud800-\udfff]/u;
const HOLDS_UNSTORABLE = 'holds a NUL character or is not valid Unicode';

/**
 * Values that would arrive as something else: `JSON.stringify` writes `-0` as `0`, `NaN` as `null`, a date as a text and a
 * `Map` as `{}`, and PostgreSQL stores no NUL. People would be shown another call than the one that was meant. A member
 * that is undefined is left out, as usual.
 */
export function findInexact(value: unknown): readonly ArgumentError[] {
  const errors: ArgumentError[] = [];
  visit(value, '', 0, errors);
  return errors;
}

function visit(value: unknown, pointer: string, depth: number, errors: ArgumentError[]): void {
  if (errors.length >= MAX_ARGUMENT_ERRORS) return;
  const message = depth > TOO_DEEP ? 'is nested too deeply' : explainInexact(value);
  if (message !== undefined) errors.push({ pointer, message });
  else if (Array.isArray(value)) {
    // Not `forEach`, which passes over the holes that JSON writes as null.
    for (let index = 0; index < value.length; index += 1) visit(value[index], `${pointer}/${index}`, depth + 1, errors);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, part] of Object.entries(value)) {
      if (UNSTORABLE.test(key)) errors.push({ pointer, message: `has a key that ${HOLDS_UNSTORABLE}` });
      if (part !== undefined) visit(part, pointer + pointerStep(key), depth + 1, errors);
    }
  }
}

function explainInexact(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return UNSTORABLE.test(value) ? HOLDS_UNSTORABLE : undefined;
    case 'number':
      if (Object.is(value, -0)) return 'is -0, which cannot be sent: write 0';
      return Number.isFinite(value) ? undefined : `is ${value}, which is not a JSON number`;
    case 'boolean':
      return undefined;
    case 'object':
      if (value === null || Array.isArray(value) || isPlain(value)) return undefined;
      return `is a ${nameOf(value)}, which is not a JSON value: write it as text`;
    default:
      return `is ${typeof value}, which is not a JSON value`;
  }
}

/** Made by `{}` or by a parser, also of another realm; nothing that writes itself as another value. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isObject = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isObject && typeof (value as { readonly toJSON?: unknown }).toJSON !== 'function';
}

function nameOf(value: object): string {
  const { name } = (value.constructor ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' && name !== '' ? name : 'special object';
}

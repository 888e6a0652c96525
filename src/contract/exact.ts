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

const HOLDS_UNSTORABLE = 'holds a NUL character or is not valid Unicode';

/**
 * Values that would arrive as something else: `JSON.stringify` writes `-0` as `0`, `NaN` as `null`, a date as a text and a
 * `Map` as `{}`, JavaScript rounds what is beyond 2^53, and PostgreSQL stores no NUL. People would be shown another call than
 * the one that was meant. A member that is undefined is left out, as usual.
 */
export function findInexact(value: unknown): readonly ArgumentError[] {
  const errors: ArgumentError[] = [];
  visit(value, [], errors);
  return errors;
}

/** `path`: the keys down to the value. Most values are right, so their pointers are not written out. */
function visit(value: unknown, path: string[], errors: ArgumentError[]): void {
  if (errors.length >= MAX_ARGUMENT_ERRORS) return;
  const report = (message: string): unknown => errors.push({ pointer: path.map(pointerStep).join(''), message });
  const message = path.length > TOO_DEEP ? 'is nested too deeply' : explainInexact(value);
  if (message !== undefined) report(message);
  else if (typeof value === 'object' && value !== null) {
    // An array by its length: its keys pass over the holes that JSON writes as null.
    const length = Array.isArray(value) ? value.length : undefined;
    const keys = length === undefined ? Object.keys(value) : Array.from({ length }, (_, index) => String(index));
    for (const key of keys) {
      if (!isStorable(key)) report(`has a key that ${HOLDS_UNSTORABLE}`);
      const part: unknown = value[key as keyof typeof value];
      if (part === undefined && length === undefined) continue;
      path.push(key);
      visit(part, path, errors);
      path.pop();
    }
  }
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function explainInexact(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return isStorable(value) ? undefined : HOLDS_UNSTORABLE;
    case 'number':
      if (Object.is(value, -0)) return 'is -0, which cannot be sent: write 0';
      if (!Number.isFinite(value)) return `is ${value}, which is not a JSON number`;
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return undefined;
      return 'is beyond 2^53, where a number may have been rounded: write it as text';
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

import type { Json, JsonObject } from '../../contract/json.ts';

/** Characters of a form before encoding. Every leaf repeats the keys above it: a few long keys would make gigabytes. */
const MAX_FORM = 1024 * 1024;

interface Form {
  readonly pairs: string[];
  size: number;
}

/**
 * `application/x-www-form-urlencoded` with nesting as Stripe reads it: `a[b]=c`, `a[0]=c`; null is the empty string,
 * which unsets. Undefined where a key holds a bracket (it would name another parameter), text is not valid Unicode, or
 * the form is larger than 1 MiB.
 */
export function encodeForm(fields: JsonObject): string | undefined {
  const form: Form = { pairs: [], size: 0 };
  for (const [key, value] of Object.entries(fields)) {
    if (!addPairs(form, key, key, value)) return undefined;
  }
  return form.pairs.join('&');
}

function addPairs(form: Form, path: string, key: string, value: Json): boolean {
  if (/[[\]]/.test(key)) return false;
  if (Array.isArray(value)) {
    return (value as readonly Json[]).every((item, index) => addPairs(form, `${path}[${index}]`, String(index), item));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).every(([inner, item]) => addPairs(form, `${path}[${inner}]`, inner, item));
  }
  const text = value === null ? '' : String(value);
  form.size += path.length + text.length;
  if (form.size > MAX_FORM) return false;
  try {
    form.pairs.push(`${encodeURIComponent(path)}=${encodeURIComponent(text)}`);
    return true;
  } catch {
    return false; // encodeURIComponent throws on lone surrogates alone
  }
}

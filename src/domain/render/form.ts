import type { Json, JsonObject } from '../../contract/json.ts';
import { MAX_ARGUMENT_ERRORS, type ArgumentError } from '../../contract/exact.ts';
import { pointerStep } from '../../contract/pointer.ts';

export const FORM_TYPE = 'application/x-www-form-urlencoded';

export interface EncodedForm {
  readonly text: string;
  /** JSON Pointers of arguments that are sent as an empty text; only with `nulls: clear`. */
  readonly clears: readonly string[];
  /** What a form cannot carry. Where there is any, the text is not to be sent. */
  readonly errors: readonly ArgumentError[];
}

/** Characters of a form before encoding. Every leaf repeats the keys above it: a few long keys would make gigabytes. */
const MAX_FORM = 1024 * 1024;

/**
 * `application/x-www-form-urlencoded` with nesting as Stripe reads it: `a[b]=c`, `a[0]=c`. Two arguments that differ in more
 * than the type of a scalar never have the same form, so whatever has none of its own is an error: a list or an object
 * without members, null (with `nulls: clear` the empty text, which the target takes for "clear this"), keys with brackets,
 * and keys that count like those of a list.
 */
export function encodeForm(fields: JsonObject, nulls?: 'clear'): EncodedForm {
  return new FormEncoder(nulls === 'clear').encode(fields);
}

class FormEncoder {
  readonly #nullClears: boolean;
  readonly #pairs: string[] = [];
  readonly #clears: string[] = [];
  readonly #errors: ArgumentError[] = [];
  #size = 0;

  constructor(nullClears: boolean) {
    this.#nullClears = nullClears;
  }

  encode(fields: JsonObject): EncodedForm {
    this.#addMembers(fields, '', undefined);
    return { text: this.#pairs.join('&'), clears: this.#clears, errors: this.#errors };
  }

  /** `name`: of the object in the form; undefined: the form itself. */
  #addMembers(object: JsonObject, pointer: string, name: string | undefined): void {
    for (const [key, value] of Object.entries(object)) {
      const at = pointer + pointerStep(key);
      if (key === '' || /[[\]]/.test(key)) this.#refuse(at, `the key ${JSON.stringify(key)} cannot be sent in a form`);
      else this.#add(value, at, name === undefined ? key : `${name}[${key}]`, this.#nullClears);
      if (this.#isFull()) return;
    }
  }

  #add(value: Json, pointer: string, name: string, mayClear: boolean): void {
    if (value === null) {
      if (mayClear) this.#addText('', pointer, name, true);
      else this.#refuse(pointer, 'null cannot be sent in a form: leave it out');
    } else if (typeof value !== 'object') {
      this.#addText(String(value), pointer, name, mayClear);
    } else if (Array.isArray(value)) {
      this.#addItems(value as readonly Json[], pointer, name);
    } else {
      const keys = Object.keys(value);
      if (keys.length === 0) this.#refuse(pointer, `an empty object ${this.#nothing()}`);
      else if (keys.every((key, index) => key === String(index))) {
        this.#refuse(pointer, 'an object with the keys 0, 1, … would be read as a list in a form');
      } else this.#addMembers(value as JsonObject, pointer, name);
    }
  }

  #addItems(list: readonly Json[], pointer: string, name: string): void {
    if (list.length === 0) this.#refuse(pointer, `an empty list ${this.#nothing()}`);
    for (const [index, item] of list.entries()) {
      // Nothing of a list is cleared: its items have no names.
      this.#add(item, `${pointer}/${index}`, `${name}[${index}]`, false);
      if (this.#isFull()) return;
    }
  }

  #addText(text: string, pointer: string, name: string, mayClear: boolean): void {
    this.#size += name.length + text.length;
    if (this.#size > MAX_FORM) return this.#refuse(pointer, 'the form is larger than 1 MiB here');
    if (mayClear && text === '') this.#clears.push(pointer);
    try {
      this.#pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(text)}`);
    } catch {
      this.#refuse(pointer, 'it is not valid Unicode'); // encodeURIComponent throws on lone surrogates alone
    }
  }

  #nothing(): string {
    return `cannot be sent in a form: leave it out${this.#nullClears ? ', or send null or an empty text to clear it' : ''}`;
  }

  #refuse(pointer: string, message: string): void {
    this.#errors.push({ pointer, message });
  }

  #isFull(): boolean {
    return this.#size > MAX_FORM || this.#errors.length >= MAX_ARGUMENT_ERRORS;
  }
}

import type { Json, JsonObject } from '../../contract/json.ts';
import { writeJson } from '../../contract/exact-number.ts';

/**
 * How a value is written for people: text as it is, everything else as JSON. An agent chooses values, so text that could
 * be read as a value of another type (`["prod"]`, `12`, `true`, nothing at all, blanks) stands in quotes, in every door.
 * Control characters are still in it: the caller makes them visible.
 */
export function writeValue(value: Json): string {
  return typeof value === 'string' ? writeText(value) : writeJson(value);
}

/** As {@link writeValue}, of a cell in a table; a member that is not there is an empty cell. */
export function writeCell(value: Json | undefined): string {
  return value === undefined ? '' : writeValue(value);
}

export function writeText(text: string): string {
  return isPlain(text) ? text : JSON.stringify(text);
}

/** How values of other types are written, by JSON and by Holdpoint. */
const WORDS = new Set(['true', 'false', 'null', 'undefined', 'yes', 'no', 'none', 'nan', 'infinity', '-infinity']);
/** What a list, an object, quoted text, or a note by Holdpoint (`(sealed)`) begins with. */
const OPENING = /^["'“”„‘’«»[{(]/;
/** However a reader's language groups digits. */
const NUMBER = /^[-+−]?[\p{N}\s.,'’_]+(?:e[-+]?\p{N}+)?$/iu;

export function isPlain(text: string): boolean {
  if (text === '' || text.trim() !== text) return false;
  return !OPENING.test(text) && !NUMBER.test(text) && !WORDS.has(text.toLowerCase());
}

/** Longest value in a sentence, in characters. */
const IN_SENTENCE = 100;

/**
 * A policy's own words with arguments in the place of `{name}`. Text stands in quotes there, always: it must neither pass
 * for another type nor read on as if it belonged to the sentence. `missing` writes what is not there; `write` writes what
 * is Holdpoint's to write (an amount), in full.
 */
export function fillTemplate(
  template: string,
  args: JsonObject,
  missing: (placeholder: string) => string,
  options: { readonly length?: number; readonly write?: (name: string) => string | undefined } = {},
): string {
  const { length = IN_SENTENCE, write } = options;
  return template.replaceAll(/\{([A-Za-z0-9_]+)\}/g, (placeholder, name: string) =>
    Object.hasOwn(args, name)
      ? (write?.(name) ?? clip(writeInSentence(args[name] as Json), length))
      : missing(placeholder),
  );
}

function writeInSentence(value: Json): string {
  if (typeof value === 'object' && value !== null && '$sealed' in value) return '(sealed)';
  return JSON.stringify(value);
}

/** Cut text keeps its closing quote, so that what follows does not seem to belong to it. */
function clip(text: string, length: number): string {
  const characters = Array.from(text);
  if (characters.length <= length) return text;
  return `${characters.slice(0, length - 2).join('')}…${text.startsWith('"') ? '"' : ''}`;
}

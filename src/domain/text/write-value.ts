import type { Json } from '../../contract/json.ts';
import { writeJson } from '../../contract/exact-number.ts';
import { visible } from './visible.ts';

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
const NUMBER = /^[-+−]?[\p{N}\s.,'’_٫٬]+(?:e[-+]?\p{N}+)?$/iu;

export function isPlain(text: string): boolean {
  if (text === '' || text.trim() !== text) return false;
  return !OPENING.test(text) && !NUMBER.test(text) && !WORDS.has(text.toLowerCase());
}

/** Longest value in a sentence, in characters. */
const IN_SENTENCE = 100;

/** A template in parts: text as it stands, and the name of an argument where `{name}` stands. */
export function splitTemplate(template: string): readonly (string | { readonly name: string })[] {
  return template
    .split(/\{([A-Za-z0-9_]+)\}/)
    .map((part, index) => (index % 2 === 1 ? { name: part } : part))
    .filter((part) => part !== '');
}

/**
 * A value among the policy's own words, made visible. Text always stands in quotes there: it must neither pass for another
 * type nor read on as if it belonged to the sentence.
 */
export function writeInSentence(value: Json): string {
  if (typeof value === 'object' && value !== null && '$sealed' in value) return '(sealed)';
  return clipValue(visible(writeJson(value)), IN_SENTENCE);
}

/**
 * Cut text keeps its closing quote, so that what follows does not seem to belong to it. A number and an amount are not cut:
 * `1,250,0…` reads as another one.
 */
export function clipValue(text: string, length: number): string {
  const characters = Array.from(text);
  if (characters.length <= length || /^-?[0-9]/.test(text)) return text;
  return `${characters.slice(0, length - 2).join('')}…${text.startsWith('"') ? '"' : ''}`;
}

import { writeJson } from '../../contract/exact-number.ts';

/**
 * Text of agents, targets and databases is hostile: it may hold terminal escapes, text that runs backwards, or
 * characters nobody sees. Everything that a terminal would act on, or a reader would miss, is shown as `\u{…}`.
 */

// Controls, formats (bidi, zero-width, tags), surrogates, private use and unassigned; separators other than the space;
// letters that are drawn as nothing (Hangul fillers, variation selectors); and two symbols without ink, of Braille and music.
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}]|(?! )\p{Zs}/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escape(character: string): string {
  return SHORT[character] ?? `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}

/** Whether a character is one that nobody would see, or that a terminal would act on. */
export function isHidden(character: string): boolean {
  HIDDEN.lastIndex = 0;
  return HIDDEN.test(character);
}

/** Runs of characters that are drawn as nothing. */
const UNDRAWN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu;
/** What words and emoji are made of; in a longer row than an emoji has them, they could hide text. */
const JOINING = /^(?:\u200c|\u200d|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}])$/u;
const LONGEST_JOIN = 2;
/** Tabs, line breaks, soft hyphens and marks of direction. */
const HARMLESS = /^[\t\n\r\u00ad\u061c\u200e\u200f]$/u;
/** Most characters that are named. */
const MOST_NAMED = 10;

/** Characters that a terminal would act on or that hide text, each once, as `U+202E`. */
export function findSteering(texts: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const text of texts) {
    for (const [run] of text.matchAll(UNDRAWN)) {
      const joining = Array.from(run).filter((character) => JOINING.test(character));
      for (const character of run) {
        if (HARMLESS.test(character) || (JOINING.test(character) && joining.length <= LONGEST_JOIN)) continue;
        found.add(`U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`);
        if (found.size === MOST_NAMED) return [...found];
      }
    }
  }
  return [...found];
}

/** One line: line breaks and tabs are shown too. */
export function visible(text: string): string {
  return text.replace(HIDDEN, escape);
}

/** Several lines: line breaks stay line breaks. */
export function visibleLines(text: string): string[] {
  return text.split('\n').map(visible);
}

/** At most `length` characters, with a sign that something is missing. */
export function clip(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, Math.max(0, length - 1)).join('')}…`;
}

/** The first `length` UTF-16 code units of a text, or one less: never half of a surrogate pair. */
export function sliceCharacters(text: string, length: number): string {
  const cut = Math.max(0, length);
  return text.slice(0, /[\ud800-\udbff]/.test(text.charAt(cut - 1)) ? cut - 1 : cut);
}

/** Indented JSON for people. Its own string escapes stay; what JSON lets through is shown as `\u{…}`. */
export function visibleJson(value: unknown): string[] {
  return visibleLines(writeJson(value, 2));
}

/** JSON on one line for machines: the same value, with everything that a terminal could act on as `\uXXXX`. */
export function machineJson(value: unknown): string {
  return writeJson(value).replace(HIDDEN, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

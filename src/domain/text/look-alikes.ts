import { asciiOf, readingsOf } from './look-alike-letters.ts';

const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
const MOST = 10;

export interface LookAlike {
  readonly word: string;
  /** Each once. */
  readonly letters: readonly string[];
}

/**
 * Words that read as something else than they are: a letter of another script in a word with Latin ones, a word whose
 * every letter could be taken for a Latin one, and full-width, mathematical and other letters that stand for ASCII ones.
 * `аcme` with a Cyrillic `а` is another repository than the one a reviewer believes to see. Each word once, at most ten.
 */
export function findLookAlikes(text: string): readonly LookAlike[] {
  const found = new Map<string, readonly string[]>();
  // oxlint-disable-next-line no-control-regex -- ASCII text, the common case, has none
  if (/^[\x00-\x7f]*$/.test(text)) return [];
  for (const [word] of text.matchAll(WORD)) {
    if (found.has(word)) continue;
    const letters = suspiciousIn(Array.from(word));
    if (letters.length > 0) found.set(word, [...new Set(letters)]);
    if (found.size === MOST) break;
  }
  return [...found].map(([word, letters]) => ({ word, letters }));
}

function suspiciousIn(letters: readonly string[]): readonly string[] {
  const readings = readingsOf(letters);
  return letters.filter((_, at) => readings[at] !== undefined);
}

/** `а (U+0430) for a` */
export function nameLetter(letter: string): string {
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `${letter} (U+${code}) for ${asciiOf(letter) ?? '?'}`;
}

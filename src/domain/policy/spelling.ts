import { asciiOf } from '../text/look-alike-letters.ts';

const PLAIN = /^[a-z0-9_.-]*$/;
/** Blanks, controls, and what is drawn as nothing. */
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** Undefined: the key is its own skeleton. */
export function normalizeKey(key: string): string | undefined {
  return PLAIN.test(key) ? undefined : key.normalize('NFKC');
}

/**
 * What two keys share that a person, or a lenient target, takes for one: letter case, blanks, invisible characters,
 * compatibility forms (NFKC) and look-alikes. `Env`, `env ` and `еnv` with a Cyrillic `е` are spellings of `env`.
 */
export function skeletonOfNormalized(key: string): string {
  const letters = Array.from(key.replace(UNSEEN, ''), (letter) => asciiOf(letter) ?? letter);
  return letters.join('').toLowerCase();
}

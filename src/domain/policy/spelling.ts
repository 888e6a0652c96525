import { asciiOf } from '../text/look-alike-letters.ts';

const PLAIN = /^[a-z0-9_.-]*$/;
/** Blanks, controls, and what is drawn as nothing. */
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * What two keys share that a person, or a lenient target, takes for one: letter case, blanks, invisible characters,
 * compatibility forms (NFKC) and look-alikes. `Env`, `env ` and `еnv` with a Cyrillic `е` are spellings of `env`.
 */
export function skeletonOf(key: string): string {
  if (PLAIN.test(key)) return key;
  const letters = Array.from(key.normalize('NFKC').replace(UNSEEN, ''), (letter) => asciiOf(letter) ?? letter);
  return letters.join('').toLowerCase();
}

/** Keys by their skeleton. */
export function indexSpellings(keys: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>();
  for (const key of keys) {
    const skeleton = skeletonOf(key);
    const known = index.get(skeleton);
    if (known === undefined) index.set(skeleton, [key]);
    else known.push(key);
  }
  return index;
}

/** Cyrillic and Greek letters that are drawn like Latin ones. */
const LOOK_ALIKES = 'авеіјкморсԁһԛѕтухѵԝӏАВЕЅІЈКМНОРСТУХԌԚԜӀαιονρτυχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϹ';
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/**
 * Words that read as Latin and are not: every letter is Latin or drawn like one, and at least one is of another script.
 * `аcme` with a Cyrillic `а` is another repository than the one a reviewer believes to see. Each word once, at most ten.
 */
export function findLookAlikes(
  text: string,
): readonly { readonly word: string; readonly letters: readonly string[] }[] {
  const found = new Map<string, readonly string[]>();
  for (const [word] of text.matchAll(WORD)) {
    if (found.has(word)) continue;
    const letters = Array.from(word).filter((letter) => LOOK_ALIKES.includes(letter));
    if (letters.length === 0) continue;
    const readsAsLatin = Array.from(word).every(
      (letter) => LOOK_ALIKES.includes(letter) || /[\p{Script=Latin}\p{N}]/u.test(letter),
    );
    if (readsAsLatin) found.set(word, [...new Set(letters)]);
    if (found.size === 10) break;
  }
  return [...found].map(([word, letters]) => ({ word, letters }));
}

/** `а (U+0430)` */
export function nameLetter(letter: string): string {
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `${letter} (U+${code})`;
}

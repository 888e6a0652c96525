/**
 * Letters of other scripts that are drawn like an ASCII one (UTS #39, the part met in practice). The page has the same
 * table, because it may not import this; a test keeps the two together.
 */
const LOOK_ALIKES = new Map(
  Object.entries({
    a: 'аɑα',
    b: 'Ьƅ',
    c: 'сϲ',
    d: 'ԁɗ',
    e: 'еҽ',
    g: 'ɡց',
    h: 'һհ',
    i: 'іɩιı',
    j: 'јϳ',
    k: 'κк',
    l: 'ӏǀ',
    m: 'м',
    n: 'ոп',
    o: 'оοօσ',
    p: 'рρ',
    q: 'ԛզ',
    r: 'гᴦ',
    s: 'ѕ',
    t: 'тτ',
    u: 'υսц',
    v: 'νѵ',
    w: 'ѡԝա',
    x: 'хχ',
    y: 'уγү',
    z: 'ᴢ',
    A: 'АΑ',
    B: 'ВΒ',
    C: 'СϹ',
    E: 'ЕΕ',
    G: 'Ԍ',
    H: 'НΗ',
    I: 'ІΙӀ',
    J: 'Ј',
    K: 'КΚ',
    M: 'МΜ',
    N: 'Ν',
    O: 'ОΟՕ',
    P: 'РΡ',
    Q: 'Ԛ',
    S: 'Ѕ',
    T: 'ТΤ',
    W: 'Ԝ',
    X: 'ХΧ',
    Y: 'ҮΥУ',
    Z: 'Ζ',
  }).flatMap(([ascii, others]) => Array.from(others, (other) => [other, ascii] as const)),
);
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
  const isMixed = letters.some((letter) => /[A-Za-z]/.test(letter));
  const readsAsLatin = letters.every(
    (letter) => /[\p{Script=Latin}\p{N}_]/u.test(letter) || asciiOf(letter) !== undefined,
  );
  return letters.filter((letter) => {
    if (asciiOf(letter) === undefined) return false;
    return isMixed || readsAsLatin || isCompatible(letter);
  });
}

/** `а (U+0430) for a` */
export function nameLetter(letter: string): string {
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `${letter} (U+${code}) for ${asciiOf(letter) ?? '?'}`;
}

/** The ASCII letter or digit that another character is drawn like, or stands for. */
function asciiOf(character: string): string | undefined {
  return LOOK_ALIKES.get(character) ?? (isCompatible(character) ? character.normalize('NFKC') : undefined);
}

/** Full-width and mathematical letters and digits, and the like. */
function isCompatible(character: string): boolean {
  return !/^[0-9A-Za-z_]$/.test(character) && /^[0-9A-Za-z]$/.test(character.normalize('NFKC'));
}

import { DRAWN_LIKE } from './look-alikes-data.ts';

/**
 * Beside Unicode's data, which has these as like a small capital or a Greek letter, or not at all: in the fonts of mails,
 * Slack and the page they pass for the ASCII letter. `ӏ` is drawn like `l` there, not like the `i` that Unicode names. Small
 * capitals pass for it wherever they stand: `ɢoogle.com` was registered.
 */
const OURS: Readonly<Record<string, string>> = {
  a: 'ᴀ',
  b: 'ƅʙ',
  d: 'ɗᴅ',
  e: 'ᴇ',
  f: 'ꜰ',
  g: 'ɢ',
  h: 'ʜ',
  j: 'ᴊ',
  k: 'κкᴋĸ',
  l: 'ӏʟ',
  m: 'мᴍ',
  n: 'пɴ',
  p: 'ᴘ',
  r: 'ʀ',
  t: 'тτᴛ',
  u: 'ц',
  x: 'χ',
  Q: 'Ԛ',
};

const LOOK_ALIKES = new Map([
  ...Object.entries(DRAWN_LIKE).flatMap(([ascii, codes]) =>
    codes.split(' ').map((code) => [String.fromCodePoint(Number.parseInt(code, 16)), ascii] as const),
  ),
  ...Object.entries(OURS).flatMap(([ascii, others]) => Array.from(others, (other) => [other, ascii] as const)),
]);

/** Scripts in which a whole word can be drawn like an ASCII one. In others, short words of every day would be marked. */
const HAS_LATIN_SHAPES = /[\p{Lu}\p{Ll}\p{Script=Lisu}\p{Script=Canadian_Aboriginal}]/u;
/** Like ASCII letters next to such, not in a word of their own alphabet: `քո` is an Armenian word, and nobody reads `fn`. */
const ONLY_AMONG_LATIN = new Set('գռքՍՏ');

/** The ASCII letter or digit that another character is drawn like, or stands for. */
export function asciiOf(character: string): string | undefined {
  if (character < '\u0080') return undefined;
  const known = LOOK_ALIKES.get(character);
  if (known !== undefined) return known;
  const plain = character.normalize('NFKC');
  if (plain === character) return undefined;
  return isAlphanumeric(plain) ? plain : LOOK_ALIKES.get(plain);
}

/**
 * For each letter of a word the ASCII one it is taken for, where it is: in a word that has ASCII letters too, in one whose
 * every letter can be read as such, and wherever it stands for one. A word of another script stays as it is.
 */
export function readingsOf(letters: readonly string[]): readonly (string | undefined)[] {
  const readings = letters.map(asciiOf);
  if (readings.every((reading) => reading === undefined)) return readings;
  const hasDigit = letters.some((letter) => /^[0-9]$/.test(letter));
  const isRead =
    letters.some((letter) => /^[A-Za-z]$/.test(letter)) ||
    letters.every((letter, at) => isReadAlone(letter, readings[at], hasDigit));
  if (isRead) return readings;
  return readings.map((reading, at) =>
    reading !== undefined && isCompatible(letters[at] ?? '') ? reading : undefined,
  );
}

/** Whether a letter can be part of a word that has no ASCII letter and yet reads as one. */
function isReadAlone(letter: string, reading: string | undefined, hasDigit: boolean): boolean {
  if (/^[0-9_]$|\p{Script=Latin}/u.test(letter) || isCompatible(letter)) return true;
  if (reading === undefined) return false;
  // Numbers of other scripts are read as such, unless they stand among ASCII ones.
  if (/\p{N}/u.test(letter)) return hasDigit;
  if (!HAS_LATIN_SHAPES.test(letter) || ONLY_AMONG_LATIN.has(letter)) return false;
  // `За` begins a Russian sentence; `З00` is an amount that is none.
  return hasDigit || /\D/.test(reading);
}

/** Full-width and mathematical letters and digits, and the like. */
function isCompatible(character: string): boolean {
  return character >= '\u0080' && isAlphanumeric(character.normalize('NFKC'));
}

function isAlphanumeric(text: string): boolean {
  return /^[0-9A-Za-z]$/.test(text);
}

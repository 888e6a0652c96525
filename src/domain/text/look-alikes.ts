import { asciiOf, readingsOf } from './look-alike-letters.ts';

/** What is drawn like a dot, slash or at sign of hosts, paths and addresses; browsers read `。` and `．` as a dot. */
const SEPARATORS: ReadonlyMap<string, string> = new Map([
  ...Array.from('․。．｡', (dot) => [dot, '.'] as const),
  ...Array.from('⁄∕⧸／', (slash) => [slash, '/'] as const),
  ...Array.from('﹫＠', (at) => [at, '@'] as const),
]);
/** Letters and separators in a row. */
const RUN = /[\p{L}\p{M}\p{N}_․。．｡⁄∕⧸／﹫＠]+/gu;
const SEPARATOR = /([․。．｡⁄∕⧸／﹫＠])/u;
/** Separators count between ASCII letters or digits alone: next to other scripts they are punctuation of every day. */
const PUNCTUATION = /(?<![0-9A-Za-z])[․。．｡⁄∕⧸／﹫＠]|[․。．｡⁄∕⧸／﹫＠](?![0-9A-Za-z])/u;
const MOST = 10;

export interface LookAlike {
  readonly word: string;
  /** Each once. */
  readonly letters: readonly string[];
}

/**
 * Words that read as something else than they are: a letter of another script in a word with Latin ones, a word whose
 * every letter could be taken for a Latin one, and full-width, mathematical and other letters that stand for ASCII ones;
 * likewise what separates the words of a host, path or address.
 * `аcme` with a Cyrillic `а` is another repository than the one a reviewer believes to see. Each word once, at most ten.
 */
export function findLookAlikes(text: string): readonly LookAlike[] {
  const found = new Map<string, readonly string[]>();
  for (const { word, letters } of readWords(text)) {
    if (!found.has(word))
      found.set(word, [...new Set(letters.flatMap(({ letter, reading }) => (reading === undefined ? [] : [letter])))]);
    if (found.size === MOST) break;
  }
  return [...found].map(([word, letters]) => ({ word, letters }));
}

interface ReadWord {
  readonly word: string;
  readonly index: number;
  readonly letters: readonly { readonly letter: string; readonly reading: string | undefined }[];
}

function* wordsIn(text: string): Generator<Pick<ReadWord, 'word' | 'index'>> {
  for (const { 0: run, index: start } of text.matchAll(RUN)) {
    let index = start;
    for (const word of run.split(PUNCTUATION)) {
      if (word !== '') yield { word, index };
      index += word.length + 1;
    }
  }
}

/** Every word that holds a character which reads as an ASCII one, with its place in the text. */
export function* readWords(text: string): Generator<ReadWord> {
  // oxlint-disable-next-line no-control-regex -- ASCII text, the common case, has none
  if (/^[\x00-\x7f]*$/.test(text)) return;
  for (const { word, index } of wordsIn(text)) {
    // The parts between separators are words of their own.
    const letters = word.split(SEPARATOR).flatMap((part) => {
      const separator = SEPARATORS.get(part);
      if (separator !== undefined) return [{ letter: part, reading: separator }];
      const inPart = Array.from(part);
      const readings = readingsOf(inPart);
      return inPart.map((letter, at) => ({ letter, reading: readings[at] }));
    });
    if (letters.some(({ reading }) => reading !== undefined)) yield { word, index, letters };
  }
}

/** `а (U+0430) for a` */
export function nameLetter(letter: string): string {
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `${letter} (U+${code}) for ${SEPARATORS.get(letter) ?? asciiOf(letter) ?? '?'}`;
}

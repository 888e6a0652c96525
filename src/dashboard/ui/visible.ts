import { readWords } from '../../domain/text/look-alikes.ts';
import { isHidden } from '../../domain/text/visible.ts';
import { words } from '../words.ts';

/** Most of a text that is drawn in one piece: about ten lines on a phone, so that it fits on any screen. */
export const PIECE = { characters: 360, lines: 8 } as const;

/**
 * Text of agents, targets and people is hostile: it may run backwards, hold characters nobody sees, or letters that
 * only look like others. It is split here into parts, so that every such character can be shown as what it is.
 */
export type TextPart =
  | { readonly kind: 'plain'; readonly text: string }
  /** Controls, bidi, zero-width, invisible letters, unusual spaces, private use; `code` is `U+202E`. */
  | { readonly kind: 'hidden'; readonly text: string; readonly code: string; readonly name: string }
  /** Drawn like `looksLike` and something else. */
  | { readonly kind: 'confusable'; readonly text: string; readonly code: string; readonly looksLike: string };

const MARK = /\p{M}/u;

const NAMES: Readonly<Record<number, string>> = words.characters.names;

/** All of `text`, in order: the parts' texts put together are the text. */
export function splitVisible(text: string, options: { readonly keepLines?: boolean } = {}): TextPart[] {
  const suspicious = findConfusables(text);
  const parts: TextPart[] = [];
  let plain = '';
  let marks = 0;
  let at = 0;
  const flush = (): void => {
    if (plain !== '') parts.push({ kind: 'plain', text: plain });
    plain = '';
  };
  for (const character of text) {
    // Nearly all there is; asking the expressions for each of them was most of the time that scrolling took.
    const isPrintable = character >= ' ' && character <= '~';
    marks = !isPrintable && MARK.test(character) ? marks + 1 : 0;
    const looksLike = suspicious.get(at);
    const kept = options.keepLines === true && character === '\n';
    if (!kept && !isPrintable && (isHidden(character) || marks > 2)) {
      flush();
      const code = codeOf(character);
      parts.push({ kind: 'hidden', text: character, code, name: NAMES[character.codePointAt(0) ?? -1] ?? code });
    } else if (looksLike !== undefined) {
      flush();
      parts.push({ kind: 'confusable', text: character, code: codeOf(character), looksLike });
    } else {
      plain += character;
    }
    at += character.length;
  }
  flush();
  return parts;
}

/** Whether anything in the text is not what it seems. */
export function hasHidden(text: string): boolean {
  return splitVisible(text, { keepLines: true }).some((part) => part.kind !== 'plain');
}

/** Index → the ASCII character that stands there for who reads. */
function findConfusables(text: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const { index, letters } of readWords(text)) {
    let at = index;
    for (const { letter, reading } of letters) {
      if (reading !== undefined) found.set(at, reading);
      at += letter.length;
    }
  }
  return found;
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

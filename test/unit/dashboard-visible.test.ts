import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutIntoPieces } from '../../src/dashboard/review/pieces.ts';
import { highlightSql } from '../../src/dashboard/review/pieces.ts';
import { hasHidden, splitVisible } from '../../src/dashboard/ui/visible.ts';

const kinds = (text: string): readonly string[] =>
  splitVisible(text).flatMap((part) => (part.kind === 'plain' ? [] : [`${part.kind} ${part.code}`]));

describe('what would not be seen', () => {
  test.each([
    ['right-to-left override', 'a\u202Eb', 'hidden U+202E'],
    ['zero-width space', 'a\u200Bb', 'hidden U+200B'],
    ['escape', 'a\u001Bb', 'hidden U+001B'],
    ['no-break space', 'a\u00A0b', 'hidden U+00A0'],
    ['invisible letter', 'a\u3164b', 'hidden U+3164'],
    ['blank of Braille', 'a\u2800b', 'hidden U+2800'],
    ['note without a head', 'a\u{1D159}b', 'hidden U+1D159'],
    ['tag', 'a\u{E0041}b', 'hidden U+E0041'],
    ['line separator', 'a\u2028b', 'hidden U+2028'],
    ['lone surrogate', 'a\uD800b', 'hidden U+D800'],
  ])('%s is marked', (_name, text, expected) => {
    expect(kinds(text)).toEqual([expected]);
  });

  test.each([
    ['one Cyrillic letter in a Latin word', 'p\u0430ypal', ['confusable U+0430']],
    ['a word that could be read as ASCII throughout', '\u0441\u043E\u0441\u043E', 4],
    ['full-width letters', '\uFF41bc', ['confusable U+FF41']],
    ['a dot that browsers take for one', 'example\uFF0Ecom', ['confusable U+FF0E']],
    ['mathematical letters', '\u{1D4EA}dmin', ['confusable U+1D4EA']],
  ])('%s is marked', (_name, text, expected) => {
    if (typeof expected === 'number') expect(kinds(text)).toHaveLength(expected);
    else expect(kinds(text)).toEqual(expected);
  });

  test.each(['Straße', 'naïve café', 'Привет мир', '東京', 'Ελληνικά', 'a+b=c'])('%s stays as it is', (text) => {
    expect(hasHidden(text)).toBe(false);
  });

  test('letters buried under marks are shown', () => {
    expect(kinds('e\u0301\u0301\u0301\u0301').length).toBeGreaterThan(0);
    expect(kinds('e\u0301')).toEqual([]);
  });

  test('line breaks are marked, unless lines are kept', () => {
    expect(kinds('a\nb')).toEqual(['hidden U+000A']);
    expect(hasHidden('a\nb')).toBe(false);
  });

  test('nothing is lost: the parts are the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (text) => {
        expect(
          splitVisible(text)
            .map((part) => part.text)
            .join(''),
        ).toBe(text);
      }),
    );
  });
});

describe('pieces', () => {
  test('hold the whole text, coloured or not, and none is larger than a screen', () => {
    const texts = fc.string({
      unit: fc.constantFrom('a', ' ', '\n', "'", '\u202E', '\u0430', '-', '1', '😀'),
      maxLength: 2_000,
    });
    fc.assert(
      fc.property(texts, (text) => {
        for (const segments of [undefined, highlightSql(text)]) {
          const pieces = cutIntoPieces(text, segments);
          expect(pieces.flatMap((piece) => piece.map(({ part }) => part.text)).join('')).toBe(text);
          for (const piece of pieces) {
            expect(piece.reduce((sum, { part }) => sum + part.text.length, 0)).toBeLessThanOrEqual(360);
          }
        }
      }),
    );
  });

  test('a colour does not hide a letter of another script', () => {
    const pieces = cutIntoPieces('DROP TABLE us\u0435rs', highlightSql('DROP TABLE us\u0435rs'));
    expect(pieces.flat().map(({ part }) => part.kind)).toContain('confusable');
  });

  test('what PostgreSQL would run does not look like a comment', () => {
    expect(highlightSql('SELECT 1 # 2').map(({ mark }) => mark)).not.toContain('comment');
    expect(highlightSql('SELECT 1 -- x').map(({ mark }) => mark)).toContain('comment');
  });
});

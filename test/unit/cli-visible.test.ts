import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { clip, findSteering, machineJson, visible, visibleJson, visibleLines } from '../../src/domain/text/visible.ts';

// What a terminal acts on or a reader cannot see: C0 (but line feed), DEL, C1, soft hyphen, bidi, zero-width, no-break
// space, byte order mark, variation selectors, Hangul filler, tags. Listed by code point, apart from the code under test.
const RANGES: readonly (readonly [number, number])[] = [
  [0x00, 0x09],
  [0x0b, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x2064],
  [0x2066, 0x2069],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xe0000, 0xe01ef],
];
function hidden(text: string): string[] {
  return Array.from(text).filter((character) =>
    RANGES.some(
      ([from, to]) => (character.codePointAt(0) as number) >= from && (character.codePointAt(0) as number) <= to,
    ),
  );
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('\u001b[2J', '\u009b31m', '\u202e', '\u2066', '\u200b', '\u{e0041}', '\r', '\n', '\u0007', 'x'),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
);

describe('B4: characters that the receiver is told of', () => {
  test.each([
    ['a:\n\tgcc\r\nスペース\u3000\u00a0👩‍👩‍👧 ❤\ufe0f\u200d🔥 می\u200cخواهم \u200fab co\u00adop \u2028 1\u202f000', []],
    ['\u001b[2J\u0007\u009b31m', ['U+001B', 'U+0007', 'U+009B']],
    ['\u202eab\u2066\u200b\u{e0041}', ['U+202E', 'U+2066', 'U+200B', 'U+E0041']],
    ['a\ufe00\ufe01\ufe02b', ['U+FE00', 'U+FE01', 'U+FE02']],
    ['a\u200c\u200d\u200c', ['U+200C', 'U+200D']],
  ])('%j: %j', (text, expected) => {
    expect(findSteering([text])).toEqual(expected);
  });
});

describe('hostile text', () => {
  test('nothing hidden and nothing a terminal acts on is left, whatever the text', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(hidden(visible(text))).toEqual([]);
        expect(visible(text)).not.toContain('\n');
        expect(hidden(visibleLines(text).join('\n'))).toEqual([]);
        expect(hidden(visibleJson({ [text]: text }).join('\n'))).toEqual([]);
        expect(hidden(machineJson({ [text]: [text] }))).toEqual([]);
      }),
    );
  });

  test('is shown as code points', () => {
    expect(visible('a\u001b[31mb')).toBe('a\\u{1b}[31mb');
    expect(visible('invoice\u202Efdp.exe')).toBe('invoice\\u{202e}fdp.exe');
    expect(visible('line\nbreak\ttab')).toBe('line\\nbreak\\ttab');
    expect(visible('pay\u200bpal')).toBe('pay\\u{200b}pal');
  });

  test('plain text of any script stays as it is', () => {
    const text = 'Zürich 東京 Ελλάδα עברית – “ok” 10 € 🙂';
    expect(visible(text)).toBe(text);
  });
});

describe('machineJson', () => {
  test('is the same value, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(JSON.parse(machineJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(machineJson(value)).not.toContain('\n');
      }),
    );
  });
});

test('clip counts characters, not UTF-16 units', () => {
  expect(clip('🙂🙂🙂', 3)).toBe('🙂🙂🙂');
  expect(clip('🙂🙂🙂', 2)).toBe('🙂…');
});

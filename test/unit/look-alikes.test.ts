import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { DRAWN_LIKE } from '../../src/domain/text/look-alikes-data.ts';
import { asciiOf, readingsOf } from '../../src/domain/text/look-alike-letters.ts';
import { findLookAlikes, nameLetter } from '../../src/domain/text/look-alikes.ts';

/** What a word reads as, where that is not what it is. */
const read = (word: string): string | undefined => {
  const letters = Array.from(word);
  const readings = readingsOf(letters);
  return readings.every((reading) => reading === undefined)
    ? undefined
    : letters.map((letter, at) => readings[at] ?? letter).join('');
};

describe('what is drawn like ASCII', () => {
  test('is an ASCII letter or digit for every character of the table, and none of these is ASCII', () => {
    const codes = Object.values(DRAWN_LIKE).flatMap((list) => list.split(' '));
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) {
      const character = String.fromCodePoint(Number.parseInt(code, 16));
      expect(character > '\u007F' && /^[0-9A-Za-z]$/.test(asciiOf(character) ?? '')).toBe(true);
    }
    for (let code = 0; code < 0x80; code += 1) expect(asciiOf(String.fromCodePoint(code))).toBeUndefined();
  });

  test.each([
    ['Cyrillic', 'аеорсухѕіјһԁԛԝѡАВЕКМНОРСТХУ', 'aeopcyxsijhdqwwABEKMHOPCTXY'],
    ['Greek', 'αγικνορστυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'ayikvopotuxABEZHIKMNOPTYX'],
    ['Armenian', 'օհոսցզգռքՍՏ', 'ohnugqqnfUS'],
    ['Cherokee, Coptic, Lisu, Canadian', 'ᏢᎪⲣⲟꓑꓳᑭᑌ', 'PApoPOPU'],
    ['Latin letters that are none of ASCII', 'ɑɡıɩᴄᴏꜱƅɗ', 'agiicosbd'],
    ['of ours, as fonts have them', 'мптцкӏԚ', 'mntuklQ'],
    ['small capitals', 'ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ', 'abcdefghijklmnoprstuvwyz'],
    ['digits and what is like them', 'З߀০Ƽ', '3005'],
    ['drawn like I, l and 1, told apart by what they are', 'ΙІӀǀ۱', 'IIIl1'],
    ['compatibility forms, also of letters that are only like ASCII', 'ａ𝐚𝛂𝚨²', 'aaaA2'],
  ])('%s', (_name, characters, ascii) => {
    expect(Array.from(characters, asciiOf).join('')).toBe(ascii);
  });
});

describe('a word reads as another', () => {
  test.each([
    ['with one letter of another script', 'p\u0430ypal', 'paypal'],
    ['with a Thai digit', 'g\u0E50\u0E50gle', 'google'],
    ['throughout another script', '\u0441\u043E\u0441\u043E', 'coco'],
    ['in Cherokee', 'ᏢᎪᎩ', 'PAY'],
    ['in Lisu', 'ꓑꓮꓬ', 'PAY'],
    ['as an amount', 'З00', '300'],
    ['as a number with a digit of another script', '1\u09E60', '100'],
    ['in full-width letters', 'ａcme', 'acme'],
  ])('%s', (_name, word, expected) => {
    expect(read(word)).toBe(expected);
  });

  test.each([
    ['Russian', 'За него отвечает отдел об этом без Зубра, 5 дней'],
    ['Greek', 'διαγραφή χρηστών που δεν χρησιμοποιούνται'],
    ['Armenian', 'քո գործը'],
    ['Arabic', 'احذف ١٥ مستخدما ها هو اه ٧٥ 1445ه'],
    ['Hebrew', 'סוס טס ון למחוק'],
    ['Chinese', '二〇二四年删除API二〇用户〇'],
    ['Hindi, Tamil, Thai', '२०२४ ० १०० ௦ ๐๕'],
    ['Amharic, Burmese', 'ሀ ዐይን ဝ'],
    ['French, German', 'naïve café Straße déjà'],
  ])('not in %s of every day', (_name, sentence) => {
    for (const [word] of sentence.matchAll(/[\p{L}\p{M}\p{N}_]+/gu))
      expect([word, read(word)]).toEqual([word, undefined]);
  });
});

describe('what separates the words of a host or an address', () => {
  test.each([
    ['mail@\u0435xample．com', '\u0435．'],
    ['example。com', '。'],
    ['https://example.com∕login.example.net', '∕'],
    ['alice＠example.com', '＠'],
    ['a․b⁄c', '․⁄'],
  ])('is found in %s', (text, expected) => {
    const found = findLookAlikes(text).flatMap(({ letters }) => letters);
    expect(found.join('')).toBe(expected);
    expect(found.map(nameLetter).join()).not.toContain('?');
  });

  test.each(['删除API。次', '状态：OK，API／次', 'これは。'])('is ordinary punctuation in %s', (text) => {
    expect(findLookAlikes(text)).toEqual([]);
  });
});

test('the table is made from the data of UTS #39', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-look-alikes-'));
  try {
    const [data, module] = [join(folder, 'confusables.txt'), join(folder, 'data.ts')];
    const rows = [
      ['0031', '006C'], // 1, which shares its prototype with I and l
      ['0049', '006C'],
      ['006D', '0072 006E'], // m
      ['0406', '006C'], // Cyrillic: a capital
      ['06F1', '006C'], // Persian: a digit
      ['05D5', '006C'], // Hebrew: a letter
      ['0430', '0061'],
      ['118E3', '0072 006E'],
      ['FF41', '0061'], // NFKC finds it
      ['1D6C2', '03B1'],
      ['2223', '006C'], // in no word
      ['3007', '004F'], // a square
      ['A733', '0061 0061'], // two letters
      ['043A', '0138'], // like another letter that is not of ASCII
    ];
    const lines = rows.map(([from, to]) => `${from} ;\t${to} ;\tMA\t# of the test`);
    writeFileSync(data, `\uFEFF# confusables.txt\n# Version: 99.0.0\n# © 2031 Unicode®, Inc.\n\n${lines.join('\n')}\n`);
    const run = spawnSync(process.execPath, [packageFile('scripts', 'look-alikes.mjs'), data, module]);
    expect(run.status).toBe(0);
    const text = readFileSync(module, 'utf8');
    expect([...text.matchAll(/^ {2}(\w): '(.*)',$/gm)].map(([, ascii, codes]) => [ascii, codes])).toEqual([
      ['1', '6f1'],
      ['I', '406'],
      ['a', '430'],
      ['l', '5d5'],
      ['m', '118e3'],
    ]);
    expect(text).toContain('Unicode 99.0.0');
    expect(text).toContain('Copyright © 1991-2031 Unicode, Inc.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

// `node scripts/look-alikes.mjs <confusables.txt> [<module>]`: remakes src/domain/text/look-alikes-data.ts from the data of
// UTS #39 (https://www.unicode.org/Public/security/; Debian's source package `icu` has it as source/data/unidata/confusables.txt).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/root.mjs';

const LICENCE = `COPYRIGHT AND PERMISSION NOTICE

Copyright © 1991-YEAR Unicode, Inc. All rights reserved.
Distributed under the Terms of Use in https://www.unicode.org/copyright.html.

Permission is hereby granted, free of charge, to any person obtaining
a copy of the Unicode data files and any associated documentation
(the "Data Files") or Unicode software and any associated documentation
(the "Software") to deal in the Data Files or Software
without restriction, including without limitation the rights to use,
copy, modify, merge, publish, distribute, and/or sell copies of
the Data Files or Software, and to permit persons to whom the Data Files
or Software are furnished to do so, provided that either
(a) this copyright and permission notice appear with all copies
of the Data Files or Software, or
(b) this copyright and permission notice appear in associated
Documentation.

THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF
ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT OF THIRD PARTY RIGHTS.
IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN THIS
NOTICE BE LIABLE FOR ANY CLAIM, OR ANY SPECIAL INDIRECT OR CONSEQUENTIAL
DAMAGES, OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE,
DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THE DATA FILES OR SOFTWARE.

Except as contained in this notice, the name of a copyright holder
shall not be used in advertising or otherwise to promote the sale,
use or other dealings in these Data Files or Software without prior
written authorization of the copyright holder.`;

const ALPHANUMERIC = Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');

const [file, target = join(root, 'src', 'contract', 'look-alikes-data.ts')] = process.argv.slice(2);
if (file === undefined) {
  console.error('Usage: node scripts/look-alikes.mjs <confusables.txt> [<module>]');
  process.exit(2);
}
const source = readFileSync(file, 'utf8');
const prototypes = readPrototypes(source);
const byAscii = groupByAscii(prototypes);
if (byAscii.size === 0) throw new Error(`${file} has no look-alikes: is it confusables.txt?`);
writeFileSync(target, writeModule(source, byAscii));
console.log(`${target}: ${[...byAscii.values()].flat().length} characters`);

/** Character → what it is drawn like, as the file has it. */
function readPrototypes(text) {
  const lines = [...text.matchAll(/^([0-9A-F]+) ;\t([0-9A-F ]+) ;/gm)];
  const textOf = (codes) => codes.split(' ').map((code) => String.fromCodePoint(Number.parseInt(code, 16)));
  return new Map(lines.map(([, from = '', to = '']) => [textOf(from).join(''), textOf(to).join('')]));
}

function groupByAscii(all) {
  const groups = new Map();
  for (const [character, prototype] of [...all].toSorted(([a], [b]) => codeOf(a) - codeOf(b))) {
    const ascii = asciiFor(character, prototype, all);
    if (ascii === undefined || isLeftOut(character, ascii, all)) continue;
    groups.set(ascii, [...(groups.get(ascii) ?? []), codeOf(character).toString(16)]);
  }
  return groups;
}

/** Letters and digits of ASCII that share a prototype (`1`, `I` and `l`; `0` and `O`) are distinguished by the character itself. */
function asciiFor(character, prototype, all) {
  const drawnAlike = ALPHANUMERIC.filter((ascii) => (all.get(ascii) ?? ascii) === prototype);
  const kind = /\p{N}/u.test(character) ? /[0-9]/ : /\p{Lu}/u.test(character) ? /[A-Z]/ : /[a-z]/;
  return (
    drawnAlike.find((ascii) => kind.test(ascii)) ?? drawnAlike.findLast((ascii) => /\D/.test(ascii)) ?? drawnAlike[0]
  );
}

function isLeftOut(character, ascii, all) {
  // Only words are looked at.
  if (codeOf(character) < 0x80 || !/[\p{L}\p{M}\p{N}]/u.test(character)) return true;
  // In a square of its own, and written without spaces: a sentence with a Latin name in it would be marked.
  if (/\p{Script=Han}/u.test(character)) return true;
  // Compatibility forms are found by their normal form.
  const plain = character.normalize('NFKC');
  if (plain === character) return false;
  return /^[0-9A-Za-z]$/.test(plain) || asciiFor(plain, all.get(plain), all) === ascii;
}

function codeOf(character) {
  return character.codePointAt(0);
}

function writeModule(text, groups) {
  const version = /^# Version: (\S+)/m.exec(text)?.[1] ?? 'unknown';
  const year = /^# © (\d{4}) Unicode/m.exec(text)?.[1] ?? '';
  const lines = ALPHANUMERIC.flatMap((ascii) =>
    groups.has(ascii) ? [`  ${ascii}: '${groups.get(ascii).join(' ')}',`] : [],
  );
  return `// Generated, not to be edited: \`node scripts/look-alikes.mjs <confusables.txt>\` remakes it.
/*
 * Made from confusables.txt of UTS #39, Unicode ${version} (https://www.unicode.org/Public/security/), and changed: single
 * characters that are drawn like an ASCII letter or digit, without those that NFKC leads to one.
 *
${LICENCE.replace('YEAR', year).replaceAll(/^(.*)$/gm, (line) => ` * ${line}`.trimEnd())}
 */

/** Code points, in hexadecimal, by the ASCII letter or digit that they are drawn like. */
export const DRAWN_LIKE: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`;
}

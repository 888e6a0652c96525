import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

/** Clocks and randomness: what is pure is told the time, and gets its random bits. */
const IMPURE =
  /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(|\bMath\.random\b|\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b|\bperformance\.|\bhrtime\b/;

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

test('src/domain reads no clock and throws no dice', () => {
  const domain = packageFile('src', 'domain');
  const files = readdirSync(domain, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((file) => IMPURE.test(withoutComments(readFileSync(join(domain, file), 'utf8'))))).toEqual([]);
});

describe('how that is found', () => {
  test.each([
    ['const now = Date.now();', true],
    ['const now = new Date();', true],
    ['const now = Date();', true],
    ['const then = new Date(ms).toISOString();', false],
    ['const then = Date.parse(text);', false],
    ['const x = Math.random();', true],
    [`import { createHash, randomBytes } from 'node:crypto';`, true],
    [`import { createHash } from 'node:crypto';`, false],
    ['const id = crypto.randomUUID();', true],
    ['const from = performance.now();', true],
    ['// Date.now() is for others', false],
  ])('%s → %s', (text, found) => expect(IMPURE.test(withoutComments(text))).toBe(found));
});

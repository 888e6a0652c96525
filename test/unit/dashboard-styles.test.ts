import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

const FOLDER = packageFile('src', 'dashboard', 'styles');
const css = (name: string): string => readFileSync(join(FOLDER, name), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
const sheets = readdirSync(FOLDER);
const tokens = new Map(
  [...css('tokens.css').matchAll(/^ {2}(--[\w-]+): ([^;]+);/gm)].map(([, name = '', value = '']) => [name, value]),
);

type Mode = 'light' | 'dark';

/** Red, green and blue from 0 to 1. */
function colour(name: string, mode: Mode): readonly number[] {
  const value = tokens.get(name) ?? '';
  const alias = /^var\((--[\w-]+)\)$/.exec(value)?.[1];
  if (alias !== undefined) return colour(alias, mode);
  const [, light = '', dark = ''] = /^light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)$/.exec(value) ?? [];
  const hex = mode === 'light' ? light : dark;
  if (hex === '') throw new Error(`not a colour for ${mode}: ${name}`);
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one: string, other: string, mode: Mode): number {
  const luminance = (name: string): number => {
    const [r = 0, g = 0, b = 0] = colour(name, mode).map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const SURFACES = ['--page', '--surface', '--sunken'];
const SOFT = ['--accent-soft', '--good-soft', '--warn-soft', '--bad-soft'];

/** Each text colour with what it is written on; outlines of controls need less (WCAG 1.4.11). */
const PAIRS: readonly (readonly [text: string, on: readonly string[], least: number])[] = [
  ['--text', [...SURFACES, ...SOFT], 4.5],
  ['--quiet', [...SURFACES, ...SOFT], 4.5],
  ['--accent', [...SURFACES, ...SOFT], 4.5],
  ['--good', [...SURFACES, '--good-soft', '--bad-soft'], 4.5],
  ['--warn', [...SURFACES, '--warn-soft', '--good-soft', '--bad-soft'], 4.5],
  ['--bad', [...SURFACES, '--bad-soft', '--warn-soft'], 4.5],
  ['--code-keyword', [...SURFACES, '--good-soft', '--bad-soft'], 4.5],
  ['--accent-text', ['--accent'], 4.5],
  ['--strong-line', SURFACES, 3],
];

describe.each<Mode>(['light', 'dark'])('colours, %s', (mode) => {
  test.each(PAIRS.flatMap(([text, on, least]) => on.map((surface) => [text, surface, least] as const)))(
    '%s on %s is at least %d:1',
    (text, surface, least) => {
      expect(contrast(text, surface, mode)).toBeGreaterThanOrEqual(least);
    },
  );
});

/** Words of the texts in the page's sources; where one goes on with a value (`note-${tone}`), its beginning. */
const written = (readdirSync(join(FOLDER, '..'), { recursive: true }) as string[])
  .filter((name) => /\.tsx?$/.test(name))
  .flatMap((name) => readFileSync(join(FOLDER, '..', name), 'utf8').match(/'[^'\n]*'|"[^"\n]*"|`[^`]*`/g) ?? [])
  .flatMap((text) =>
    text
      .slice(1, -1)
      .replace(/\$\{[^}]*\}/g, '*')
      .split(/\s+/),
  );
const wholes = new Set(written);
const beginnings = [...wholes].flatMap((word) => /^([a-z]+-)\*$/.exec(word)?.[1] ?? []);
const isUsed = (name: string): boolean => wholes.has(name) || beginnings.some((start) => name.startsWith(start));

describe('style sheets', () => {
  test.each(sheets)('%s names no token that does not exist', (name) => {
    const named = [...css(name).matchAll(/var\((--[\w-]+)/g)].map(([, token = '']) => token);
    const local = [...css(name).matchAll(/^\s+(--[\w-]+):/gm)].map(([, token = '']) => token);
    // `--foot` is set by the page: the height of the buttons of a review.
    const known = new Set([...tokens.keys(), ...local, '--foot']);
    expect(named.filter((token) => !known.has(token))).toEqual([]);
  });

  test.each(sheets.filter((name) => name !== 'tokens.css'))('%s takes its colours from the tokens', (name) => {
    expect(css(name).match(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|light-dark)\(/gi) ?? []).toEqual([]);
  });

  test.each(sheets)('%s has no class that no component uses', (name) => {
    const classes = new Set([...css(name).matchAll(/\.(-?[a-z_][\w-]*)(?=[^{}]*\{)/gi)].map(([, found = '']) => found));
    const unused = [...classes].filter((one) => !isUsed(one) && !one.startsWith('react-aria-'));
    expect(unused).toEqual([]);
  });

  test.each(sheets)('%s takes its sizes of text from the tokens', (name) => {
    const sizes = [...css(name).matchAll(/font-size: ([^;]+);/g)].map(([, value = '']) => value);
    expect(sizes.filter((value) => !/^var\(--size-|em$/.test(value) || value.endsWith('rem'))).toEqual([]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseSync, Visitor, type ESTree } from 'vite';
import { describe, expect, test } from 'vitest';
import type { checkSync } from 'recheck';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { CATALOGS } from '../support/catalogs.ts';

// The build in JavaScript: the other ones start a binary or Java. It is proof that is wanted, so its fuzzer is not used.
const recheck = createRequire(import.meta.url)('recheck/lib/browser.js') as { readonly checkSync: typeof checkSync };

/**
 * Expressions that cannot be proved and are safe nevertheless: `file: /pattern/flags` and why. Rewriting an expression
 * beats an entry here.
 */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map();

interface Found {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

const nameOf = ({ file, source, flags }: Found): string => `${file}: /${source}/${flags}`;

/** Undefined: no text makes it take more than time linear in the text's length. */
function problemOf({ source, flags }: Pick<Found, 'source' | 'flags'>): string | undefined {
  const result = recheck.checkSync(source, flags, { checker: 'automaton', timeout: 60_000 });
  if (result.status === 'safe') return undefined;
  return result.status === 'vulnerable' ? result.complexity.summary : `unknown (${result.error.kind})`;
}

/** Every literal of a file, and how often it builds an expression from text at run time. */
function readExpressions(file: string, text: string): { readonly literals: readonly Found[]; readonly built: number } {
  const literals: Found[] = [];
  let built = 0;
  const countBuilt = ({ callee }: ESTree.NewExpression | ESTree.CallExpression): void => {
    if (callee.type === 'Identifier' && callee.name === 'RegExp') built += 1;
  };
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message ?? ''}`);
  new Visitor({
    Literal(node) {
      if ('regex' in node) literals.push({ file, source: node.regex.pattern, flags: node.regex.flags });
    },
    NewExpression: countBuilt,
    CallExpression(node) {
      countBuilt(node);
      // With text in the place of an expression, these build one from it.
      const {
        callee,
        arguments: [first],
      } = node;
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
      const takesText = ['match', 'matchAll', 'search'].includes(callee.property.name);
      if (takesText && first?.type === 'Literal' && typeof first.value === 'string') built += 1;
    },
  }).visit(program);
  return { literals, built };
}

const sources = readdirSync(packageFile('src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|tsx|mjs|cjs|js)$/.test(file))
  .map((file) => ({ file, ...readExpressions(file, readFileSync(packageFile('src', file), 'utf8')) }));

/** Values of `pattern` anywhere in a catalog; the gate runs them as RE2, the page and MCP clients as JavaScript. */
function patternsIn(file: string, value: unknown): readonly Found[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key === 'pattern' && typeof part === 'string' ? [{ file, source: part, flags: 'u' }] : patternsIn(file, part),
  );
}

describe('no regular expression backtracks more than its text is long', () => {
  const judged = new Map<string, string | undefined>();
  const findUnsafe = (found: readonly Found[]): readonly string[] =>
    found.flatMap((expression) => {
      const key = `${expression.source} ${expression.flags}`;
      if (!judged.has(key)) judged.set(key, problemOf(expression));
      const problem = judged.get(key);
      return problem === undefined || EXCEPTIONS.has(nameOf(expression)) ? [] : [`${nameOf(expression)} ${problem}`];
    });

  test('literals in src', { timeout: 600_000 }, () => {
    const literals = sources.flatMap((source) => source.literals);
    expect(literals.length).toBeGreaterThan(100);
    expect(findUnsafe(literals)).toEqual([]);
  });

  test('src builds none from text: nobody could say what is in it', () => {
    expect(sources.filter(({ built }) => built > 0).map(({ file }) => file)).toEqual([]);
  });

  test('patterns of the built-in catalogs', () => {
    const patterns = [...CATALOGS].flatMap(([name, catalog]) => patternsIn(name, catalog));
    expect(patterns.length).toBeGreaterThan(20);
    expect(findUnsafe(patterns)).toEqual([]);
  });

  test('exceptions are still needed', () => {
    const names = new Set(sources.flatMap(({ literals }) => literals).map(nameOf));
    expect([...EXCEPTIONS.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});

test.each([
  ['0+$', 'trailing zeros of a number, as they were once cut off'],
  ['^(a+)+$', 'nested repetition'],
  ['^\\s*x?\\s*$', 'two repetitions of the same characters'],
])('/%s/ is found: %s', (source) => expect(problemOf({ source, flags: '' })).toBeDefined());

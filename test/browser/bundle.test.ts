import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
  /** What a style sheet or a script names: fonts. */
  readonly assets?: readonly string[];
}

const folder = (...parts: readonly string[]): string => packageFile('dist', 'dashboard', ...parts);
const manifest = JSON.parse(readFileSync(folder('manifest.json'), 'utf8')) as Record<string, Chunk>;

/** Files that opening one view loads, and nothing else. */
function filesOf(...names: readonly string[]): ReadonlySet<string> {
  const files = new Set<string>();
  const visit = (name: string): void => {
    const chunk = manifest[name];
    if (chunk === undefined) throw new Error(`not in the bundle: ${name}`);
    if (files.has(chunk.file)) return;
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(file);
    for (const inner of chunk.imports ?? []) visit(inner);
  };
  for (const name of names) visit(name);
  return files;
}

describe('the bundle', () => {
  const VIEWS = ['inbox/inbox', 'review/review-page', 'group/group-page', 'audit/audit-page', 'policy/policy-page'];
  test.each(VIEWS.map((name) => `${name}.tsx`))(
    'first load of %s is at most 250 kB gzipped, fonts included',
    (view) => {
      const files = [...filesOf('index.html', view)];
      const sizes = files.map((file) => gzipSync(readFileSync(folder(file))).length);
      expect(files.filter((file) => file.endsWith('.woff2'))).toHaveLength(3);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(250_000);
    },
  );

  test('the document has no inline script, no inline style, and loads nothing from elsewhere', () => {
    const html = readFileSync(folder('index.html'), 'utf8');
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|https?:\/\//);
  });
});

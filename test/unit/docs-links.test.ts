import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

const ROOT = packageFile();
const SKIPPED = new Set(['node_modules', 'dist', 'dist-packages', 'coverage', '.git', '.holdpoint']);

function findPages(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : findPages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '``');

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What a page links to in this repository and does not find. */
function findDeadLinks(page: string, text: string): string[] {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(target)) return true;
    if (anchor === undefined) return false;
    return !target.endsWith('.md') || !anchorsOf(path === '' ? text : readFileSync(target, 'utf8')).has(anchor);
  });
}

const pages = findPages(ROOT);

describe('documentation', () => {
  test.each(pages.map((page) => [relative(ROOT, page), page]))('%s links to what is there', (_name, page) => {
    expect(findDeadLinks(page, readFileSync(page, 'utf8'))).toEqual([]);
  });

  test('the index names every page of docs/', () => {
    const index = readFileSync(packageFile('docs', 'README.md'), 'utf8');
    const names = readdirSync(packageFile('docs')).filter((name) => name.endsWith('.md') && name !== 'README.md');
    expect(names.filter((name) => !index.includes(`](${name})`))).toEqual([]);
  });

  test.each([
    ['[a](missing.md)', ['missing.md']],
    ['[a](README.md#nowhere)', ['README.md#nowhere']],
    ['[a](#b-c) \n## B, `c`', []],
    ['![a](missing.png)', ['missing.png']],
    ['`[a](missing.md)` [b](https://example.com/x)', []],
  ])('how dead links are found: %j', (text, dead) => {
    expect(findDeadLinks(packageFile('README.md'), text)).toEqual(dead);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** The modules of `domain` and `contract` that a file imports for more than their types, as paths in `src`. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found = [...text.matchAll(/^(?:import|export) (?!type )(?:[^;']*? from )?'(\.[^']+)';/gm)];
  return found
    .map(([, path]) => join(dirname(file), path ?? ''))
    .filter((path) => path.startsWith('domain/') || path.startsWith('contract/'));
}

/** `files` and what they import, in any number of steps. */
function closureOf(files: readonly string[]): ReadonlySet<string> {
  const seen = new Set(files);
  for (const file of seen) importsOf(file).forEach((path) => seen.add(path));
  return seen;
}

describe('what all workflows share', () => {
  const shared = closureOf(importsOf('workflows/pure.ts'));

  it('is everything that they import of domain and contract', () => {
    const files = readdirSync(join(SRC, 'workflows')).filter((name) => name.endsWith('.ts'));
    const imported = files.flatMap((name) => importsOf(`workflows/${name}`));
    expect(imported.length).toBeGreaterThan(20);
    expect(imported.filter((path) => !shared.has(path))).toEqual([]);
  });

  it('holds no state', () => {
    const stateful = [...shared].filter((path) =>
      /^(?:export )?(?:let|var) /m.test(readFileSync(join(SRC, path), 'utf8')),
    );
    expect(stateful).toEqual([]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
}

const manifest = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as Manifest;

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')`, `require('x')`, `require.resolve('x')`. */
const IMPORT = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|\brequire(?:\.resolve)?\(\s*)'([^'\s]+)'/g;

/** Is gone once it is compiled. */
const TYPES = /\b(?:import|export) type [^;]*;/g;

/** Packages that a file imports when it runs, and not of Node's own or ours. */
function packagesIn(text: string): string[] {
  const names = [...text.replaceAll(TYPES, '').matchAll(IMPORT)].map(([, name = '']) => name);
  return names
    .filter(
      (name) => !name.startsWith('.') && !isBuiltin(name) && name !== 'holdpoint' && !name.startsWith('holdpoint/'),
    )
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}

/** The page is bundled when the package is built: what it imports is in the bundle. */
const files = readdirSync(packageFile('src'), { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.(ts|cjs|mjs|js)$/.test(file) && !file.startsWith('dashboard'),
);

describe('who installs the package without development dependencies', () => {
  test('has every package that the sources import', () => {
    const allowed = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);
    const missing = files.flatMap((file) =>
      packagesIn(readFileSync(join(packageFile('src'), file), 'utf8'))
        .filter((name) => !allowed.has(name))
        .map((name) => `${file}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test('needs the packages of frameworks for their adapters alone', () => {
    expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(Object.keys(manifest.peerDependencies));
    const optional = new Set(Object.keys(manifest.peerDependencies));
    const users = files.filter((file) =>
      packagesIn(readFileSync(join(packageFile('src'), file), 'utf8')).some((name) => optional.has(name)),
    );
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((file) => !file.startsWith(join('client', 'adapters')))).toEqual([]);
  });

  test.each([
    [`import a from 'a';`, ['a']],
    [`import type { B } from 'b';\nimport { d } from '@c/d/e';`, ['@c/d']],
    [`const [x] = await Promise.all([import('f/g')]);`, ['f']],
    [`import 'h';\nexport * from 'i';`, ['h', 'i']],
    [`import { x } from 'node:fs';\nimport { y } from './i.ts';`, []],
  ])('how imports are found: %j', (text, names) => expect(packagesIn(text)).toEqual(names));
});

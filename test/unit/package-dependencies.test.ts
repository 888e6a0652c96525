import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
}

const readJson = (...path: string[]): unknown => JSON.parse(readFileSync(packageFile(...path), 'utf8'));
const server = readJson('package.json') as Manifest;
const client = readJson('packages', 'client', 'package.json') as Manifest;

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

/** Shipped in `@holdpoint/client` alone. */
const isAdapter = (file: string): boolean => file.startsWith(join('client', 'adapters'));

const importsOf = (which: (file: string) => boolean): ReadonlyMap<string, string> =>
  new Map(
    files
      .filter(which)
      .flatMap((file) => packagesIn(readFileSync(join(packageFile('src'), file), 'utf8')).map((name) => [name, file])),
  );

describe('the two packages', () => {
  test('have one version', () => expect(client.version).toBe(server.version));

  test('holdpoint depends on every package that its sources import', () => {
    const missing = [...importsOf((file) => !isAdapter(file))].filter(
      ([name]) => !Object.keys(server.dependencies ?? {}).includes(name),
    );
    expect(missing).toEqual([]);
  });

  test('@holdpoint/client depends on nothing, and its adapters import optional peers', () => {
    expect(client.dependencies).toBeUndefined();
    const peers = Object.keys(client.peerDependencies ?? {});
    expect(Object.keys(client.peerDependenciesMeta ?? {})).toEqual(peers);
    const imported = [...importsOf(isAdapter).keys()];
    expect(imported.length).toBeGreaterThan(0);
    expect(imported.filter((name) => !peers.includes(name))).toEqual([]);
  });

  test.each([
    [`import a from 'a';`, ['a']],
    [`import type { B } from 'b';\nimport { d } from '@c/d/e';`, ['@c/d']],
    [`const [x] = await Promise.all([import('f/g')]);`, ['f']],
    [`import 'h';\nexport * from 'i';`, ['h', 'i']],
    [`import { x } from 'node:fs';\nimport { y } from './i.ts';`, []],
  ])('how imports are found: %j', (text, names) => expect(packagesIn(text)).toEqual(names));
});

interface Locked {
  readonly hasInstallScript?: boolean;
}

/** Packages with a script that npm may run as it installs, and what it does. */
const INSTALL_SCRIPTS: Readonly<Record<string, string>> = {
  'node_modules/@swc/core':
    'Checks that the native binding loads, and installs `@swc/wasm` where it does not; reports nothing.',
  'node_modules/protobufjs': 'Warns where a project asks for a version of it in an unusual form; reports nothing.',
};

test('no package has an install script that is not known, and none reports installs', () => {
  const { packages } = readJson('package-lock.json') as { readonly packages: Readonly<Record<string, Locked>> };
  const scripted = Object.keys(packages).filter((path) => packages[path]?.hasInstallScript === true);
  expect(scripted).toEqual(Object.keys(INSTALL_SCRIPTS));
  expect(Object.keys(packages).filter((path) => path.includes('@scarf/'))).toEqual([]);
});

test('the scripts that install packages load without any', () => {
  const place = mkdtempSync(join(tmpdir(), 'holdpoint-scripts-'));
  try {
    cpSync(packageFile('scripts', 'lib'), join(place, 'scripts', 'lib'), { recursive: true });
    // `npm start` and `npm run build` import it before they install.
    const { status, stderr } = spawnSync(process.execPath, [join(place, 'scripts', 'lib', 'become.mjs')], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});

test('docs/dependencies.md names every package that package.json does, types aside', () => {
  const page = readFileSync(packageFile('docs', 'dependencies.md'), 'utf8');
  const isNamed = (name: string): boolean =>
    page.includes(`\`${name}\``) || page.includes(`\`${name.split('/')[0]}/*\``) || name.startsWith('@types/');
  const { dependencies = {}, devDependencies = {} } = server;
  expect(Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !isNamed(name))).toEqual([]);
});

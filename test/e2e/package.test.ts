import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
}

let project: string;

/**
 * A project of somebody else's with the package in it as `npm pack` makes it, and of its dependencies those that
 * `npm install --omit=dev` would bring: linked from here, which takes a second and needs no registry.
 */
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'holdpoint-package-'));
  const modules = join(project, 'node_modules');
  const own = join(modules, 'holdpoint');
  mkdirSync(own, { recursive: true });
  // The build is there already; npm's own hook would make it again.
  await must('npm', ['pack', '--ignore-scripts', '--pack-destination', project], packageFile());
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string };
  await must('tar', ['-xzf', join(project, `holdpoint-${version}.tgz`), '-C', own, '--strip-components=1'], project);
  const lock = JSON.parse(readFileSync(packageFile('package-lock.json'), 'utf8')) as Lock;
  for (const [path, { dev, devOptional }] of Object.entries(lock.packages)) {
    const isTopLevel = path.lastIndexOf('node_modules/') === 0;
    if (!isTopLevel || dev === true || devOptional === true) continue;
    mkdirSync(dirname(join(project, path)), { recursive: true });
    symlinkSync(packageFile(path), join(project, path));
  }
}, 180_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

async function must(command: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await runCommand(command, [...args], { timeoutMs: 120_000, cwd });
  if (!result.ok) throw new Error(result.output);
  return result.stdout;
}

const runScript = (script: string) => must(process.execPath, ['--input-type=module', '--eval', script], project);

test('the packed package has its command line', async () => {
  const main = join(project, 'node_modules', 'holdpoint', 'dist', 'cli', 'main.js');
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string };
  expect(await must(process.execPath, [main, '--version'], project)).toBe(`${version}\n`);
});

test.each([
  ['holdpoint', 'Holdpoint'],
  ['holdpoint/client', 'Holdpoint'],
  ['holdpoint/workflow', 'requestApproval'],
])('%s can be imported, and exports %s', async (path, name) => {
  const script = `import * as it from '${path}'; process.stdout.write(typeof it['${name}']);`;
  expect(await runScript(script)).toBe('function');
});

test('every part of it loads without development dependencies', async () => {
  const parts = ['cli/commands/run.js', 'cli/compose/serve.js', 'cli/dev/run-dev.js'];
  const urls = parts.map((part) => join(project, 'node_modules', 'holdpoint', 'dist', part));
  expect(
    await runScript(`for (const url of ${JSON.stringify(urls)}) await import(url); process.stdout.write('ok');`),
  ).toBe('ok');
});

import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { ensureTestNeeds } from './needs.mjs';
import { root } from './root.mjs';

/** Runs a TypeScript file of this folder, with everything built and installed that tests use. */
export async function runTypeScript(name) {
  ensureInstalled();
  ensureTestNeeds();
  await build();
  const { runnerImport } = await import('vite');
  await runnerImport(join(root, 'scripts', 'lib', name), { root, configFile: false, logLevel: 'error' });
}

// `npm run bench [NAME]`: runs bench/NAME.ts (default: gate). Vite's module runner executes the TypeScript, which Node 20
// cannot.
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { root } from './lib/root.mjs';

ensureInstalled();
await build();
const { runnerImport } = await import('vite');
const name = process.argv[2] ?? 'gate';
await runnerImport(join(root, 'bench', `${name}.ts`), { root, configFile: false, logLevel: 'error' });

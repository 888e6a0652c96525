// `node scripts/screenshots.mjs`: remakes docs/screenshots from a demo of its own, at both widths, light and dark.
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { ensureTestNeeds } from './lib/needs.mjs';
import { root } from './lib/root.mjs';

ensureInstalled();
ensureTestNeeds();
await build();
const { runnerImport } = await import('vite');
await runnerImport(join(root, 'scripts', 'lib', 'screenshots.ts'), { root, configFile: false, logLevel: 'error' });

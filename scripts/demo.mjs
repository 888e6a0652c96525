// `npm run demo`: the tour, in a second terminal beside `npm start`. Builds first if a source has changed.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { root } from './lib/root.mjs';

ensureInstalled();
try {
  await build();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const main = join(root, 'dist', 'cli', 'main.js');
process.argv = [process.execPath, main, 'demo', ...process.argv.slice(2)];
await import(pathToFileURL(main).href);

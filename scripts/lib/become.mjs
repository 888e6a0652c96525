import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { root } from './root.mjs';

/**
 * Installs and builds what is missing, then becomes `holdpoint COMMAND …`. In this process and not in a child: a signal
 * to it, whichever, reaches the one process that there is.
 */
export async function becomeHoldpoint(command) {
  ensureInstalled();
  try {
    await build();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
  const main = join(root, 'dist', 'cli', 'main.js');
  process.argv = [process.execPath, main, command, ...process.argv.slice(2)];
  await import(pathToFileURL(main).href);
}

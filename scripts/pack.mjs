// `npm run pack [-- FOLDER]`: builds, and packs `holdpoint` and `@holdpoint/client` into FOLDER (default: dist-packages).
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from './lib/build.mjs';
import { CLIENT_PACKAGE } from './lib/client-package.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { root } from './lib/root.mjs';

ensureInstalled();
await build();
const folder = resolve(process.argv[2] ?? join(root, 'dist-packages'));
mkdirSync(folder, { recursive: true });
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
// The hooks of the packages would build once more.
const args = ['pack', root, CLIENT_PACKAGE, '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
const { status } = spawnSync(npm, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
if (status !== 0) process.exit(1);
console.log(`Packed into ${folder}`);

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

/** Runs `npm ci` unless what is installed is what package-lock.json asks for. Needs nothing installed itself. */
export function ensureInstalled() {
  requireNode();
  const missing = findMissing();
  if (missing === undefined) return;
  console.log(`Installing packages (${missing})`);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Its warnings are of newer engines, which packages that only tests use ask for.
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync(npm, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  console.error('npm ci failed; its output above says why.');
  process.exit(1);
}

function requireNode() {
  const { node } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines;
  const wanted = node.replace('>=', '');
  if (process.versions.node.localeCompare(wanted, 'en', { numeric: true }) >= 0) return;
  console.error(`Holdpoint needs Node ${wanted} or later; this is ${process.versions.node}.`);
  process.exit(1);
}

/** The first package that is not installed as locked, or undefined. */
function findMissing() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages(join('node_modules', '.package-lock.json'));
  if (!installed) return 'nothing is installed yet';
  for (const [path, { version, optional, devOptional }] of Object.entries(wanted)) {
    // Optional ones may be for another platform.
    if (path === '' || optional || devOptional) continue;
    if (installed[path]?.version !== version) return `${path.replace('node_modules/', '')} ${version} is missing`;
  }
  return undefined;
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

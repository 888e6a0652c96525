import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** What the adapters are tested on, wherever the tests run: the oldest Node that is supported, and the newest LTS. */
export const ADAPTER_NODES = [
  { version: '20.19.0', major: 20 },
  { version: '26.12.1', major: 26 },
];

/**
 * The path of a Node binary: this process's own where it is of the same major, else that of the npm package which ships
 * one for this platform and has no install script, in the user's cache.
 *
 * @returns {string | undefined} undefined, with a message, where npm does not bring it
 */
export function nodeBinary({ version, major }) {
  if (Number(process.versions.node.split('.')[0]) === major) return process.execPath;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const cache = process.env.XDG_CACHE_HOME?.startsWith('/') ? process.env.XDG_CACHE_HOME : join(homedir(), '.cache');
  const home = join(cache, 'holdpoint', 'npm', name, version);
  if (!existsSync(home)) {
    mkdirSync(dirname(home), { recursive: true });
    const incoming = mkdtempSync(`${home}-`);
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--prefix', incoming];
    const { status, stderr } = spawnSync('npm', [...args, `${name}@${version}`], { encoding: 'utf8' });
    if (status !== 0) {
      rmSync(incoming, { recursive: true, force: true });
      console.error(`npm does not bring Node ${version} (${name}):\n${(stderr ?? '').slice(-2000)}`);
      return undefined;
    }
    renameSync(incoming, home);
  }
  const folder = join(home, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, bin.node);
}

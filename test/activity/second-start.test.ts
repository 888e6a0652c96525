import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openReplicaDir } from '../../src/cli/embedded/data-dir.ts';
import { tryLockFile } from '../../src/cli/embedded/file-lock.ts';

const script = fileURLToPath(new URL('../../scripts/lib/refuse-second-start.mjs', import.meta.url));
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-second-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What `npm start` asks before it builds anything. */
function startAgain(): { readonly code: number | null; readonly wentOn: boolean } {
  const code = `const { refuseSecondStart } = await import(${JSON.stringify(script)}); await refuseSecondStart(); console.log('on');`;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOLDPOINT_DATA_DIR: directory },
  });
  return { code: ran.status, wentOn: ran.stdout.includes('on') };
}

test('a second start on one data directory ends before it builds', () => {
  expect(startAgain()).toEqual({ code: 0, wentOn: true });
  const lock = tryLockFile(join(directory, 'lock'), 'process 1');
  expect(startAgain()).toEqual({ code: 5, wentOn: false });
  expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe('process 1');
  lock?.release();
  // The lock was only looked at: whoever comes next can have it.
  expect(startAgain()).toEqual({ code: 0, wentOn: true });
  expect(tryLockFile(join(directory, 'lock'), 'process 2')).toBeDefined();
});

test('replicas that share a volume take the first directory that is free, also one that was used before', () => {
  const replicas = join(directory, 'replicas', '*');
  const [one, two] = [openReplicaDir(replicas), openReplicaDir(replicas)];
  expect([one, two].map(({ path }) => basename(path))).toEqual(['1', '2']);
  one.release();
  const next = openReplicaDir(replicas);
  expect(next.path).toBe(one.path);
  for (const { release } of [next, two]) release();
});

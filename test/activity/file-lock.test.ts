import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { openDataDir } from '../../src/cli/embedded/data-dir.ts';

let directory: string;
let children: ChildProcess[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-lock-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** Another process that holds the lock of the data directory and then does `next`. Resolves once it holds it. */
async function holder(next: string): Promise<ChildProcess> {
  mkdirSync(join(directory, 'data'));
  const script = `
    import { openSync } from 'node:fs';
    import { tryLock } from 'fs-native-extensions';
    const held = tryLock(openSync(${JSON.stringify(join(directory, 'data', 'lock'))}, 'a+'));
    process.stdout.write(String(held), () => { ${next} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: packageFile(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const answer = await new Promise((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data)));
    child.once('exit', () => reject(new Error('the holder ended')));
  });
  expect(answer).toBe('true');
  return child;
}
const endOf = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));
const open = () => openDataDir(join(directory, 'data'));
const refused = expect.objectContaining({ code: 'data_dir_locked' });

test('a second process is refused while the first holds it', async () => {
  await holder('setInterval(() => undefined, 1000)');
  expect(open).toThrow(refused);
});

test('also while the event loop of the first is blocked', async () => {
  await holder('for (;;);');
  expect(open).toThrow(refused);
});

test('kill -9 sets it free at once', async () => {
  const child = await holder('setInterval(() => undefined, 1000)');
  const ended = endOf(child);
  child.kill('SIGKILL');
  await ended;
  expect(open).not.toThrow();
});

test('another name of the same directory meets the same lock', async () => {
  const first = open();
  expect(() => openDataDir(join(directory, 'x', '..', 'data'))).toThrow(refused);
  first.release();
});

test('released, it can be taken again', () => {
  open().release();
  expect(open).not.toThrow();
});

test('what is no directory is refused in words', () => {
  writeFileSync(join(directory, 'data'), '');
  expect(open).toThrow(expect.objectContaining({ code: 'data_dir_unusable' }));
});

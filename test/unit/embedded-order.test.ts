import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cacheDir } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';
import { downloadThroughSdk } from '../../src/cli/embedded/sources.ts';
import { findTemporalCli, TEMPORAL_CLI_VERSION } from '../../src/cli/embedded/temporal-cli.ts';
import { findTimeSkippingServer } from '../support/time-skipping-server.ts';

// Files of this tier share what they have loaded: what is replaced here is loaded anew, before and after.
vi.hoisted(() => vi.resetModules());
afterAll(() => void vi.resetModules());

vi.mock('../../src/cli/embedded/processes.ts');
vi.mock(import('../../src/cli/embedded/sources.ts'), async (original) => ({
  ...(await original()),
  downloadThroughSdk: vi.fn<typeof downloadThroughSdk>(),
}));

let folder: string;
let env: { PATH: string; XDG_CACHE_HOME: string; TEMPORAL_CLI?: string; TEMPORAL_TEST_SERVER?: string };
let cached: string;
let said: string[];
const say = (line: string): void => void said.push(line);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-sources-'));
  env = { PATH: join(folder, 'bin'), XDG_CACHE_HOME: join(folder, 'cache') };
  cached = join(cacheDir(env, 'temporal-cli', TEMPORAL_CLI_VERSION), 'temporal');
  said = [];
  vi.mocked(runCommand).mockImplementation(async (command, args) => {
    if (args[0] === 'build') program(args[args.indexOf('-o') + 1] ?? '');
    const known = existsSync(command) || command === 'go';
    const stdout = 'temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)';
    return known ? { ok: true, stdout } : { ok: false, why: 'not there', output: '' };
  });
  vi.mocked(downloadThroughSdk).mockImplementation(async (_what, _version, target) => ({
    ok: true,
    path: program(target),
  }));
});
afterEach(() => {
  vi.resetAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function program(path: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '');
  chmodSync(path, 0o755);
  return path;
}

describe('a Temporal CLI', () => {
  const given = () => (env.TEMPORAL_CLI = program(join(folder, 'own')));
  const onPath = () => program(join(folder, 'bin', 'temporal'));
  const inCache = () => program(cached);
  const noDownload = () => {
    vi.mocked(downloadThroughSdk).mockResolvedValue({ ok: false, why: 'no network' });
    return cached;
  };
  const sourcesFrom = (n: number) => [given, onPath, inCache].slice(n).map((source) => source());

  test.each([
    ['TEMPORAL_CLI', 0],
    ['the PATH', 1],
    ['the cache', 2],
  ])('%s comes before what follows it, and is named', async (name, n) => {
    const [first] = sourcesFrom(n);
    expect(await findTemporalCli(env, say)).toBe(first);
    expect(said.join()).toContain(name);
    expect(downloadThroughSdk).not.toHaveBeenCalled();
  });

  test('then the SDK’s download, then a build, into the cache', async () => {
    expect(await findTemporalCli(env, say)).toBe(cached);
    const commands = () => vi.mocked(runCommand).mock.calls.map(([command]) => command);
    expect(commands()).not.toContain('go');
    rmSync(cached);
    noDownload();
    expect(await findTemporalCli(env, say)).toBe(cached);
    expect(commands()).toContain('go');
  });

  test('TEMPORAL_CLI that is not a program is refused, even if another source works', async () => {
    sourcesFrom(1);
    env.TEMPORAL_CLI = join(folder, 'nothing');
    await expect(findTemporalCli(env, say)).rejects.toMatchObject({ code: 'setting_invalid' });
  });
});

describe('a time-skipping server', () => {
  test('TEMPORAL_TEST_SERVER comes first, and is named', async () => {
    env.TEMPORAL_TEST_SERVER = program(join(folder, 'own'));
    expect(await findTimeSkippingServer(env, say)).toBe(env.TEMPORAL_TEST_SERVER);
    expect(said.join()).toContain('TEMPORAL_TEST_SERVER');
  });

  test('TEMPORAL_TEST_SERVER that is not a program is refused, not skipped', async () => {
    env.TEMPORAL_TEST_SERVER = join(folder, 'nothing');
    await expect(findTimeSkippingServer(env, say)).rejects.toThrow('TEMPORAL_TEST_SERVER');
    expect(downloadThroughSdk).not.toHaveBeenCalled();
  });
});

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { filesDigest, keepFiles, requireNewest } from '../../src/cli/compose/kept-files.ts';
import type { PartStore } from '../../src/ports/parts.ts';
import { openSettings, type FileSettingsSource, type SettingsFiles } from '../../src/settings/follow.ts';
import { placeOf } from '../../src/domain/files/yaml-source.ts';
import { resolveReference } from '../../src/storage/keys/index.ts';
import { reportFiles } from '../../src/cli/compose/settings.ts';
import { InvalidFilesError } from '../../src/domain/files/problem.ts';
import { APPROVALS, CATALOGS } from '../unit/policy-support.ts';

vi.mock('../../src/domain/files/yaml-source.ts', { spy: true });

const config = (limit: number, policy = './policy.yaml'): string => `policy: ${policy}
limits: { pendingPerAgent: ${limit} }
connectors: { github: { baseUrl: https://api.github.com, credential: "env:GITHUB_TOKEN" } }
`;
const policy = (more = ''): string => `version: 1\n${more}${APPROVALS}`;

let directory: string;
let sources: FileSettingsSource[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-settings-'));
  sources = [];
});
afterEach(async () => {
  await Promise.all(sources.map((source) => source.close()));
  rmSync(directory, { recursive: true, force: true });
});

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
function open(
  file = 'holdpoint.yaml',
  env: Record<string, string> = {},
  more: Partial<SettingsFiles> = {},
): FileSettingsSource {
  const source = openSettings({
    configFile: join(directory, file),
    catalogs: CATALOGS,
    deploymentId: 'd-1',
    env,
    resolveReference,
    ...more,
  });
  sources.push(source);
  return source;
}
async function openWatched(file?: string): Promise<FileSettingsSource> {
  const source = open(file);
  await source.watch();
  return source;
}
const until = (check: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(check()).toBe(true), { timeout: 15_000, interval: 20 });
const limitOf = (source: FileSettingsSource): number => source.current().limits.pendingPerAgent;

/** A mounted ConfigMap: files are links into `..data`, which is itself a link that is swapped. */
function mount(version: string, files: Record<string, string>): void {
  mkdirSync(join(directory, `..${version}`));
  for (const [name, text] of Object.entries(files)) write(`..${version}/${name}`, text);
  symlinkSync(`..${version}`, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
}

describe('at start', () => {
  it('the policy is found beside the configuration', () => {
    mkdirSync(join(directory, 'sub'));
    write('holdpoint.yaml', config(5, 'sub/policy.yaml'));
    write('sub/policy.yaml', policy());
    expect(limitOf(open())).toBe(5);
    expect(open().problem()).toBeNull();
  });

  it.each<[string, () => void, string[]]>([
    ['a missing configuration', () => undefined, ['holdpoint.yaml']],
    ['a missing policy', () => write('holdpoint.yaml', config(5)), ['policy.yaml']],
    [
      'both broken, all of it said at once',
      () => {
        write('holdpoint.yaml', `${config(5)}freeze: ["*.x"]\n`);
        write('policy.yaml', 'version: 1\nrules: 5\n');
      },
      ['holdpoint.yaml', 'policy.yaml'],
    ],
  ])('%s is refused', (_what, prepare, files) => {
    prepare();
    let problems: readonly { file: string }[] = [];
    try {
      open();
    } catch (error) {
      if (!(error instanceof InvalidFilesError)) throw error;
      problems = error.problems;
    }
    expect(
      [...new Set(problems.map(({ file }) => file.split('/').at(-1)))].toSorted((a = '', b = '') => a.localeCompare(b)),
    ).toEqual(files);
  });

  it('a reference is looked up once per look at the files, and its place in them only where it is missing', () => {
    write('holdpoint.yaml', config(5));
    write('policy.yaml', policy());
    write('secret', 'first\n');
    const asked: string[] = [];
    const env = new Proxy<Record<string, string>>(
      { GITHUB_TOKEN: 'x' },
      {
        get: (values, name) => {
          asked.push(String(name));
          return values[String(name)];
        },
      },
    );
    const source = open('holdpoint.yaml', env);
    const errorOf = (reference: string): unknown => {
      try {
        return source.resolve(reference);
      } catch (error) {
        return error;
      }
    };
    vi.mocked(placeOf).mockClear();
    for (let i = 0; i < 50; i++) expect(source.resolve('env:GITHUB_TOKEN')).toBe('x');
    expect(source.resolve('file:secret')).toBe('first');
    expect(placeOf).not.toHaveBeenCalled();
    const first = errorOf('env:ELSEWHERE');
    expect(first).toMatchObject({ code: 'reference_missing' });
    for (let i = 0; i < 50; i++) expect(errorOf('env:ELSEWHERE')).toBe(first);
    expect(asked).toEqual(['GITHUB_TOKEN', 'ELSEWHERE']);
    expect(placeOf).toHaveBeenCalledOnce();

    write('secret', 'second\n');
    source.reload();
    expect(source.resolve('file:secret')).toBe('second');
  });

  it('a reference is read when it is asked for, and a missing one names its place', () => {
    write('holdpoint.yaml', config(5));
    write('policy.yaml', policy());
    expect(open('holdpoint.yaml', { GITHUB_TOKEN: 'secret' }).resolve('env:GITHUB_TOKEN')).toBe('secret');
    expect(() => open().resolve('env:GITHUB_TOKEN')).toThrow(
      expect.objectContaining({
        code: 'reference_missing',
        message: expect.stringMatching(/holdpoint\.yaml:3:\d+/) as string,
      }),
    );
  });
});

describe('while running', () => {
  beforeEach(() => {
    write('holdpoint.yaml', config(1));
    write('policy.yaml', policy());
  });

  it('changes of either file take effect, and listeners hear of them', async () => {
    const source = await openWatched();
    const heard: string[] = [];
    source.onChange((now, before) => heard.push(now.policy.digest === before.policy.digest ? 'same' : 'other'));
    write('holdpoint.yaml', config(2));
    await until(() => limitOf(source) === 2);
    write('policy.yaml', policy('include: [github]\n'));
    await until(() => source.current().policy.tools.size > 0);
    expect(heard).toEqual(['same', 'other']);
  });

  it('a broken file keeps the old in force, says where it is wrong, and is forgotten when mended', async () => {
    const source = await openWatched();
    const heard: (string | null)[] = [];
    source.onProblem((problem) => heard.push(problem));
    const { digest } = source.current().policy;
    write('policy.yaml', policy('rules:\n  - { when: nothing == 1, class: sensitive }\n'));
    await until(() => source.problem() !== null);
    expect(source.problem()).toMatch(/policy\.yaml:3:13/);
    expect(source.current().policy.digest).toBe(digest);
    write('policy.yaml', policy());
    await until(() => source.problem() === null);
    expect(heard.map((problem) => problem === null)).toEqual([false, true]);
  });

  it('is told where the start was printed: once for each change, and when it is mended', () => {
    write('holdpoint.yaml', config(5));
    write('policy.yaml', policy());
    const source = open();
    const said: string[] = [];
    reportFiles(source, (...lines) => void said.push(...lines));
    write('policy.yaml', 'version: 1\nrules: 5\n');
    source.reload();
    source.reload();
    expect(said).toEqual([
      'The changed files are not in force; the version before stays:',
      expect.stringMatching(/^ {2}.*policy\.yaml:2:8: rules must be a list/),
    ]);
    write('policy.yaml', policy());
    source.reload();
    source.reload();
    expect(said.slice(2)).toEqual(['The changed files are in force.']);
  });

  it('a file that goes away keeps the old in force until it is back', async () => {
    const source = await openWatched();
    unlinkSync(join(directory, 'policy.yaml'));
    await until(() => source.problem() !== null);
    expect(limitOf(source)).toBe(1);
    write('policy.yaml', policy());
    await until(() => source.problem() === null);
  });

  it('editors that write another file and rename it are followed, again and again', async () => {
    const source = await openWatched();
    for (const limit of [2, 3, 4]) {
      write('.holdpoint.yaml.swp', config(limit));
      renameSync(join(directory, '.holdpoint.yaml.swp'), join(directory, 'holdpoint.yaml'));
      await until(() => limitOf(source) === limit);
    }
  });

  it('links that are swapped, as Kubernetes does, are followed, again and again', async () => {
    for (const name of ['holdpoint.yaml', 'policy.yaml']) {
      unlinkSync(join(directory, name));
      symlinkSync(`..data/${name}`, join(directory, name));
    }
    mount('v1', { 'holdpoint.yaml': config(1), 'policy.yaml': policy() });
    const source = await openWatched();
    for (const limit of [2, 3]) {
      mount(`v${limit}`, { 'holdpoint.yaml': config(limit), 'policy.yaml': policy() });
      await until(() => limitOf(source) === limit);
    }
  });

  it('a configuration that names another policy is followed to it', async () => {
    mkdirSync(join(directory, 'elsewhere'));
    write('elsewhere/policy.yaml', policy('include: [github]\n'));
    const source = await openWatched();
    write('holdpoint.yaml', config(1, 'elsewhere/policy.yaml'));
    await until(() => source.current().policy.tools.size > 0);
    write('elsewhere/policy.yaml', policy('include: [postgres]\n'));
    await until(() => source.current().policy.tools.has('postgres.select'));
  });

  it('other files of the directory do not matter, however busy they are', async () => {
    const source = await openWatched();
    const busy = setInterval(() => write('busy.db', String(Math.random())), 5);
    try {
      write('holdpoint.yaml', config(7));
      await until(() => limitOf(source) === 7);
    } finally {
      clearInterval(busy);
    }
  });

  it('reading again what has not changed tells nobody', () => {
    const source = open();
    let heard = 0;
    source.onChange(() => heard++);
    source.onProblem(() => heard++);
    source.reload();
    write('holdpoint.yaml', config(1));
    source.reload();
    expect(heard).toBe(0);
  });
});

describe('the policy in force, for people to read', () => {
  it('is the text that counts, also while a broken file lies on the disk', () => {
    const text = policy('# first\n');
    write('holdpoint.yaml', config(5));
    write('policy.yaml', text);
    const source = open();
    const before = source.policyInForce();
    expect(before).toMatchObject({ name: 'policy.yaml', text, digest: source.current().policy.digest, problem: null });

    write('policy.yaml', 'version: [');
    source.reload();
    expect(source.policyInForce()).toEqual({ ...before, problem: source.problem() });
    expect(source.problem()).not.toBeNull();

    const next = policy('# second\n');
    write('policy.yaml', next);
    source.reload();
    expect(source.policyInForce()).toMatchObject({ text: next, problem: null });
  });
});

describe('the last good files', () => {
  const SECRET = 'resolved-secret-of-the-connector';
  let logged: string[];
  beforeEach(() => {
    logged = [];
    write('holdpoint.yaml', config(5));
    write('policy.yaml', policy());
  });
  const keptPath = (): string => join(directory, 'data', 'files-in-force.json');
  const start = (more: Partial<SettingsFiles> = {}, dataDir = 'data'): FileSettingsSource => {
    const kept = keepFiles(join(directory, dataDir), pino({}, { write: (line: string) => void logged.push(line) }));
    return open('holdpoint.yaml', { GITHUB_TOKEN: SECRET }, { kept, ...more });
  };
  const refusal = (more: Partial<SettingsFiles> = {}): readonly string[] => {
    try {
      start(more);
      return [];
    } catch (error) {
      if (!(error instanceof InvalidFilesError)) throw error;
      return error.problems.map(({ file, line }) => `${file.split('/').at(-1)}:${line}`);
    }
  };

  it('are in force after a start with a broken one, whose line is said, until it is mended', () => {
    start().resolve('env:GITHUB_TOKEN');
    write('holdpoint.yaml', config(6));
    start();
    write('holdpoint.yaml', `${config(7)}bogus: 1\n`);
    const source = start();
    expect([limitOf(source), source.kept()?.path]).toEqual([6, keptPath()]);
    expect(source.problem()).toMatch(/holdpoint\.yaml:4:1/);
    expect(source.resolve('env:GITHUB_TOKEN')).toBe(SECRET);
    write('holdpoint.yaml', config(8));
    source.reload();
    expect([limitOf(source), source.kept(), source.problem()]).toEqual([8, null, null]);
    expect(statSync(keptPath()).mode & 0o777).toBe(0o600);
    expect(readFileSync(keptPath(), 'utf8')).not.toContain(SECRET);
  });

  it('follow every reload', () => {
    const source = start();
    write('holdpoint.yaml', config(9));
    source.reload();
    write('policy.yaml', 'version: [');
    expect(limitOf(start())).toBe(9);
  });

  it('are not there at a first start, and count only as they were written', () => {
    write('holdpoint.yaml', 'bogus: 1\n');
    expect(refusal()).toContain('holdpoint.yaml:1');
    write('holdpoint.yaml', config(5));
    start();
    write('holdpoint.yaml', 'bogus: 1\n');
    writeFileSync(keptPath(), readFileSync(keptPath(), 'utf8').replace('pendingPerAgent: 5', 'pendingPerAgent: 6'));
    expect(refusal()).not.toEqual([]);
  });

  it('stop the start where this version of Holdpoint no longer takes them', () => {
    write('policy.yaml', policy('include: [github]\n'));
    start();
    write('holdpoint.yaml', 'bogus: 1\n');
    expect(refusal()).toEqual([]);
    expect(refusal({ catalogs: new Map() })).toEqual(
      expect.arrayContaining(['holdpoint.yaml:1', 'files-in-force.json:1']),
    );
  });

  it('are refused where the deployment has had others in force since', async () => {
    const inForce = (digest: string | undefined) => ({ filesInForce: async () => digest }) as PartStore;
    await requireNewest(start(), inForce('sha256:other'));
    write('holdpoint.yaml', 'bogus: 1\n');
    const source = start();
    await requireNewest(source, inForce(filesDigest(source.filesInForce())));
    for (const digest of ['sha256:other', undefined]) {
      await expect(requireNewest(source, inForce(digest))).rejects.toBeInstanceOf(InvalidFilesError);
    }
  });

  it('cannot be kept in a directory that cannot be written: that is logged, and the start goes on', () => {
    write('no-directory', '');
    expect(limitOf(start({}, 'no-directory/data'))).toBe(5);
    expect(logged.join('')).toContain('HOLDPOINT_DATA_DIR');
  });
});

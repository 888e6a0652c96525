import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSettings, type FileSettingsSource } from '../../src/settings/follow.ts';
import { placeOf } from '../../src/domain/files/yaml-source.ts';
import { resolveReference } from '../../src/storage/keys/index.ts';
import { reportFiles } from '../../src/cli/dev/report-files.ts';
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
function open(file = 'holdpoint.yaml', env: Record<string, string> = {}): FileSettingsSource {
  const source = openSettings({
    configFile: join(directory, file),
    catalogs: CATALOGS,
    deploymentId: 'd-1',
    env,
    resolveReference,
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
    reportFiles(source, (line) => said.push(line));
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

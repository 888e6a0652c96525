import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';
import { GATE_TASK_QUEUE } from '../../src/workflows/messages.ts';
import { ASKING_TASK_QUEUE, startAskingWorker } from '../support/asking-worker.ts';
import { connectTo, devServer } from '../support/servers.ts';

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}
interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const { version } = readJson(packageFile('package.json')) as Manifest;

/** Both packages, as `npm run pack` leaves them. */
let packs: string;
beforeAll(async () => {
  packs = mkdtempSync(join(tmpdir(), 'holdpoint-packs-'));
  await must(process.execPath, [packageFile('scripts', 'pack.mjs'), packs], packs);
}, 180_000);
afterAll(() => rmSync(packs, { recursive: true, force: true }));

async function must(command: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await runCommand(command, [...args], { timeoutMs: 240_000, cwd });
  if (!result.ok) throw new Error(result.output);
  return result.stdout;
}

const runScript = (project: string, script: string) =>
  must(process.execPath, ['--input-type=module', '--eval', script], project);

/** Names what is installed here in a project too: it takes no time and needs no registry. */
function link(project: string, path: string): void {
  const target = join(project, 'node_modules', path);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(packageFile('node_modules', path), target);
}

describe('@holdpoint/client in an empty project', () => {
  const FRAMEWORKS = ['@langchain', '@openai', '@temporalio', 'ai', 'zod'];
  const MOST_BYTES = 300_000;
  let project: string;
  let own: string;
  let manifest: Manifest;

  beforeAll(async () => {
    project = mkdtempSync(join(tmpdir(), 'holdpoint-client-'));
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
    const args = ['install', '--offline', '--no-audit', '--no-fund', join(packs, `holdpoint-client-${version}.tgz`)];
    await must('npm', args, project);
    own = join(project, 'node_modules', '@holdpoint', 'client');
    manifest = readJson(join(own, 'package.json')) as Manifest;
  }, 180_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test('is one package without a dependency, and small', () => {
    const { packages } = readJson(join(project, 'package-lock.json')) as Lock;
    expect(Object.keys(packages)).toEqual(['', 'node_modules/@holdpoint/client']);
    expect(manifest).not.toHaveProperty('dependencies');
    const files = readdirSync(own, { recursive: true, encoding: 'utf8' }).map((file) => lstatSync(join(own, file)));
    expect(files.every((file) => file.isFile() || file.isDirectory())).toBe(true);
    expect(files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)).toBeLessThan(MOST_BYTES);
  });

  test('runs without any framework', async () => {
    expect(await runScript(project, `process.stdout.write(typeof (await import('@holdpoint/client')).Holdpoint)`)).toBe(
      'function',
    );
  });

  test('its types compile with the web’s types alone, every declaration checked', async () => {
    const options = { types: [], lib: ['ES2023', 'DOM', 'DOM.Iterable'] };
    expect(await compile(project, 'use.ts', options)).toBe('');
  });

  describe('beside the frameworks', () => {
    beforeAll(() => {
      for (const name of FRAMEWORKS) link(project, name);
    });

    test.each([
      ['.', 'Holdpoint'],
      ['./langgraph', 'createResumer'],
      ['./ai', 'holdpointTool'],
      ['./openai-agents', 'holdpointTool'],
      ['./workflow', 'requestApproval'],
    ])('%s exports %s', async (path, name) => {
      const script = `import * as it from '@holdpoint/client${path.slice(1)}'; process.stdout.write(typeof it.${name});`;
      expect(await runScript(project, script)).toBe('function');
      expect(Object.keys(manifest.exports)).toContain(path);
    });

    test('modules and declarations name no package but its optional peers', () => {
      const named = readdirSync(own, { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(js|ts)$/.test(file))
        .flatMap((file) => [
          ...readFileSync(join(own, file), 'utf8').matchAll(/\b(?:from|import\()\s*["']([^."'][^"']*)/g),
        ])
        .map(([, name = '']) =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        );
      expect([...new Set(named)].toSorted()).toEqual(Object.keys(manifest.peerDependencies));
    });

    test.each([
      ['newest', {}],
      [
        'oldest',
        {
          ai: [packageFile('node_modules', 'ai-6')],
          '@openai/agents': [packageFile('node_modules', 'openai-agents-0.14')],
        },
      ],
    ])('the types of adapters and workflow helper compile with the %s', async (_which, paths) => {
      // The declarations of the frameworks are their own affair.
      const options = { types: [], lib: ['ES2023', 'DOM', 'DOM.Iterable'], skipLibCheck: true, paths };
      expect(await compile(project, 'frameworks.ts', options)).toBe('');
    });

    test('its types are those of the sources', async () => {
      const index = readFileSync(join(own, 'dist', 'client', 'index.d.ts'), 'utf8');
      const names = [...index.matchAll(/^export type \{([^}]*)\} from '\.\.\/contract\.js'/gm)]
        .flatMap(([, list = '']) => list.split(','))
        .map((name) => name.trim());
      expect(names.length).toBeGreaterThan(15);
      const source = [
        `import type * as packed from '@holdpoint/client';`,
        `import type * as source from '${packageFile('src', 'client', 'index.ts')}';`,
        `type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;`,
        ...names.map((name) => `export const same${name}: Same<packed.${name}, source.${name}> = true;`),
      ];
      writeFileSync(join(project, 'same.ts'), source.join('\n'));
      const options = {
        lib: ['ES2023', 'ES2024.String', 'DOM', 'DOM.Iterable'],
        types: [],
        allowImportingTsExtensions: true,
      };
      expect(await compile(project, 'same.ts', { ...options, skipLibCheck: true })).toBe('');
    });

    test('requestApproval runs in a workflow bundle', async () => {
      copyFileSync(packageFile('test', 'support', 'consumer', 'workflows.mjs'), join(project, 'workflows.mjs'));
      const server = await devServer();
      const env = await connectTo(server.address);
      const workers = await Promise.all(
        [ASKING_TASK_QUEUE, GATE_TASK_QUEUE].map((taskQueue) =>
          startAskingWorker(env, { taskQueue, workflowsPath: join(project, 'workflows.mjs') }),
        ),
      );
      const options = { taskQueue: ASKING_TASK_QUEUE, workflowId: 'asks' };
      expect(await env.client.workflow.execute('publishes', { ...options, args: ['words'] })).toBe('words');
      for (const stop of workers) await stop();
      await env.teardown();
      await server.stop();
    });
  });
});

/** What the compiler says about a program of test/support/consumer, or one that is there. */
async function compile(project: string, file: string, compilerOptions: object): Promise<string> {
  if (file !== 'same.ts') copyFileSync(packageFile('test', 'support', 'consumer', file), join(project, file));
  const base = { target: 'ES2023', module: 'esnext', moduleResolution: 'bundler', strict: true, noEmit: true };
  const all = { ...base, exactOptionalPropertyTypes: true, skipLibCheck: false, ...compilerOptions };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: all, files: [file] }));
  const tsc = packageFile('node_modules', 'typescript', 'bin', 'tsc');
  const result = await runCommand(process.execPath, [tsc, '-p', project], { timeoutMs: 240_000 });
  return result.ok ? '' : result.output;
}

describe('holdpoint in an empty project', () => {
  let project: string;

  /** Its dependencies are those that `npm install --omit=dev` would bring, linked from here. */
  beforeAll(async () => {
    project = mkdtempSync(join(tmpdir(), 'holdpoint-package-'));
    const modules = join(project, 'node_modules');
    const own = join(modules, 'holdpoint');
    mkdirSync(own, { recursive: true });
    await must('tar', ['-xzf', join(packs, `holdpoint-${version}.tgz`), '-C', own, '--strip-components=1'], project);
    const { packages } = readJson(packageFile('package-lock.json')) as Lock;
    for (const [path, { dev, devOptional }] of Object.entries(packages)) {
      const isTopLevel = path.lastIndexOf('node_modules/') === 0;
      if (isTopLevel && dev !== true && devOptional !== true) link(project, path.slice('node_modules/'.length));
    }
    mkdirSync(join(modules, '.bin'));
    symlinkSync(join('..', 'holdpoint', 'dist', 'cli', 'main.js'), join(modules, '.bin', 'holdpoint'));
  }, 180_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test.each([
    ['--version', new RegExp(`^${version}\n$`)],
    ['--help', /review/],
  ])('npx holdpoint %s', async (argument, expected) => {
    expect(await must('npx', ['--no-install', 'holdpoint', argument], project)).toMatch(expected);
  });

  test('npx holdpoint doctor reports what it finds', async () => {
    const env = { ...process.env, HOLDPOINT_PORT: '1', TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const doctor = await runCommand('npx', ['--no-install', 'holdpoint', 'doctor'], {
      timeoutMs: 120_000,
      cwd: project,
      env,
    });
    // It cannot pass here: nothing runs.
    expect(doctor.ok ? '' : doctor.output).toMatch(/temporal/i);
    expect(doctor.ok ? '' : doctor.output).not.toContain('ERR_MODULE_NOT_FOUND');
  });

  test('every part of it loads without development dependencies', async () => {
    const parts = ['cli/commands/run.js', 'cli/compose/serve.js', 'cli/dev/run-dev.js', 'cli/dev/start-dev.js'];
    const urls = parts.map((part) => join(project, 'node_modules', 'holdpoint', 'dist', part));
    const script = `for (const url of ${JSON.stringify(urls)}) await import(url); process.stdout.write('ok');`;
    expect(await runScript(project, script)).toBe('ok');
  });

  test.each(['holdpoint', 'holdpoint/client'])(
    '%s is nothing to import: the client is a package of its own',
    async (path) => {
      const script = `await import('${path}').catch(({ code }) => process.stdout.write(code))`;
      expect(await runScript(project, script)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    },
  );
});

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Access } from '../../src/cli/access-file.ts';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { findProcesses } from '../../src/cli/embedded/processes.ts';
import { servesDatabase } from '../../src/cli/embedded/temporal-server.ts';
import { fillDataDir } from './databases.ts';
import { freePort } from './ports.ts';

export interface HoldpointOptions {
  /** Default: a new one, removed by `destroy()`. */
  readonly dataDir?: string;
  /** Path of a config file; default: the demo. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A Holdpoint of its own, run as a user runs it: a process started from `dist`. */
export interface Holdpoint {
  readonly dataDir: string;
  readonly url: string;
  readonly temporalAddress: string;
  readonly temporalUi: string;
  /** The demo's people; only without a config of one's own. */
  readonly access: () => Access;
  /** Everything that it has printed. */
  readonly output: () => string;
  readonly pid: number;
  /** Starts it and waits until it is ready. Again after `stop` or `kill`, on the same data directory and ports. */
  start(): Promise<void>;
  /** Starts it and resolves with its exit code, for starts that must be refused. */
  startAndEnd(): Promise<number | null>;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<number | null>;
  /** `kill -9`; what it started stays. */
  kill(): Promise<void>;
  /** `kill -9` of it and of its Temporal server; removes the data directory if it made it. */
  destroy(): Promise<void>;
}

const READY_TIMEOUT_MS = 120_000;

export async function prepareHoldpoint(options: HoldpointOptions = {}): Promise<Holdpoint> {
  const own = options.dataDir === undefined;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'holdpoint-e2e-'));
  if (own) fillDataDir(dataDir);
  const [port, temporalPort, uiPort] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...withoutSettings(process.env),
    HOLDPOINT_PORT: String(port),
    HOLDPOINT_TEMPORAL_PORT: String(temporalPort),
    HOLDPOINT_TEMPORAL_UI_PORT: String(uiPort),
    HOLDPOINT_DATA_DIR: dataDir,
    ...(options.config === undefined ? {} : { HOLDPOINT_CONFIG: options.config }),
    ...options.env,
  };
  let child: ChildProcess | undefined;
  let output = '';

  const launch = () => {
    child = spawn(process.execPath, [packageFile('dist', 'cli', 'main.js'), 'dev'], {
      env,
      cwd: dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
    return child;
  };
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    child.kill(signal);
    return endOf(child);
  };

  return {
    dataDir,
    url,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    temporalUi: `http://127.0.0.1:${uiPort}`,
    access: () => JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as Access,
    output: () => output,
    get pid() {
      return child?.pid ?? 0;
    },
    start: async () => {
      await waitUntilReady(launch(), url, () => output);
    },
    startAndEnd: () => endOf(launch()),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    destroy: async () => {
      await end('SIGKILL');
      const servers = await findProcesses((argv) => servesDatabase(argv, join(dataDir, 'temporal.db')));
      for (const { pid } of servers) process.kill(pid, 'SIGKILL');
      if (own) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** {@link prepareHoldpoint}, started. */
export async function startHoldpoint(options: HoldpointOptions = {}): Promise<Holdpoint> {
  const holdpoint = await prepareHoldpoint(options);
  try {
    await holdpoint.start();
    return holdpoint;
  } catch (error) {
    await holdpoint.destroy();
    throw error;
  }
}

/** What the developer's own shell says must not change what tests see. */
export function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = new Set(['TEMPORAL_CLI', 'TEMPORAL_TEST_SERVER']);
  const ours = (name: string) =>
    /^(HOLDPOINT_|TEMPORAL_|DATABASE_|NODE_V8_COVERAGE|VITEST)/.test(name) && !kept.has(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours(name)));
}

function endOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

async function waitUntilReady(child: ChildProcess, url: string, output: () => string): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`It ended:\n${output().slice(-4000)}`);
    if (performance.now() > until) throw new Error(`Not ready in time:\n${output().slice(-4000)}`);
    const status = await fetch(`${url}/readyz`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(100);
  }
}

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { startTemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { DEPLOYMENT_ID, writeDeployment, type Deployment, type PersonId } from './e2e-deployment.ts';
import { startTarget, type Target } from './e2e-target.ts';
import { runHoldpoint, startPart } from './parts.ts';
import { freePort } from './ports.ts';
import { startPostgres } from './postgres.ts';

/** A process that is started again whenever it ends, as a service manager does. */
export interface Supervised {
  /** `kill -9`; false where there is nothing to kill just now. */
  kill(): boolean;
  /** How long the present process has lived, in ms; 0 where there is none. */
  age(): number;
  /** Of the present process; undefined where there is none. */
  pid(): number | undefined;
  /** Starts it no more; resolves when it has ended. */
  stop(): Promise<void>;
}

interface Process {
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
}

const PAUSE_MS = 200;

export function supervise(start: () => Promise<Process> | Process, isDone: () => boolean = () => false): Supervised {
  const state: { isOver: boolean; pid: number | undefined; since: number } = {
    isOver: false,
    pid: undefined,
    since: 0,
  };
  const kill = (): boolean => {
    if (state.pid === undefined) return false;
    try {
      process.kill(state.pid, 'SIGKILL');
      return true;
    } catch {
      return false;
    }
  };
  const loop = (async () => {
    while (!state.isOver && !isDone()) {
      const started = await Promise.resolve(start()).catch(() => undefined);
      if (started !== undefined) {
        Object.assign(state, { pid: started.pid, since: performance.now() });
        if (state.isOver) kill();
        await started.ended;
        state.pid = undefined;
      }
      await sleep(PAUSE_MS);
    }
  })();
  return {
    kill,
    pid: () => state.pid,
    age: () => (state.pid === undefined ? 0 : performance.now() - state.since),
    stop: async () => {
      state.isOver = true;
      kill();
      await loop;
    },
  };
}

export const PARTS = ['agent', 'api', 'gate', 'execute', 'temporal'] as const;
export type PartName = (typeof PARTS)[number];

/** The parts apart, each under a supervisor, over one PostgreSQL and one Temporal; and an agent that keeps proposing. */
export interface PartsWorld {
  readonly url: string;
  readonly temporalAddress: string;
  readonly target: Target;
  readonly deployment: Deployment;
  readonly parts: Readonly<Record<PartName, Supervised>>;
  /** What the agent writes down; with `.stop` after it, the file that ends it. */
  readonly journal: string;
  send(method: string, path: string, as: PersonId, body?: unknown): Promise<{ status: number; body: unknown }>;
  close(): Promise<void>;
}

/** `callback`: where every third call of the agent has its answer posted too. */
export async function startParts(lanes: number, isAgentDone: () => boolean, callback?: string): Promise<PartsWorld> {
  const target = await startTarget();
  const config = callback === undefined ? {} : { callbacks: [new URL('/', callback).href] };
  const deployment = writeDeployment({ targetUrl: target.url, config });
  const { directory } = deployment;
  const postgres = await startPostgres();
  const database = postgres.url(await postgres.createDatabase());
  const keys = join(directory, 'keys');
  runHoldpoint(['keys', 'init', '--deployment', DEPLOYMENT_ID], { HOLDPOINT_KEYS_DIR: keys }, directory);
  runHoldpoint(['migrate'], { DATABASE_URL: database }, directory);
  const [port, temporalPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const environment = (name: string): Record<string, string> => {
    mkdirSync(join(directory, name), { recursive: true });
    return {
      ...deployment.env,
      HOLDPOINT_CONFIG: deployment.configFile,
      HOLDPOINT_DATA_DIR: join(directory, name),
      HOLDPOINT_KEYS_DIR: keys,
      HOLDPOINT_PORT: String(port),
      TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
      DATABASE_URL: database,
    };
  };
  const part = (name: string, args: readonly string[]) =>
    supervise(() => {
      const { child, ended } = startPart(args, environment(name), directory);
      return { pid: child.pid ?? 0, ended };
    });
  const journal = join(directory, 'journal');
  const parts = {
    temporal: supervise(() => startTemporal(temporalPort, join(directory, 'temporal.db'))),
    gate: part('gate', ['worker', '--role', 'gate']),
    execute: part('execute', ['worker', '--role', 'execute']),
    api: part('api', ['api']),
    agent: supervise(
      () =>
        startAgent(url, deployment.credentials['agent-1'], [
          journal,
          String(lanes),
          ...(callback === undefined ? [] : [callback]),
        ]),
      isAgentDone,
    ),
  };
  return {
    url,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    target,
    deployment,
    parts,
    journal,
    send: async (method, path, as, body) => {
      const response = await fetch(new URL(path, url), {
        method,
        headers: { authorization: `Bearer ${deployment.credentials[as]}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(20_000),
      });
      return { status: response.status, body: (await response.json()) as unknown };
    },
    close: async () => {
      for (const name of PARTS) await parts[name].stop();
      postgres.stop();
      await target.close();
      deployment.remove();
    },
  };
}

async function startTemporal(port: number, databaseFile: string): Promise<Process> {
  const { pid } = await startTemporalServer({
    binary: await findTemporalCli(process.env, () => undefined),
    databaseFile,
    port,
    uiPort: null,
    logFile: null,
    pidFile: null,
    say: () => undefined,
  });
  return { pid, ended: untilGone(pid) };
}

async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(100);
  }
}

function startAgent(url: string, key: string, args: readonly string[]): Process {
  const child = spawn(process.execPath, [packageFile('test', 'support', 'chaos-agent.mjs'), ...args], {
    env: { PATH: process.env.PATH ?? '', HOLDPOINT_URL: url, HOLDPOINT_API_KEY: key },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return { pid: child.pid ?? 0, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

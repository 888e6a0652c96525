import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { startTemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { PARTS, type PartName } from './chaos-schedule.ts';
import { startCutProxy, type CutProxy } from './cut-proxy.ts';
import { DEPLOYMENT_ID, writeDeployment, type Deployment, type PersonId } from './e2e-deployment.ts';
import { startTarget, type Target } from './e2e-target.ts';
import { prepareFullTemporal, registerNamespace } from './full-temporal.ts';
import { runHoldpoint, startPart } from './parts.ts';
import { freePort } from './ports.ts';
import { startPostgres, type Postgres } from './postgres.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { supervise, type Process, type Supervised } from './supervised.ts';

/** Each part, as which login, and by which command. */
const ROLES = {
  propose: { login: 'holdpoint_api', command: ['api', '--role', 'propose'] },
  review: { login: 'holdpoint_review', command: ['api', '--role', 'review'] },
  gate: { login: 'holdpoint_gate', command: ['worker', '--role', 'gate'] },
  execute: { login: 'holdpoint_execute', command: ['worker', '--role', 'execute'] },
} as const;

/**
 * The parts apart, two of each, each under a supervisor and with logins of their own, over one PostgreSQL and one
 * Temporal, which every part reaches by a network of its own.
 */
export interface PartsWorld {
  readonly urls: Readonly<Record<'propose' | 'review', readonly string[]>>;
  readonly temporalAddress: string;
  readonly target: Target;
  readonly deployment: Deployment;
  readonly postgres: Postgres;
  readonly database: string;
  readonly processes: Readonly<Record<PartName | 'temporal' | 'postgres', Supervised>>;
  readonly networks: Readonly<Record<PartName, Readonly<Record<'postgres' | 'temporal', CutProxy>>>>;
  /** None where this user may not mount. */
  readonly disks: Readonly<Record<'postgres' | 'execute-1', SmallDisk>> | undefined;
  /** Moves the clock of `clockOf`; false where libfaketime is not installed. */
  moveClock(byMs: number): boolean;
  /** Starts a part under a supervisor, where it was stopped. */
  start(part: PartName): Supervised;
  /** Environment of a part, also for commands that are run in its place. */
  environment(part: PartName): Record<string, string>;
  /** What the parts have logged. */
  logs(): string;
  /** At any of those that answer what this person asks: agents are answered by `propose`, reviewers by `review`. */
  send(method: string, path: string, as: PersonId, body?: unknown, key?: string): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface PartsOptions {
  /** `full`: a Temporal server as in a cluster, with its state in PostgreSQL; else the dev server. */
  readonly isFull: boolean;
  readonly clockOf?: PartName;
  /** Of each part; with 1, the parts are those whose names end in 1. */
  readonly instances?: 1 | 2;
  /** Where answers may be posted. */
  readonly callback?: string;
  /** For every part. */
  readonly env?: Readonly<Record<string, string>>;
}

const PATIENCE_MS = 60_000;

export async function startParts({ isFull, clockOf, instances = 2, callback, env }: PartsOptions): Promise<PartsWorld> {
  const names = PARTS.filter((part) => Number(part.at(-1)) <= instances);
  const target = await startTarget();
  const config = callback === undefined ? {} : { callbacks: [new URL('/', callback).href] };
  const deployment = writeDeployment({ targetUrl: target.url, config });
  const { directory } = deployment;
  // PostgreSQL's own user has to reach it.
  const diskHome = mkdtempSync(join(tmpdir(), 'holdpoint-disk-'));
  chmodSync(diskHome, 0o755);
  const disks = mountDisks(diskHome, directory);
  const postgres = await startPostgres({
    parent: diskHome,
    settings: { max_connections: 300, max_wal_size: '128MB', min_wal_size: '32MB' },
  });
  const database = await postgres.createDatabase();
  const keys = join(directory, 'keys');
  runHoldpoint(['keys', 'init', '--deployment', DEPLOYMENT_ID], { HOLDPOINT_KEYS_DIR: keys }, directory);
  runHoldpoint(['migrate'], { DATABASE_URL: postgres.url(database) }, directory);
  const logins = Object.values(ROLES).map(({ login }) => `ALTER ROLE ${login} LOGIN;`);
  await postgres.sql(database, logins.join(''));

  const startTemporal = isFull ? await fullTemporal(directory, postgres) : await devTemporal(directory);
  const { port: temporalPort } = startTemporal;
  const links = await Promise.all(
    names.map(async (part) => {
      const [toPostgres, toTemporal] = [await startCutProxy(postgres.port), await startCutProxy(temporalPort)];
      return [part, { postgres: toPostgres, temporal: toTemporal }] as const;
    }),
  );
  const networks = Object.fromEntries(links) as unknown as PartsWorld['networks'];
  const ports = Object.fromEntries(await Promise.all(names.map(async (part) => [part, await freePort()] as const)));
  const clockFile = join(directory, 'clock');
  writeFileSync(clockFile, '+0');
  const fakeClock = findFakeClock(clockFile);

  const environment = (part: PartName): Record<string, string> => {
    const dataDir = join(directory, part);
    mkdirSync(dataDir, { recursive: true });
    const url = new URL(postgres.url(database, roleOf(part).login));
    url.port = String(networks[part].postgres.port);
    return {
      ...deployment.env,
      ...env,
      HOLDPOINT_CONFIG: deployment.configFile,
      HOLDPOINT_DATA_DIR: dataDir,
      HOLDPOINT_KEYS_DIR: keys,
      HOLDPOINT_PORT: String(ports[part]),
      TEMPORAL_ADDRESS: `127.0.0.1:${networks[part].temporal.port}`,
      DATABASE_URL: url.href,
      ...(part === clockOf ? fakeClock : {}),
    };
  };
  const log = join(directory, 'log');
  const started: Supervised[] = [];
  const start = (part: PartName): Supervised => {
    const supervised = supervise(() => {
      const { child, ended, output } = startPart(roleOf(part).command, environment(part), directory);
      return { pid: child.pid ?? 0, ended: ended.then(() => appendFileSync(log, output())) };
    });
    started.push(supervised);
    return supervised;
  };
  // Whoever started it may not stop it like the others.
  postgres.crash();
  const basics = { postgres: supervise(() => postgres.launch()), temporal: supervise(startTemporal.start) };
  const temporalAddress = `127.0.0.1:${temporalPort}`;
  if (isFull) await registerNamespace(temporalAddress);
  const parts = Object.fromEntries(names.map((part) => [part, start(part)])) as Record<PartName, Supervised>;
  const urlsOf = (role: string) => names.filter((part) => part.startsWith(role)).map(urlOf);
  const urlOf = (part: PartName) => `http://127.0.0.1:${ports[part]}`;
  const urls = { propose: urlsOf('propose'), review: urlsOf('review') };
  let turn = 0;
  return {
    urls,
    temporalAddress,
    target,
    deployment,
    postgres,
    database,
    processes: { ...basics, ...parts },
    networks,
    disks,
    start,
    environment,
    moveClock: (byMs) => {
      writeFileSync(clockFile, `${byMs < 0 ? '-' : '+'}${Math.abs(byMs) / 1_000}`);
      return 'LD_PRELOAD' in fakeClock;
    },
    logs: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    send: async (method, path, as, body, key) => {
      const own = urls[as.startsWith('agent') ? 'propose' : 'review'];
      turn += 1;
      const response = await fetch(new URL(path, own[turn % own.length]), {
        method,
        headers: {
          authorization: `Bearer ${deployment.credentials[as]}`,
          'content-type': 'application/json',
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true && !path.includes('export');
      return { status: response.status, body: isJson ? (JSON.parse(text) as unknown) : text };
    },
    close: async () => {
      await Promise.all(started.map((part) => part.stop()));
      await basics.temporal.stop();
      await basics.postgres.stop();
      for (const link of Object.values(networks)) for (const proxy of [link.postgres, link.temporal]) proxy.close();
      postgres.stop();
      await target.close();
      for (const disk of Object.values(disks ?? {})) disk.unmount();
      deployment.remove();
      rmSync(diskHome, { recursive: true, force: true });
    },
  };
}

const roleOf = (part: PartName) => ROLES[part.slice(0, -2) as keyof typeof ROLES];

function mountDisks(home: string, directory: string): PartsWorld['disks'] {
  const postgres = mountSmallDisk(home, 2_000);
  const execute = postgres && mountSmallDisk(join(directory, 'execute-1'), 1);
  return postgres && execute && { postgres, 'execute-1': execute };
}

async function fullTemporal(directory: string, postgres: Postgres) {
  const toPostgres = await startCutProxy(postgres.port);
  return prepareFullTemporal(join(directory, 'temporal'), postgres, toPostgres.port);
}

async function devTemporal(directory: string) {
  const [port, binary] = [await freePort(), await findTemporalCli(process.env, () => undefined)];
  const start = async (): Promise<Process> => {
    const { pid } = await startTemporalServer({
      binary,
      databaseFile: join(directory, 'temporal.db'),
      port,
      uiPort: null,
      logFile: null,
      pidFile: null,
      say: () => undefined,
    });
    return { pid, ended: untilGone(pid) };
  };
  return { port, start };
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

/** Environment under which the clock is what the file says; empty where libfaketime is not installed. */
function findFakeClock(file: string): Readonly<Record<string, string>> {
  const libraries = readdirSync('/usr/lib')
    .map((platform) => `/usr/lib/${platform}/faketime/libfaketimeMT.so.1`)
    .find((path) => existsSync(path));
  if (libraries === undefined) return {};
  return {
    LD_PRELOAD: libraries,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

export interface AgentOptions {
  readonly journal: string;
  readonly seed: number;
  readonly lanes: number;
  readonly callback: string;
  readonly isDone: () => boolean;
}

/** `chaos-agent.mjs` under a supervisor, as the agent that may use every tool. `name` is part of its refs. */
export function superviseAgent(world: PartsWorld, name: string, { isDone, ...options }: AgentOptions): Supervised {
  const { journal, seed, lanes, callback } = options;
  const args = [
    packageFile('test', 'support', 'chaos-agent.mjs'),
    journal,
    name.replace('-', ''),
    seed,
    lanes,
    callback,
  ];
  let starts = 0;
  return supervise(() => {
    starts += 1;
    const { propose } = world.urls;
    const child = spawn(process.execPath, args.map(String), {
      env: {
        PATH: process.env.PATH ?? '',
        HOLDPOINT_URL: propose[starts % propose.length],
        HOLDPOINT_API_KEY: world.deployment.credentials['agent-1'],
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { pid: child.pid ?? 0, ended: new Promise((resolve) => child.once('exit', resolve)) };
  }, isDone);
}

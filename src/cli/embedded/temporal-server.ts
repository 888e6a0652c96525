import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { DIRECT_GRPC } from '../compose/proxy.ts';
import { searchAttributeNames } from '../../workflows/messages.ts';
import { StartError } from '../start-error.ts';
import { findProcesses, isAlive, isPortFree, type RunningProcess } from './processes.ts';

export interface TemporalServerSettings {
  /** Absolute path of the SQLite file; null keeps everything in memory. */
  readonly databaseFile: string | null;
  readonly port: number;
  /** Null: no Web UI. */
  readonly uiPort: number | null;
}

export interface TemporalServerOptions extends TemporalServerSettings {
  readonly binary: string;
  /** Where the server's output goes; null discards it. */
  readonly logFile: string | null;
  /** For operators who look for the process. Nothing reads it. */
  readonly pidFile: string | null;
  readonly say: (line: string) => void;
}

export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** It was already running, left behind by a start that was killed. */
  readonly adopted: boolean;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;

const CHECK_EVERY_MS = 1_000;
/** Keeps a server that ends at once from being restarted in a tight loop, and lets callers see the outage (503). */
const RESTART_AFTER_MS = 15_000;

/** Starts the embedded server and restarts it if it ends by itself; connections and workers reconnect. */
export async function superviseTemporal(options: TemporalServerOptions): Promise<TemporalServer> {
  let server = await startTemporalServer(options);
  const first = server;
  const controller = new AbortController();
  const { signal } = controller;
  const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
  const watch = async () => {
    while (!signal.aborted) {
      await pause(CHECK_EVERY_MS);
      if (signal.aborted || isAlive(server.pid)) continue;
      options.say(
        `Temporal: the server (process ${server.pid}) has ended and restarts in ${RESTART_AFTER_MS / 1000} s. ` +
          `Its log: ${options.logFile ?? 'none'}.`,
      );
      await pause(RESTART_AFTER_MS);
      if (signal.aborted) return;
      try {
        server = await startTemporalServer(options);
        options.say('Temporal: running again');
      } catch (error) {
        options.say(`Temporal: ${error instanceof Error ? error.message : 'it cannot be started'}`);
      }
    }
  };
  const watching = watch();
  return {
    ...first,
    stop: async () => {
      controller.abort();
      await watching;
      await server.stop();
    },
  };
}

/**
 * Starts a Temporal dev server as a detached child (on Ctrl-C it must end last), or adopts the one that an earlier start
 * left behind on the same database file. Two servers on one file would corrupt it, so one with other settings is stopped
 * first.
 *
 * Throws `port_in_use` or `temporal_unavailable`.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const args = temporalArguments(options);
  const orphan = await settleOrphans(options, args);
  if (orphan === undefined) await requireFreePorts(options);
  const pid = orphan?.pid ?? launch(options, args);
  if (options.pidFile !== null) writeFileSync(options.pidFile, `${pid}\n`, { mode: 0o600 });

  const address = `127.0.0.1:${options.port}`;
  const stop = async () => {
    await stopProcess(pid);
    if (options.pidFile !== null) rmSync(options.pidFile, { force: true });
  };
  try {
    await prepareServer(address, START_TIMEOUT_MS, () => isAlive(pid));
  } catch (error) {
    await stop();
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError('temporal_unavailable', `The Temporal server did not start: ${why}. ${lastLog(options)}`, {
      cause: error,
    });
  }
  const uiUrl = options.uiPort === null ? null : `http://127.0.0.1:${options.uiPort}`;
  return { address, uiUrl, pid, adopted: orphan !== undefined, stop };
}

/** Adopts a server that runs with exactly these arguments; stops every other one on this file. */
async function settleOrphans(
  options: TemporalServerOptions,
  args: readonly string[],
): Promise<RunningProcess | undefined> {
  const { databaseFile } = options;
  if (databaseFile === null) return undefined;
  const orphans = await findProcesses((argv) => servesDatabase(argv, databaseFile));
  const same = orphans.find(({ argv }) => argv.slice(1).join('\0') === args.join('\0'));
  const adopted = orphans.length === 1 ? same : undefined;
  for (const { pid } of orphans) {
    if (pid === adopted?.pid) continue;
    options.say(`Temporal: stopping an earlier server on this data directory (process ${pid})`);
    await stopProcess(pid);
  }
  if (adopted) options.say(`Temporal: using the server that is already running (process ${adopted.pid})`);
  return adopted;
}

async function requireFreePorts({ port, uiPort }: TemporalServerOptions): Promise<void> {
  const wanted = [
    { port, setting: 'HOLDPOINT_TEMPORAL_PORT', what: 'Temporal' },
    ...(uiPort === null ? [] : [{ port: uiPort, setting: 'HOLDPOINT_TEMPORAL_UI_PORT', what: "Temporal's Web UI" }]),
  ];
  for (const { port, setting, what } of wanted) {
    if (await isPortFree(port)) continue;
    throw new StartError(
      'port_in_use',
      `Port ${port} for ${what} is in use by another program. Set ${setting} to a free port.`,
    );
  }
}

function launch(options: TemporalServerOptions, args: readonly string[]): number {
  const log = options.logFile === null ? 'ignore' : openSync(options.logFile, 'a', 0o600);
  const child = spawn(options.binary, args, { stdio: ['ignore', log, log], detached: true });
  if (typeof log === 'number') closeSync(log);
  // isAlive notices its end; an unhandled 'error' event would end this process.
  child.on('error', () => undefined);
  child.unref();
  if (child.pid === undefined) {
    throw new StartError('temporal_unavailable', `${options.binary} cannot be started.`);
  }
  return child.pid;
}

async function stopProcess(pid: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const until = performance.now() + STOP_TIMEOUT_MS;
    while (performance.now() < until) {
      if (!isAlive(pid)) return;
      await sleep(20);
    }
  }
}

function lastLog({ logFile }: TemporalServerOptions): string {
  if (logFile === null) return '';
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  return `Its log, ${logFile}, ends with:\n${lines.slice(-5).join('\n').slice(-2000)}`;
}

/**
 * Measured: by default the dev server polls its queues slowly (start → signal → result takes 150 ms) and syncs its SQLite
 * file on every commit; with these settings it takes 14 ms. Keys: server 1.31.2, common/dynamicconfig.
 */
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  // The default of 1 makes the second of two queries on one workflow wait for seconds.
  'history.MaxBufferedQueryCount': 100,
  'system.enableActivityEagerExecution': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
} as const;

const PRAGMAS = { journal_mode: 'wal', synchronous: 'normal' } as const;

/** Arguments of the embedded server. It listens on loopback only, since it has no authentication. */
export function temporalArguments(settings: TemporalServerSettings): readonly string[] {
  const { databaseFile, port, uiPort } = settings;
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${port}`,
    '--log-level=error',
    ...(uiPort === null ? ['--headless'] : [`--ui-port=${uiPort}`]),
    ...(databaseFile === null ? [] : ['--db-filename', databaseFile]),
    ...(databaseFile === null ? [] : Object.entries(PRAGMAS).flatMap(([k, v]) => ['--sqlite-pragma', `${k}=${v}`])),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    ...searchAttributeNames().flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

/** Whether a command line is a dev server on this database file. */
export function servesDatabase(argv: readonly string[], databaseFile: string): boolean {
  return argv.includes('start-dev') && argv[argv.indexOf('--db-filename') + 1] === databaseFile;
}

/** How long an ended review stays readable in Temporal; the dev server's default is one day. */
const RETENTION = msToTs('30 days');
const NAMESPACE = 'default';
/** Timeout of one attempt; a busy machine answers the first ones slowly. */
const ATTEMPT_MS = 10_000;

/**
 * Resolves when the server answers and the namespace has the retention that Holdpoint needs. A server that has just
 * started to listen may still refuse requests, so every step is retried. Rejects if the server has ended, or after
 * `timeoutMs` with its last error.
 */
export async function prepareServer(address: string, timeoutMs: number, isAlive: () => boolean): Promise<void> {
  const until = performance.now() + timeoutMs;
  // Loaded while the server starts.
  const client = await import('@temporalio/client');
  for (;;) {
    try {
      const connection = await client.Connection.connect({ address, ...DIRECT_GRPC, connectTimeout: '5s' });
      return await connection
        .withDeadline(Date.now() + ATTEMPT_MS, () => setRetention(connection))
        .finally(() => connection.close());
    } catch (error) {
      if (!isAlive()) throw new Error('the server process ended', { cause: error });
      if (performance.now() > until) throw error;
    }
    await sleep(100);
  }
}

async function setRetention({ workflowService }: Connection): Promise<void> {
  const { config } = await workflowService.describeNamespace({ namespace: NAMESPACE });
  if (config?.workflowExecutionRetentionTtl?.seconds?.equals(RETENTION.seconds ?? 0) === true) return;
  await workflowService.updateNamespace({
    namespace: NAMESPACE,
    config: { workflowExecutionRetentionTtl: RETENTION },
  });
}

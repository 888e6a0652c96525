import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../start-error.ts';
import { isPortFree } from './ports.ts';
import { findProcesses, isAlive, type RunningProcess } from './processes.ts';
import { servesDatabase, temporalArguments, type TemporalServerSettings } from './temporal-arguments.ts';
import { prepareServer } from './temporal-health.ts';

export interface TemporalServerOptions extends TemporalServerSettings {
  readonly binary: string;
  /** Where the server's own output goes; null drops it. */
  readonly logFile: string | null;
  /** Informative: an operator who looks for the process finds it here. */
  readonly pidFile: string | null;
  readonly say: (line: string) => void;
}

export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** It was running already, left behind by a start of ours that was killed. */
  readonly adopted: boolean;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts a Temporal dev server as a detached child (Ctrl-C ends it last, in order, and not by itself), or adopts the one
 * that an earlier start left behind on the same database file. Two servers on one file would corrupt it, so one that
 * runs with other settings is stopped first.
 *
 * Throws `port_in_use` or `temporal_unavailable`, in words.
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

/** Adopts a server of ours that runs exactly as we would start it; stops every other one on this file. */
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
  if (adopted) options.say(`Temporal: carrying on with the server that is running already (process ${adopted.pid})`);
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
  // What matters about its end is seen by isAlive; an unhandled 'error' event would end this process.
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

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTemporalCli } from '../../src/cli/embedded/temporal-cli.ts';
import { startTemporalServer, type TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { runHoldpoint, startPart, type Part } from '../../test/support/parts.ts';
import { freePort } from '../../test/support/ports.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { writeDeployment } from './deployment.ts';
import type { HoldpointKeys } from './holdpoint.ts';

const PARTS = { api: ['api'], gate: ['worker', '--role', 'gate'], execute: ['worker', '--role', 'execute'] } as const;
export type PartName = keyof typeof PARTS;
export const PART_NAMES = Object.keys(PARTS) as readonly PartName[];

/** The parts as processes of their own, over one PostgreSQL and one Temporal dev server. */
export interface Apart {
  readonly keys: HoldpointKeys;
  readonly reviewerTokens: readonly string[];
  readonly temporalAddress: string;
  /** Resident memory of a part, in MB. */
  memoryOf(part: PartName): number;
  /** CPU that a part has used so far, in seconds. */
  cpuOf(part: PartName): number;
  readonly databaseUrl: string;
  /** Stops a part and starts it again; resolves when the api says that all parts are ready. */
  restart(part: PartName): Promise<void>;
  close(): Promise<void>;
}

const READY_WITHIN_MS = 400_000;

export async function startApart(targetUrl: string): Promise<Apart> {
  const { config, agentKey, reviewerToken, reviewerTokens } = writeDeployment(targetUrl);
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-apart-'));
  const [postgres, temporal, port] = await Promise.all([startPostgres(), startTemporal(), freePort()]);
  const database = postgres.url(await postgres.createDatabase());
  const keysDirectory = join(directory, 'keys');
  runHoldpoint(['keys', 'init', '--deployment', 'bench'], { HOLDPOINT_KEYS_DIR: keysDirectory }, directory);
  runHoldpoint(['migrate'], { DATABASE_URL: database }, directory);
  const url = `http://127.0.0.1:${port}`;
  const start = (name: PartName): Part => {
    const dataDir = join(directory, name);
    mkdirSync(dataDir, { recursive: true });
    const env = {
      HOLDPOINT_CONFIG: config,
      HOLDPOINT_DATA_DIR: dataDir,
      HOLDPOINT_KEYS_DIR: keysDirectory,
      HOLDPOINT_PORT: String(port),
      HOLDPOINT_LOG_LEVEL: 'warn',
      TEMPORAL_ADDRESS: temporal.address,
      DATABASE_URL: database,
    };
    return startPart(PARTS[name], env, directory);
  };
  const parts: Record<PartName, Part> = { execute: start('execute'), gate: start('gate'), api: start('api') };
  const close = async (): Promise<void> => {
    await Promise.all(PART_NAMES.map((name) => parts[name].stop()));
    await temporal.stop();
    postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await untilReady(url, parts);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    keys: { url, agentKey, reviewerToken },
    reviewerTokens,
    temporalAddress: temporal.address,
    databaseUrl: database,
    restart: async (name) => {
      await parts[name].stop();
      parts[name] = start(name);
      await untilReady(url, parts);
    },
    memoryOf: (part) => residentMb(parts[part].child.pid ?? 0),
    cpuOf: (part) => cpuSeconds(parts[part].child.pid ?? 0),
    close,
  };
}

async function startTemporal(): Promise<TemporalServer> {
  return startTemporalServer({
    binary: await findTemporalCli(process.env, () => undefined),
    databaseFile: null,
    port: await freePort(),
    uiPort: null,
    logFile: null,
    pidFile: null,
    say: () => undefined,
  });
}

async function untilReady(url: string, parts: Readonly<Record<PartName, Part>>): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until) {
    const ended = PART_NAMES.find((name) => parts[name].hasEnded());
    if (ended !== undefined) throw new Error(`${ended} has ended:\n${parts[ended].output()}`);
    const ready = await fetch(`${url}/readyz`).catch(() => undefined);
    if (ready?.ok === true) return;
    await sleep(100);
  }
  throw new Error('the parts did not become ready');
}

function residentMb(pid: number): number {
  const [, kB = 'NaN'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kB) / 1_024;
}

/** Of `/proc/PID/stat`: user and system time, in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

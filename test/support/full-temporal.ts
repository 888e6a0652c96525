import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { stringify } from 'yaml';
import { cacheDir, packageFile } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';
import { freePort } from './ports.ts';
import type { Postgres } from './postgres.ts';
import type { Process } from './supervised.ts';

/** As in temporal-server/go.mod. */
const VERSION = '1.31.2';
const MODULE = packageFile('test', 'support', 'temporal-server');
/** Databases, and the schema of each. */
const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' };
const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;

/** What a cluster sets, and what the embedded server sets for speed. */
const DYNAMIC_CONFIG = {
  'activity.enableStandalone': true,
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.MaxBufferedQueryCount': 100,
  'system.enableActivityEagerExecution': true,
  'system.forceSearchAttributesCacheRefreshOnRead': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

/** A full Temporal server, all services in one process, with its state in PostgreSQL. */
export interface FullTemporal {
  readonly port: number;
  start(): Process;
}

/**
 * Prepares its databases. The programs are built from Go modules where the cache has none, in some minutes.
 *
 * @param databasePort where the server finds PostgreSQL: its own port, or that of a proxy
 */
export async function prepareFullTemporal(
  directory: string,
  postgres: Postgres,
  databasePort: number,
): Promise<FullTemporal> {
  const programs = await findPrograms();
  for (const [database, schema] of Object.entries(DATABASES)) {
    await postgres.sql('postgres', `CREATE DATABASE ${database}`);
    const where = ['--plugin', 'postgres12', '--ep', '127.0.0.1', '-p', String(postgres.port), '-u', 'postgres'];
    const run = (...args: readonly string[]) => must(programs.schema, [...where, '--db', database, ...args]);
    await run('setup-schema', '-v', '0.0');
    await run('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
  const ports = await Promise.all(
    SERVICES.map(async () => ({ grpcPort: await freePort(), membershipPort: await freePort() })),
  );
  const port = ports[0]?.grpcPort ?? 0;
  const store = (databaseName: string) => ({
    sql: {
      pluginName: 'postgres12_pgx',
      databaseName,
      connectAddr: `127.0.0.1:${databasePort}`,
      connectProtocol: 'tcp',
      user: 'postgres',
      password: '',
      maxConns: 20,
      maxIdleConns: 20,
      maxConnLifetime: '1h',
    },
  });
  const config = {
    log: { stdout: true, level: 'error' },
    persistence: {
      numHistoryShards: 4,
      defaultStore: 'default',
      visibilityStore: 'visibility',
      datastores: { default: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(
      SERVICES.map((service, index) => [service, { rpc: { ...ports[index], bindOnLocalHost: true } }]),
    ),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${port}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: join(directory, 'dynamic.yaml'), pollInterval: '10s' },
  };
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'server.yaml');
  writeFileSync(file, stringify(config));
  const dynamic = Object.entries(DYNAMIC_CONFIG).map(([key, value]) => [key, [{ value }]]);
  writeFileSync(join(directory, 'dynamic.yaml'), stringify(Object.fromEntries(dynamic)));
  return {
    port,
    start: () => {
      const child = spawn(programs.server, ['--config-file', file, '--allow-no-auth', 'start'], { stdio: 'ignore' });
      return { pid: child.pid ?? 0, ended: new Promise((resolve) => child.once('exit', resolve)) };
    },
  };
}

/** Registers the namespace; until the server answers, this is tried again. */
export async function registerNamespace(address: string): Promise<void> {
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '5s' });
      const { workflowService } = connection;
      const namespace = 'default';
      await workflowService
        .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('3 days') })
        .catch(() => workflowService.describeNamespace({ namespace }));
      // The namespace reaches the services' caches a little later.
      await workflowService.listWorkflowExecutions({ namespace });
      return await connection.close();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function findPrograms(): Promise<{ readonly server: string; readonly schema: string }> {
  const home = cacheDir(process.env, 'temporal-server', VERSION);
  const programs = { server: join(home, 'temporal-server'), schema: join(home, 'temporal-sql-tool') };
  const packages = { server: 'cmd/server', schema: 'cmd/tools/sql' };
  for (const name of ['schema', 'server'] as const) {
    if (existsSync(programs[name])) continue;
    const incoming = join(mkdtempSync(join(dirname(home), 'build-')), name);
    await must('go', ['build', '-trimpath', '-o', incoming, `go.temporal.io/server/${packages[name]}`]);
    renameSync(incoming, programs[name]);
    rmSync(dirname(incoming), { recursive: true });
  }
  return programs;
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const result = await runCommand(command, [...args], { timeoutMs: 30 * 60_000, cwd: MODULE, env });
  if (!result.ok) throw new Error(`${command} ${args.join(' ')} failed:\n${result.output.slice(-4_000)}`);
}

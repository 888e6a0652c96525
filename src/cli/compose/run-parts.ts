import { existsSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { PartName } from '../../contract/part.ts';
import type { KeyRole } from '../../contract/envelope.ts';
import { loadKeys, type Keys } from '../../storage/keys/index.ts';
import { privateKeyPath } from '../../storage/keys/key-files.ts';
import { openReplicaDir } from '../embedded/data-dir.ts';
import { startApi } from './api-part.ts';
import { readEnvironment, requireConfigFile, type EnvironmentSettings } from './environment.ts';
import { openExecute } from './execute-part.ts';
import { openHealth } from './health.ts';
import { createFoundation, describePart, type Foundation } from './foundation.ts';
import { startGate } from './gate-part.ts';
import { apiKeysOf, keyRolesOf, keysDirectory, type ApiRole } from './keys.ts';
import { createLogger, installTemporalRuntime } from './logger.ts';
import { findSdkPort, serveMetrics } from './serve-metrics.ts';
import { serve, type RunOptions, type Serving } from './serve.ts';
import { openStore, requireDatabaseUrl } from './open-store.ts';
import { followSettings } from './settings.ts';
import { connectTemporal } from './temporal.ts';
import { readTemporalTarget } from './temporal-target.ts';
import { openTracing } from './tracing.ts';
import type { RunningWorker } from './workers.ts';

export type WorkerRole = 'gate' | 'execute' | 'all';

/** An api process. `propose` serves agents, `review` reviewers, each with its own signing key only. */
export async function runApi(options: RunOptions, { role }: { readonly role: ApiRole }): Promise<void> {
  await servePart(options, role === 'all' ? 'api' : `api-${role}`, async (settings, open) => {
    const { keys, foundation } = await open(settings, keyRolesOf(role));
    const { host, port, trustProxy } = settings;
    // Its own port answers these too, with fewer words.
    const healthPort = settings.healthPort === port ? null : settings.healthPort;
    const health = await openHealth(foundation, { host, healthPort }, []);
    const { url } = await startApi(foundation, { keys: apiKeysOf(keys, role), host, port, trustProxy });
    health.begin();
    foundation.log.info({ url, role }, 'the api listens');
  });
}

/** A worker process. Only one with the role `execute` (or `all`) loads credentials and private keys. */
export async function runWorker(options: RunOptions, { role }: { readonly role: WorkerRole }): Promise<void> {
  const executes = role !== 'gate';
  await servePart(options, role === 'all' ? 'worker' : role, async (environment, open, { shutdown }) => {
    const dataDir = executes ? openReplicaDir(environment.dataDir) : undefined;
    if (dataDir !== undefined) shutdown.add('data directory', () => dataDir.release());
    const settings = { ...environment, dataDir: dataDir?.path ?? environment.dataDir };
    const roles: readonly KeyRole[] = [
      ...(executes ? (['execute', 'seal'] as const) : []),
      ...(role === 'execute' ? [] : optionalRoles(settings)),
    ];
    const { keys, foundation } = await open(settings, roles);
    const workers: RunningWorker[] = [];
    const health = await openHealth(foundation, settings, workers);
    if (executes) {
      const execute = await openExecute(foundation, { keys, directory: settings.dataDir });
      workers.push(...(await execute.start()));
    }
    if (role !== 'execute') workers.push(await startGate(foundation, settings.deploymentVersion));
    health.begin();
    foundation.log.info({ role }, 'the worker polls');
  });
}

/**
 * Keys that a gate worker works without: with no mail key, mails carry no link that decides; with no callback key,
 * callbacks wait for one.
 */
function optionalRoles(settings: EnvironmentSettings): readonly KeyRole[] {
  const directory = keysDirectory(settings);
  return (['mail', 'callback'] as const).filter((role) => existsSync(privateKeyPath(directory, role)));
}

type Open = (
  settings: EnvironmentSettings,
  roles: readonly KeyRole[],
) => Promise<{ readonly keys: Keys; readonly foundation: Foundation }>;

/** Runs one part. Its log begins before its settings are read: what is wrong with them is in there too. */
async function servePart(
  options: RunOptions,
  name: PartName,
  start: (settings: EnvironmentSettings, open: Open, serving: Serving) => Promise<void>,
): Promise<void> {
  const part = describePart(name);
  const log = createLogger('info', null, part);
  const run = async (serving: Serving): Promise<void> => {
    serving.useLog(log);
    const settings = readEnvironment(options.env);
    log.level = settings.logLevel;
    const open: Open = (ofPart, roles) => openFoundation(options, ofPart, { part, log }, roles, serving);
    await start(settings, open, serving);
  };
  await serve(run, { isRead: isatty(process.stderr.fd) });
}

async function openFoundation(
  { env }: RunOptions,
  settings: EnvironmentSettings,
  { part, log }: Pick<Foundation, 'part' | 'log'>,
  roles: readonly KeyRole[],
  { shutdown, fail }: Serving,
): ReturnType<Open> {
  const configFile = requireConfigFile(settings, env);
  const databaseUrl = requireDatabaseUrl(settings.databaseUrl);
  const target = readTemporalTarget(env);
  const sdkPort = await findSdkPort(settings);
  installTemporalRuntime(log, part.name, sdkPort);
  const keys = loadKeys(keysDirectory(settings), roles);
  const source = await followSettings(configFile, keys.trust.current().deploymentId, env, log, settings.dataDir);
  shutdown.add('settings', () => source.close());
  const tracing = await openTracing(settings, part, log, shutdown);
  const connections = await connectTemporal(target, { tracing });
  shutdown.add('Temporal connections', () => connections.close());
  const store = await openStore(databaseUrl, settings.dataDir);
  shutdown.add('database', () => store.close());
  const temporal = { connections, uiUrl: settings.temporalUiUrl };
  const { proxy } = settings;
  const foundation = await createFoundation({ part, log, store, source, temporal, keys, proxy, shutdown, fail });
  await serveMetrics(settings, sdkPort, foundation);
  return { keys, foundation };
}

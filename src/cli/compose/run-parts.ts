import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Part } from '../../contract/part.ts';
import type { KeyRole } from '../../contract/envelope.ts';
import { loadKeys, type Keys } from '../../storage/keys/index.ts';
import { privateKeyPath } from '../../storage/keys/key-files.ts';
import { openReplicaDir } from '../embedded/data-dir.ts';
import { startApi } from './api-part.ts';
import { readEnvironment, type EnvironmentSettings } from './environment.ts';
import { openExecute } from './execute-part.ts';
import { openHealth } from './health.ts';
import { createFoundation, describePart, type Foundation } from './foundation.ts';
import { startGate } from './gate-part.ts';
import { apiKeysOf, keyRolesOf, keysDirectory, type ApiRole } from './keys.ts';
import { createLogger, installTemporalRuntime } from './logger.ts';
import { findSdkPort, serveMetrics } from './serve-metrics.ts';
import { serve, type RunOptions, type Serving } from './serve.ts';
import { followSettings, requireConfigFile, openStore, requireDatabaseUrl } from './settings.ts';
import { connectTemporal, readTemporalTarget } from './temporal.ts';
import type { RunningWorker } from './workers.ts';

export type WorkerRole = 'gate' | 'execute' | 'all';

/** An api process. `propose` serves agents, `review` reviewers, each with its own signing key only. */
export async function runApi(options: RunOptions, role: ApiRole): Promise<void> {
  const settings = readEnvironment(options.env);
  await serve(async (serving) => {
    const part = describePart(role === 'all' ? 'api' : `api-${role}`);
    const { keys, foundation } = await openFoundation(options, settings, part, keyRolesOf(role), serving);
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
export async function runWorker(options: RunOptions, role: WorkerRole): Promise<void> {
  const environment = readEnvironment(options.env);
  const executes = role !== 'gate';
  await serve(async (serving) => {
    const dataDir = executes ? openReplicaDir(environment.dataDir) : undefined;
    if (dataDir !== undefined) serving.shutdown.add('data directory', () => dataDir.release());
    const settings = { ...environment, dataDir: dataDir?.path ?? environment.dataDir };
    const roles: readonly KeyRole[] = [
      ...(executes ? (['execute', 'seal'] as const) : []),
      ...(role === 'execute' ? [] : optionalRoles(settings)),
    ];
    const part = describePart(role === 'all' ? 'worker' : role);
    const { keys, foundation } = await openFoundation(options, settings, part, roles, serving);
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

async function openFoundation(
  { env }: RunOptions,
  settings: EnvironmentSettings,
  part: Part,
  roles: readonly KeyRole[],
  { shutdown, fail, useLog }: Serving,
): Promise<{ readonly keys: Keys; readonly foundation: Foundation }> {
  const configFile = requireConfigFile(settings, env);
  const databaseUrl = requireDatabaseUrl(settings.databaseUrl);
  const target = readTemporalTarget(env);
  const log: Logger = createLogger(settings.logLevel, null);
  useLog(log);
  const sdkPort = await findSdkPort(settings);
  installTemporalRuntime(log, part.name, sdkPort);
  const keys = loadKeys(keysDirectory(settings), roles);
  const source = await followSettings(configFile, keys.trust.current().deploymentId, env, log, settings.dataDir);
  shutdown.add('settings', () => source.close());
  const connections = await connectTemporal(target);
  shutdown.add('Temporal connections', () => connections.close());
  const store = await openStore(databaseUrl, settings.dataDir);
  shutdown.add('database', () => store.close());
  const temporal = { connections, uiUrl: settings.temporalUiUrl };
  const { proxy } = settings;
  const foundation = await createFoundation({ part, log, store, source, temporal, keys, proxy, shutdown, fail });
  await serveMetrics(settings, sdkPort, foundation);
  return { keys, foundation };
}

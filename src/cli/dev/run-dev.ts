import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Readiness } from '../../api/index.ts';
import { localUrl, startApi } from '../compose/api-part.ts';
import { readEnvironment, requireDistinctPorts, type EnvironmentSettings } from '../compose/environment.ts';
import { openExecute } from '../compose/execute-part.ts';
import { createFoundation, describePart } from '../compose/foundation.ts';
import { openHealth } from '../compose/health.ts';
import { startGate } from '../compose/gate-part.ts';
import { apiKeysOf, keysDirectory } from '../compose/keys.ts';
import { createLogger, installTemporalRuntime } from '../compose/logger.ts';
import { findSdkPort, serveMetrics } from '../compose/serve-metrics.ts';
import { serve, type RunOptions, type Serving } from '../compose/serve.ts';
import { findConfigFile, followSettings, readDeploymentId, openStore, reportFiles } from '../compose/settings.ts';
import { findTemporalTarget } from '../compose/temporal.ts';
import { openTracing, type Tracing } from '../compose/tracing.ts';
import { openDataDir, type DataDir, noteRunning, signInUrl } from '../embedded/data-dir.ts';
import { findInstances, registerInstance } from '../embedded/instances.ts';
import { isPortFree } from '../embedded/processes.ts';
import { ensureKeys } from '../../storage/keys/index.ts';
import { StartError } from '../start-error.ts';
import { renderBanner } from './banner.ts';
import { prepareDemo, publishAccess } from '../embedded/demo/demo.ts';
import { openDevTemporal } from './embedded-temporal.ts';

/**
 * Runs everything on this machine, in one process with a Temporal server as its child: what `npm start` runs. Resolves once
 * it was stopped and has closed everything in order. Rejects with StartError and similar if it cannot start.
 */
export async function runDev(options: RunOptions): Promise<void> {
  const settings = readEnvironment(options.env);
  requireDistinctPorts(settings);
  findTemporalTarget(options.env);
  const ownConfig = findConfigFile(settings, options.env);
  await serve((serving) => startDev(options, settings, ownConfig, serving));
}

async function startDev(
  options: RunOptions,
  settings: EnvironmentSettings,
  ownConfig: string | undefined,
  serving: Serving,
): Promise<void> {
  const { env, print } = options;
  const { shutdown, fail } = serving;
  const dataDir = openDataDir(settings.dataDir);
  shutdown.add('data directory', () => dataDir.release());
  await requireFreePort(settings.port, env);
  const part = describePart('all');
  const log = createLogger(settings.logLevel, dataDir.log, part);
  serving.useLog(log);
  const sdkPort = await findSdkPort(settings);
  installTemporalRuntime(log, 'all', sdkPort);

  const deploymentId = ownConfig === undefined ? undefined : readDeploymentId(ownConfig);
  const keys = ensureKeys(keysDirectory(settings), { deploymentId, now: new Date() });
  const tracing = await openTracing(settings, part, log, shutdown);
  const { temporal, store, demo } = await open(options, settings, dataDir, ownConfig === undefined, serving, tracing);
  const configFile = demo?.configFile ?? (ownConfig as string);
  const source = await followSettings(configFile, keys.trust.current().deploymentId, env, log, dataDir.path);
  shutdown.add('settings', () => source.close());
  reportFiles(source, print);
  const foundation = await createFoundation({
    part,
    log,
    store,
    source,
    temporal,
    keys,
    localUrl: localUrl(settings),
    proxy: settings.proxy,
    shutdown,
    fail,
  });

  await serveMetrics(settings, sdkPort, foundation);
  const health = await openHealth(foundation, settings, []);
  const execute = await openExecute(foundation, { keys, directory: dataDir.path });
  await Promise.all([startGate(foundation, settings.deploymentVersion), execute.start()]);
  const api = await startApi(foundation, {
    keys: apiKeysOf(keys, 'all'),
    host: settings.host,
    port: settings.port,
    trustProxy: settings.trustProxy,
    direct: execute.direct,
  });
  const access =
    demo === undefined
      ? null
      : publishAccess(demo, dataDir, api.signIn, {
          url: api.url,
          temporalAddress: temporal.address,
          temporalUi: temporal.uiUrl,
        });
  const keysDir = keysDirectory(settings);
  const running = { url: api.url, configFile: resolve(configFile), keysDir, temporalAddress: temporal.address };
  shutdown.add('embedded.json', noteRunning(dataDir.path, running));
  shutdown.add('instance', registerInstance(env, dataDir.path));
  // A caller that waits for 200 on /readyz may read access.json next.
  health.begin();
  await waitUntilReady(foundation.readiness, log);
  // Those of the demo are in access.json too.
  const links =
    access?.reviewers ??
    source
      .current()
      .reviewers.map(({ id, groups }) => ({ id, groups, signInUrl: signInUrl(api.url, api.signIn.issue(id)) }));
  const { uiUrl: temporalUi } = temporal;
  renderBanner({ url: api.url, temporalUi, dataDir: dataDir.path, access, links, configFile }).forEach((line) =>
    print(line),
  );
}

/** Opens Temporal, database and demo target in parallel: each takes a second or two. */
async function open(
  { env, print }: RunOptions,
  settings: EnvironmentSettings,
  dataDir: DataDir,
  withDemo: boolean,
  { shutdown }: Serving,
  tracing: Tracing | undefined,
) {
  const opening = [
    openDevTemporal(settings, dataDir, env, print, tracing),
    openStore(settings.databaseUrl, dataDir.path),
    withDemo ? prepareDemo(dataDir) : Promise.resolve(undefined),
  ] as const;
  // If one fails, the others must still be closed.
  const [temporalOpened, storeOpened] = await Promise.allSettled(opening);
  if (temporalOpened.status === 'fulfilled') shutdown.add('Temporal', () => temporalOpened.value.stop());
  if (storeOpened.status === 'fulfilled') shutdown.add('database', () => storeOpened.value.close());
  const [temporal, store, demo] = await Promise.all(opening);
  return { temporal, store, demo };
}

async function requireFreePort(port: number, env: RunOptions['env']): Promise<void> {
  if (await isPortFree(port)) return;
  const other = findInstances(env).find(({ url }) => new URL(url).port === String(port));
  const holder = other === undefined ? 'another program' : `the Holdpoint with its data in ${other.dataDir}`;
  throw new StartError('port_in_use', `Port ${port} is in use by ${holder}. Set HOLDPOINT_PORT to a free port.`);
}

const READY_WITHIN_MS = 30_000;

/** Waits until everything is ready, else logs what is not. The start continues, because a part that is down may recover. */
async function waitUntilReady(readiness: Readiness, log: Logger): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const { ready, problems } = await readiness.check();
    if (ready) return;
    if (performance.now() >= until) return log.warn({ problems }, 'not ready yet');
    await sleep(250);
  }
}

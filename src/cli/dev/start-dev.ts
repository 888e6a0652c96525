import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Readiness } from '../../api/index.ts';
import { localUrl, startApi } from '../compose/api-part.ts';
import type { EnvironmentSettings } from '../compose/environment.ts';
import { openExecute } from '../compose/execute-part.ts';
import { createFoundation, describePart } from '../compose/foundation.ts';
import { openHealth } from '../compose/health.ts';
import { startGate } from '../compose/gate-part.ts';
import { apiKeysOf, keysDirectory } from '../compose/keys.ts';
import { createLogger, installTemporalRuntime } from '../compose/logger.ts';
import { findSdkPort, serveMetrics } from '../compose/serve-metrics.ts';
import type { RunOptions, Serving } from '../compose/serve.ts';
import { followSettings, readDeploymentId, reportFiles } from '../compose/settings.ts';
import { openTracing } from '../compose/tracing.ts';
import { noteRunning, signInUrl, type DataDir } from '../embedded/data-dir.ts';
import { registerInstance } from '../embedded/instances.ts';
import { ensureKeys } from '../../storage/keys/index.ts';
import { renderBanner } from './banner.ts';
import { publishAccess, type Demo } from '../embedded/demo/demo.ts';
import type { Store } from '../../ports/store.ts';
import type { DevTemporal } from './embedded-temporal.ts';

/** What the parts are started on. */
export interface Opened {
  readonly server: DevTemporal;
  readonly store: Store;
  /** Undefined where there is a config file of one's own. */
  readonly demo: Demo | undefined;
}

interface Start {
  /** Undefined: the demo's. */
  readonly ownConfig: string | undefined;
  readonly dataDir: DataDir;
  readonly opening: Promise<Opened>;
}

/** Starts all parts on what is being opened. Resolves once they are ready, and what to open next is on the screen. */
export async function startDev(
  { env, print }: RunOptions,
  settings: EnvironmentSettings,
  { ownConfig, dataDir, opening }: Start,
  serving: Serving,
): Promise<void> {
  const { shutdown, fail } = serving;
  const part = describePart('all');
  const log = createLogger(settings.logLevel, dataDir.log, part);
  serving.useLog(log);
  const sdkPort = await findSdkPort(settings);
  installTemporalRuntime(log, 'all', sdkPort);

  const deploymentId = ownConfig === undefined ? undefined : readDeploymentId(ownConfig);
  const keys = ensureKeys(keysDirectory(settings), { deploymentId, now: new Date() });
  const tracing = await openTracing(settings, part, log, shutdown);
  const { server, store, demo } = await opening;
  const connections = await server.connect(tracing);
  shutdown.add('Temporal connections', () => connections.close());
  const configFile = demo?.configFile ?? (ownConfig as string);
  const source = await followSettings(configFile, keys.trust.current().deploymentId, env, log, dataDir.path);
  shutdown.add('settings', () => source.close());
  reportFiles(source, print);
  const foundation = await createFoundation({
    part,
    log,
    store,
    source,
    temporal: { connections, uiUrl: server.uiUrl },
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
          temporalAddress: server.address,
          temporalUi: server.uiUrl,
        });
  const keysDir = keysDirectory(settings);
  const running = { url: api.url, configFile: resolve(configFile), keysDir, temporalAddress: server.address };
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
  const { uiUrl: temporalUi } = server;
  renderBanner({ url: api.url, temporalUi, dataDir: dataDir.path, access, links, configFile }).forEach((line) =>
    print(line),
  );
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

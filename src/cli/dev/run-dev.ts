import {
  findConfigFile,
  readEnvironment,
  requireDistinctPorts,
  type EnvironmentSettings,
} from '../compose/environment.ts';
import { serve, type RunOptions, type Serving } from '../compose/serve.ts';
import { findTemporalTarget } from '../compose/temporal-target.ts';
import { openDataDir, type DataDir } from '../embedded/data-dir.ts';
import { findInstances } from '../embedded/instances.ts';
import { isPortFree } from '../embedded/processes.ts';
import { StartError } from '../start-error.ts';
import { startDevTemporal } from './embedded-temporal.ts';
import type { Opened } from './start-dev.ts';

/**
 * Runs everything on this machine, in one process with a Temporal server as its child: what `npm start` runs. Resolves once
 * it was stopped and has closed everything in order. Rejects with StartError and similar if it cannot start.
 */
export async function runDev(options: RunOptions): Promise<void> {
  const { env } = options;
  const settings = readEnvironment(env);
  requireDistinctPorts(settings);
  findTemporalTarget(env);
  const ownConfig = findConfigFile(settings, env);
  await serve(async (serving) => {
    const dataDir = openDataDir(settings.dataDir);
    serving.shutdown.add('data directory', () => dataDir.release());
    await requireFreePort(settings.port, env);
    const opening = open(options, settings, dataDir, ownConfig === undefined, serving);
    // Most of the code takes as long to load as the server to start.
    const started = import('./start-dev.ts').then(({ startDev }) =>
      startDev(options, settings, { ownConfig, dataDir, opening }, serving),
    );
    // If it fails early, what is being opened must still be closed.
    await Promise.allSettled([opening, started]);
    await started;
  });
}

/** Opens Temporal, database and demo target in parallel: each takes a second or two. */
async function open(
  { env, print }: RunOptions,
  settings: EnvironmentSettings,
  dataDir: DataDir,
  withDemo: boolean,
  { shutdown }: Serving,
): Promise<Opened> {
  const opening = [
    startDevTemporal(settings, dataDir, env, print),
    import('../compose/open-store.ts').then(({ openStore }) => openStore(settings.databaseUrl, dataDir.path)),
    withDemo
      ? import('../embedded/demo/demo.ts').then(({ prepareDemo }) => prepareDemo(dataDir))
      : Promise.resolve(undefined),
  ] as const;
  // If one fails, the others must still be closed.
  const [serverStarted, storeOpened] = await Promise.allSettled(opening);
  if (serverStarted.status === 'fulfilled') shutdown.add('Temporal', () => serverStarted.value.stop());
  if (storeOpened.status === 'fulfilled') shutdown.add('database', () => storeOpened.value.close());
  const [server, store, demo] = await Promise.all(opening);
  return { server, store, demo };
}

async function requireFreePort(port: number, env: RunOptions['env']): Promise<void> {
  if (await isPortFree(port)) return;
  const other = findInstances(env).find(({ url }) => new URL(url).port === String(port));
  const holder = other === undefined ? 'another program' : `the Holdpoint with its data in ${other.dataDir}`;
  throw new StartError('port_in_use', `Port ${port} is in use by ${holder}. Set HOLDPOINT_PORT to a free port.`);
}

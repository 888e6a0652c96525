import { existsSync } from 'node:fs';
import {
  createApp,
  type HandOff,
  loadDashboard,
  type DashboardPage,
  createGateClient,
  createLocalHandOff,
  createRemoteHandOff,
  createService,
  createSignInLinks,
  startServer,
  startService,
} from '../../api/index.ts';
import type { DirectActivities } from '../../activities/api.ts';
import { packageFile } from '../embedded/cache.ts';
import { mcpEndpoints } from '../../mcp/index.ts';
import { StartError } from '../start-error.ts';
import { repeatUntilShutdown } from './serve.ts';
import { explainListen } from './listen.ts';
import { answerSlack } from './send.ts';
import { hasStandaloneActivities } from './standalone-activities.ts';
import { DIRECT_SLOTS } from './workers.ts';
import { systemClock, type Foundation } from './foundation.ts';
import type { ApiKeys } from './keys.ts';

const BINDING_EVERY_MS = 15_000;

export interface ApiPart {
  readonly keys: ApiKeys;
  readonly host: string;
  readonly port: number;
  readonly trustProxy: string | null;
  /** Of an execute worker in this process; without one, calls are handed over through Temporal. */
  readonly direct?: DirectActivities;
}

/** Starts the api: HTTP in, signals and queries out. No credential of any target. */
export async function startApi(foundation: Foundation, part: ApiPart) {
  const { log, store, files, settings, temporal, binding, shutdown } = foundation;
  const stop = new AbortController();
  const signIn = createSignInLinks({ secret: part.keys.sessionSecret, store: store.sessions, clock: systemClock });
  const deps = {
    settings,
    store,
    gate: createGateClient(temporal.client, () => binding.isChanged()),
    handOff: await openHandOff(foundation, part),
    ...part.keys,
    temporalUi: foundation.temporalUi,
    namespace: temporal.namespace,
    clock: systemClock,
    log,
  };
  if (part.keys.reviewSigner !== undefined && !(await store.objections.mayObject())) {
    throw new StartError(
      'setting_invalid',
      'The login of DATABASE_URL may not store rejections. The api for reviewers (`api`, `api --role review`) needs a member of the database role holdpoint_review; agents’ own api (`--role propose`) does without.',
    );
  }
  const service = createService(deps);
  const mcp = {
    sessionSecret: part.keys.mcpSecret,
    onToolsChanged: (listener: () => void) => followTools(foundation, listener),
    version: foundation.part.version,
  };
  const app = createApp({
    ...service,
    ...part.keys,
    shutdown: stop.signal,
    doors: (parts) => mcpEndpoints(mcp, parts),
    signIn,
    policyInForce: () => files.policyInForce(),
    resolveReference: (reference) => files.resolve(reference),
    answerSlack,
    version: foundation.part.version,
    page: readPage(),
    registry: foundation.metrics.registry,
    readiness: foundation.readiness,
    trustProxy: part.trustProxy ?? false,
  });
  repeatUntilShutdown(foundation, 'check of the Temporal in use', BINDING_EVERY_MS, () => binding.check());
  // Whatever answers has its SQL parser and its tail before the first request comes.
  await startService(service);
  shutdown.add('service', () => service.hub.stop());
  const server = await startServer(app, { port: part.port, host: part.host, shutdown: stop }).catch(
    (error: unknown) => {
      throw explainListen(error, part.host, part.port, 'HOLDPOINT_PORT');
    },
  );
  shutdown.add('http', () => server.close());
  // As seen from this machine.
  return { url: localUrl(part), signIn };
}

/** Calls that policy frees are handed over by who signs proposals. */
async function openHandOff(foundation: Foundation, { keys, direct }: ApiPart): Promise<HandOff | undefined> {
  if (keys.proposeSigner === undefined) return undefined;
  if (direct === undefined) return openRemoteHandOff(foundation);
  // A shutdown waits for those that are under way.
  const handOff = createLocalHandOff(direct.executeFree, DIRECT_SLOTS);
  foundation.shutdown.add('calls without a workflow', () => handOff.idle());
  return handOff;
}

const ASK_EVERY_MS = 60_000;
/** Until the database is bound to this Temporal, which the first gate worker does. */
const LOOK_EVERY_MS = 2_000;

/** Hands calls to execute workers elsewhere, through Temporal, while it can. */
async function openRemoteHandOff(foundation: Foundation): Promise<HandOff> {
  const { log, temporal, binding } = foundation;
  let isKnown = false;
  let isBound = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let isSaid = false;
  const note = (known: boolean): void => {
    if (!known && !isSaid) {
      log.warn(
        { code: 'standalone_activities_missing' },
        'this Temporal has no standalone activities, so reversible calls take a workflow each: on a server of your own, set activity.enableStandalone to true',
      );
    }
    isSaid ||= !known;
    isKnown = known;
  };
  const look = async (): Promise<void> => {
    if (isBound && performance.now() - askedAt < ASK_EVERY_MS) return;
    askedAt = performance.now();
    isBound = await binding.check();
    note(await hasStandaloneActivities(temporal.connection, temporal.namespace));
  };
  await look().catch((error: unknown) => log.warn({ err: error }, 'Temporal does not say what it can do'));
  repeatUntilShutdown(foundation, 'look for standalone activities', LOOK_EVERY_MS, look);
  return createRemoteHandOff(temporal.client, {
    isForeign: () => binding.isChanged(),
    isKnown: () => isKnown && isBound,
    onUnknown: () => note(false),
  });
}

/** Where an api that listens there is reached from this machine. */
export function localUrl({ host, port }: Pick<ApiPart, 'host' | 'port'>): string {
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

/** The page is built into `dist`; code that runs from the sources has it once anybody has built. */
function readPage(): DashboardPage | undefined {
  const folder = packageFile('dist', 'dashboard');
  return existsSync(folder) ? loadDashboard(folder) : undefined;
}

/** Tools come from the files and from upstream MCP servers. */
function followTools({ files, onUpstreams }: Foundation, listener: () => void): () => void {
  const stops = [files.onChange(listener), onUpstreams(listener)];
  return () => {
    for (const stop of stops) stop();
  };
}

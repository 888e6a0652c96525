import { open, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { isGrpcServiceError } from '@temporalio/client';
import { atMostEvery, createReadiness, type Readiness } from '../../api/index.ts';
import type { Logger } from 'pino';
import type { Part, PartName } from '../../contract/part.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import {
  BEAT_EVERY_MS,
  databaseCode,
  isDiskFull,
  judgeClock,
  problemOf,
  temporalCode,
  type PartProblem,
} from '../../domain/readiness.ts';
import { StorageError, type Store } from '../../ports/store.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';
import type { Keys } from '../../storage/keys/index.ts';
import { checkReferences, type ReferencePart } from './check-references.ts';
import type { EnvironmentSettings } from './environment.ts';
import { filesDigest } from './kept-files.ts';
import { listenUntilShutdown } from './listen.ts';
import { PART_NEEDS } from './part-needs.ts';
import { inspectSearchAttributes } from './search-attributes.ts';
import { repeatUntilShutdown, type Shutdown } from './serve.ts';
import type { TemporalBinding } from './temporal-binding.ts';
import type { TemporalConnections } from './temporal.ts';
import type { RunningWorker } from './workers.ts';

/** What costs more than a round trip is done less often, ms. */
const LOGIN_EVERY = 5_000;
const DISK_EVERY = 15_000;
const DATA_DIRECTORY_EVERY = 5_000;
const NAMESPACE_EVERY = 10_000;
const TEMPORAL_WITHIN = 1_500;

interface ReadinessDeps {
  readonly part: Part;
  readonly store: Store;
  readonly files: FileSettingsSource;
  readonly settings: SettingsSource;
  readonly keys: Keys;
  readonly temporal: TemporalConnections;
  readonly binding: TemporalBinding;
  readonly shutdown: Shutdown;
}

/** Readiness with the checks that every part has. */
export function openReadiness(deps: ReadinessDeps): Readiness {
  const { part, store, files, settings, keys, temporal, binding, shutdown } = deps;
  const readiness = createReadiness({ part, store, settings, shutdown: shutdown.signal });
  const login = atMostEvery(LOGIN_EVERY, () => store.parts.login());
  const disk = atMostEvery(DISK_EVERY, () => store.parts.probeDisk());
  readiness.add('database', 'database_unavailable', () =>
    explained(databaseProblem, async () => {
      await store.ping();
      await login();
      await disk();
    }),
  );
  readiness.add('temporal', 'temporal_unavailable', () =>
    explained(
      (error) => problemOf(temporalCode(isGrpcServiceError(error) ? error.code : undefined)),
      () => describeNamespace(temporal),
    ),
  );
  readiness.add('temporalBinding', 'temporal_changed', async () =>
    binding.isChanged() ? problemOf('temporal_changed') : undefined,
  );
  readiness.add(
    'searchAttributes',
    'temporal_unavailable',
    atMostEvery(NAMESPACE_EVERY, () => findMissing(temporal)),
  );
  readiness.add('keys', 'key_unreadable', async () => {
    const problem = keys.problem();
    return problem === null ? undefined : problemOf('key_unreadable', `${problem} What was read before is in force.`);
  });
  readiness.add('credentials', 'credential_missing', async () => {
    const resolve = (reference: string): string => files.resolve(reference);
    const faults = referencesOf(part.name).flatMap((who) => checkReferences(settings.current(), resolve, who));
    const missing = faults.filter(({ kind }) => kind === 'missing').map(({ message, fix }) => `${message}. ${fix}.`);
    return missing.length === 0 ? undefined : problemOf('credential_missing', [...new Set(missing)].join(' '));
  });
  return readiness;
}

/** Whose references a part resolves. */
function referencesOf(part: PartName): readonly ReferencePart[] {
  return part === 'all' ? [...PART_NEEDS.api.references, ...PART_NEEDS.worker.references] : PART_NEEDS[part].references;
}

/** The pollers of a worker: one that has ended is not replaced. */
export function watchPollers(readiness: Readiness, name: string, pollers: readonly RunningWorker[]): void {
  readiness.add(name, 'worker_ended', async () =>
    pollers.every((poller) => poller.isRunning()) ? undefined : problemOf('worker_ended'),
  );
}

/** A directory that this part has to write into while it runs. */
export function watchDirectory(readiness: Readiness, directory: string): void {
  const look = atMostEvery(DATA_DIRECTORY_EVERY, () => explained(directoryProblem, () => writeAndRemove(directory)));
  readiness.add('dataDirectory', 'data_directory_unwritable', look);
}

interface HealthDeps extends Pick<ReadinessDeps, 'part' | 'store' | 'files' | 'shutdown'> {
  readonly readiness: Readiness;
  readonly log: Logger;
}

/**
 * Answers `/healthz` and `/readyz` on the health port, where there is one, from now until everything else has stopped.
 * `/healthz` asks no server: it answers while the event loop turns and all `pollers` poll.
 */
export async function openHealth(
  deps: HealthDeps,
  { host, healthPort }: Pick<EnvironmentSettings, 'host' | 'healthPort'>,
  pollers: readonly RunningWorker[],
) {
  const { readiness, shutdown } = deps;
  let hasStarted = false;
  readiness.add('start', 'starting', async () => (hasStarted ? undefined : problemOf('starting')));
  // One that stops in order still works.
  const isAlive = (): boolean => shutdown.signal.aborted || pollers.every((poller) => poller.isRunning());
  if (healthPort !== null) await answerHealth({ host, port: healthPort }, isAlive, deps);
  return {
    /** Everything has started: from now on the part says every few seconds in the database that it is there. */
    begin: (): void => {
      hasStarted = true;
      startBeats(deps);
    },
  };
}

async function answerHealth(
  address: { readonly host: string; readonly port: number },
  isAlive: () => boolean,
  { readiness, shutdown }: HealthDeps,
): Promise<void> {
  const answer = async (path: string | undefined): Promise<readonly [status: number, json: unknown]> => {
    if (path === '/healthz') return isAlive() ? [200, { status: 'ok' }] : [503, { status: 'worker_ended' }];
    if (path !== '/readyz') return [404, {}];
    const report = await readiness.check();
    return [report.ready ? 200 : 503, report];
  };
  const server = createServer((request, response) => {
    void answer(request.url?.split('?', 1)[0]).then(([code, json]) =>
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(json)),
    );
  });
  await listenUntilShutdown(server, { ...address, variable: 'HOLDPOINT_HEALTH_PORT' }, 'health checks', shutdown);
}

function startBeats(deps: HealthDeps): void {
  const { part, readiness, store, files, log, shutdown } = deps;
  let failure: PartProblem | undefined;
  let clock: PartProblem | undefined;
  let said = '';
  let recorded: string | undefined;
  readiness.add('heartbeat', 'database_unavailable', async () => failure);
  readiness.add('clock', 'clock_apart', async () => clock);
  repeatUntilShutdown(deps, 'heartbeat', BEAT_EVERY_MS, async () => {
    const beat = await readiness.beat();
    const codes = [...new Set(beat.problems)];
    if (codes.join() !== said)
      log.warn({ codes }, codes.length === 0 ? 'nothing is wrong any more' : 'something is wrong');
    said = codes.join();
    failure = await explained(databaseProblem, async () => {
      const inForce = filesDigest(files.filesInForce());
      if (files.kept() === null && inForce !== recorded) await store.parts.putFilesInForce(inForce);
      recorded = inForce;
      const [asked, sent] = [Date.now(), performance.now()];
      const theirs = await store.parts.beat({ ...beat, problems: codes });
      const took = performance.now() - sent;
      clock = judgeClock(asked + took / 2 - theirs, took / 2);
    });
  });
  shutdown.add('heartbeats', () => store.parts.leave(part.instance));
}

/** What is wrong if `work` fails; `explain` says which of its failures is what. */
async function explained(
  explain: (error: unknown) => PartProblem,
  work: () => Promise<void>,
): Promise<PartProblem | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return explain(error);
  }
}

function databaseProblem(error: unknown): PartProblem {
  const code = databaseCode(codeOf(error instanceof StorageError ? error.cause : error));
  return code === 'disk_full' ? problemOf(code, 'The disk of the database is full.') : problemOf(code);
}

function directoryProblem(error: unknown): PartProblem {
  return isDiskFull(codeOf(error))
    ? problemOf('disk_full', 'The disk of the data directory is full.')
    : problemOf('data_directory_unwritable');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** `temporal.api.enums.v1.NamespaceState.NAMESPACE_STATE_DELETED`. */
const DELETED = 3;

/** Rejects as the server does where it refuses, or has no such namespace. */
async function describeNamespace({ connection, namespace }: TemporalConnections): Promise<void> {
  const { namespaceInfo } = await connection.withDeadline(Date.now() + TEMPORAL_WITHIN, () =>
    connection.workflowService.describeNamespace({ namespace }),
  );
  if (Number(namespaceInfo?.state) !== DELETED) return;
  throw Object.assign(new Error('deleted'), { code: status.NOT_FOUND, details: '', metadata: {} });
}

/** Without one, no review can be started. Not every server lists them to these credentials; nothing is known then. */
async function findMissing({ connection, namespace }: TemporalConnections): Promise<PartProblem | undefined> {
  const state = await connection
    .withDeadline(Date.now() + TEMPORAL_WITHIN, () => inspectSearchAttributes(connection, namespace))
    .catch(() => undefined);
  const names = [...(state?.missing ?? []), ...(state?.mistyped ?? [])];
  if (names.length === 0) return undefined;
  return problemOf(
    'search_attribute_missing',
    `The namespace ${namespace} lacks search attributes of type Keyword: ${names.join(', ')}. A restart of any part registers them.`,
  );
}

async function writeAndRemove(directory: string): Promise<void> {
  const path = join(directory, `.probe-${process.pid}`);
  try {
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(Buffer.alloc(4_096, 1));
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}

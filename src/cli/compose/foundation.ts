import { randomBytes, type KeyObject } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Readiness } from '../../api/index.ts';
import type { Part, PartName } from '../../contract/part.ts';
import type { Clock, EnvelopeVerifier } from '../../ports/connector.ts';
import type { Store } from '../../ports/store.ts';
import { loadSqlParser } from '../../domain/sql/parser.ts';
import { createVerifier, type Keys } from '../../storage/keys/index.ts';
import { noProxy, type FindProxy } from '../../domain/proxy.ts';
import type { InForceSource } from '../../domain/policy/settings.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';
import { openReadiness } from './health.ts';
import { requireNewest } from './kept-files.ts';
import { repeatUntilShutdown, type Shutdown } from './serve.ts';
import { logCommit } from './logger.ts';
import { createReviewLookups, type TemporalConnections } from './temporal.ts';
import { createTemporalBinding, type TemporalBinding } from './temporal-binding.ts';
import { followFreezes } from './freezes.ts';
import { createMetrics, describeReadiness, type Metrics } from './metrics.ts';
import { followUpstreams } from './upstreams.ts';
import { createSweep, type Recovery, type SweepEvent } from '../../activities/lost-reviews.ts';
import { readVersion } from '../embedded/cache.ts';
import { StartError } from '../start-error.ts';

/** What every part needs, whether it runs alone or with the others. */
export interface Foundation {
  readonly part: Part;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly store: Store;
  readonly files: FileSettingsSource;
  /** What calls are judged by: the files, what was learnt of upstreams, and what operators froze. */
  readonly settings: InForceSource;
  /** Called after a change of what is known of upstreams. Returns how to stop. */
  onUpstreams(listener: () => void): () => void;
  readonly temporal: TemporalConnections;
  /** Whether this is the Temporal that the database belongs to. */
  readonly binding: TemporalBinding;
  /** Base URL of the Temporal Web UI; null: no links. */
  readonly temporalUi: string | null;
  readonly verifier: EnvelopeVerifier;
  /** Signs callbacks to agents and nothing else; undefined in a process that was not given that key. */
  callbackKey(): KeyObject | undefined;
  /** Signs links in mails and nothing else; undefined in a process that was not given that key. */
  mailKey(): KeyObject | undefined;
  /** Where people reach the api where the configuration has no `publicUrl`; null: unknown here. */
  readonly localUrl: string | null;
  readonly proxy: FindProxy;
  readonly readiness: Readiness;
  readonly shutdown: Shutdown;
  /** Ends the process, in order, as failed. */
  fail(error: unknown): void;
}

export interface FoundationInput {
  readonly part: Part;
  readonly log: Logger;
  readonly store: Store;
  readonly source: FileSettingsSource;
  readonly temporal: { readonly connections: TemporalConnections; readonly uiUrl: string | null };
  readonly keys: Keys;
  readonly localUrl?: string;
  readonly proxy: FindProxy;
  readonly shutdown: Shutdown;
  fail(error: unknown): void;
}

export function describePart(name: PartName): Part {
  return { name, instance: `${hostname()}-${randomBytes(4).toString('hex')}`, version: readVersion() };
}

/**
 * Also loads PostgreSQL's parser, which classification and rendering of SQL need from the first call on.
 *
 * @throws StartError `temporal_changed`; InvalidFilesError as {@link requireNewest}
 */
export async function createFoundation(input: FoundationInput): Promise<Foundation> {
  const { source, temporal, keys, ...rest } = input;
  input.store.onWritten((commit) => logCommit(input.log, commit));
  if (input.proxy !== noProxy) input.log.info('https goes through HTTPS_PROXY, except to hosts of NO_PROXY');
  await requireNewest(source, input.store.parts);
  const { isKnown } = createReviewLookups(temporal.connections, null);
  const binding = createTemporalBinding(temporal.connections, input.store.recovery, isKnown);
  await binding.check();
  await loadSqlParser();
  const upstreams = await followUpstreams(source, input.store, input.log);
  input.shutdown.add('reading of upstreams', () => upstreams.stop());
  const freezes = await followFreezes(upstreams.inForce, input.store, input.log);
  input.shutdown.add('reading of freezes', () => freezes.stop());
  const foundation = {
    ...rest,
    metrics: createMetrics({ part: input.part, store: input.store, settings: freezes.inForce }),
    files: source,
    settings: freezes.inForce,
    onUpstreams: upstreams.onChange,
    temporal: temporal.connections,
    binding,
    temporalUi: temporal.uiUrl,
    localUrl: input.localUrl ?? null,
    mailKey: () => (keys.has('mail') ? keys.privateKeys('mail')[0].privateKey : undefined),
    callbackKey: () => (keys.has('callback') ? keys.privateKeys('callback')[0].privateKey : undefined),
    verifier: createVerifier(keys.trust, source, (reference) => source.resolve(reference)),
  };
  const readiness = openReadiness({ ...foundation, keys });
  describeReadiness(foundation.metrics.registry, () => readiness.check());
  return { ...foundation, readiness };
}

export const systemClock: Clock = { now: () => Date.now() };

const SWEEP_EVERY_MS = 15_000;

/**
 * Sweeps again and again while Temporal is the one that the database belongs to. The process ends as soon as it is another
 * one: to that one every review looks lost.
 */
export function startSweep(foundation: Foundation, name: string, recoveries: readonly Recovery[]): void {
  const { log, store, settings, temporal, binding } = foundation;
  const { isRunning } = createReviewLookups(temporal, null);
  const sweep = createSweep(recoveries);
  let haltSaid: string | undefined;
  const report = (event: SweepEvent): void => {
    if (event.kind === 'settled') {
      foundation.metrics.countSwept(event.was);
      log.warn({ reviewId: event.reviewId, was: event.was }, 'settled a review whose workflow Temporal has lost');
    } else if (event.halt.at !== haltSaid) {
      haltSaid = event.halt.at;
      const { at, reviewIds } = event.halt;
      log.error(
        { code: 'sweep_halted', haltedAt: at, reviewIds },
        'too many reviews are lost at once, so the sweep has halted: see `holdpoint reviews sweep`',
      );
    }
  };
  repeatUntilShutdown(foundation, name, SWEEP_EVERY_MS, async () => {
    try {
      if (await binding.check()) await sweep({ store, settings, clock: systemClock, isRunning, report });
    } catch (error) {
      if (error instanceof StartError && error.code === 'temporal_changed') foundation.fail(error);
      throw error;
    }
  });
}

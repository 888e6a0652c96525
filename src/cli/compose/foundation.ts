import type { KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock, EnvelopeVerifier, Signer, Unsealer } from '../../ports/connector.ts';
import type { SealArguments } from '../../api/index.ts';
import type { TrustedKey } from '../../contract/envelope.ts';
import type { Store } from '../../ports/store.ts';
import { loadSqlParser } from '../../domain/sql/parser.ts';
import { createVerifier, type Keys } from '../../storage/keys/index.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';
import type { Shutdown } from './shutdown.ts';
import { createReviewLookups } from './lookups.ts';
import type { TemporalConnections } from './temporal.ts';
import { createTemporalBinding, type TemporalBinding } from './temporal-binding.ts';
import { followUpstreams } from './upstreams.ts';

/** What every part stands on, whether it runs alone or with the others. */
export interface Foundation {
  readonly log: Logger;
  readonly store: Store;
  readonly files: FileSettingsSource;
  /** What calls are judged by: the files, and what was learnt of upstreams. */
  readonly settings: SettingsSource;
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
  readonly shutdown: Shutdown;
  /** Ends the process, in order, as failed. */
  fail(error: unknown): void;
}

export interface FoundationInput {
  readonly log: Logger;
  readonly store: Store;
  readonly source: FileSettingsSource;
  readonly temporal: { readonly connections: TemporalConnections; readonly uiUrl: string | null };
  readonly keys: Keys;
  readonly localUrl?: string;
  readonly shutdown: Shutdown;
  fail(error: unknown): void;
}

/**
 * Also loads PostgreSQL's parser, which classification and rendering of SQL need from the first call on.
 *
 * @throws StartError `temporal_changed`
 */
export async function createFoundation(input: FoundationInput): Promise<Foundation> {
  const { source, temporal, keys, ...rest } = input;
  const { isKnown } = createReviewLookups(temporal.connections, null);
  const binding = createTemporalBinding(temporal.connections, input.store.recovery, isKnown);
  await binding.check();
  await loadSqlParser();
  const upstreams = await followUpstreams(source, input.store, input.log);
  input.shutdown.add('reading of upstreams', () => upstreams.stop());
  return {
    ...rest,
    files: source,
    settings: upstreams.inForce,
    onUpstreams: upstreams.onChange,
    temporal: temporal.connections,
    binding,
    temporalUi: temporal.uiUrl,
    localUrl: input.localUrl ?? null,
    mailKey: () => (keys.has('mail') ? keys.privateKeys('mail')[0].privateKey : undefined),
    callbackKey: () => (keys.has('callback') ? keys.privateKeys('callback')[0].privateKey : undefined),
    verifier: createVerifier(keys.trust, source, (reference) => source.resolve(reference)),
  };
}

/** Keys of the api, by role: a process without a role's key does not have that role. */
export interface ApiKeys {
  readonly proposeSigner?: Signer;
  readonly reviewSigner?: Signer;
  readonly seal: SealArguments;
  readonly trustedKeys: () => readonly TrustedKey[];
  /** That of now: it follows a rotation of the review key. */
  readonly sessionSecret: () => string;
  readonly fingerprintKey: Uint8Array;
  /** Signs the session ids of MCP clients, which are agents: no rotation of a reviewers' key ends their sessions. */
  readonly mcpSecret: string;
}

/** Keys of the execute worker. */
export interface ExecuteKeys {
  readonly signer: Signer;
  readonly unsealer: Unsealer;
}

export const systemClock: Clock = { now: () => Date.now() };

import type { Logger } from 'pino';
import type { Clock, EnvelopeVerifier, Signer, Unsealer } from '../../activities/ports.ts';
import type { SealArguments } from '../../api/index.ts';
import type { TrustedKey } from '../../contract/envelope.ts';
import type { Store } from '../../contract/store.ts';
import type { SettingsSource } from '../../core/settings.ts';
import type { Shutdown } from './shutdown.ts';
import type { TemporalConnections } from './temporal.ts';

/** What every part stands on, whether it runs alone or with the others. */
export interface Foundation {
  readonly log: Logger;
  readonly store: Store;
  readonly settings: SettingsSource;
  readonly temporal: TemporalConnections;
  /** Base URL of the Temporal Web UI; null: no links. */
  readonly temporalUi: string | null;
  readonly verifier: EnvelopeVerifier;
  readonly shutdown: Shutdown;
}

/** Keys of the api, by role: a process without a role's key does not have that role. */
export interface ApiKeys {
  readonly proposeSigner?: Signer;
  readonly reviewSigner?: Signer;
  readonly seal: SealArguments;
  readonly trustedKeys: () => readonly TrustedKey[];
  readonly sessionSecret: string;
  readonly fingerprintKey: Uint8Array;
}

/** Keys of the execute worker. */
export interface ExecuteKeys {
  readonly signer: Signer;
  readonly unsealer: Unsealer;
}

export const systemClock: Clock = { now: () => Date.now() };

import type { Json } from '../../contract/json.ts';
import type { Store } from '../../ports/store.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { Clock, Connector, EnvelopeVerifier, Signer, Unsealer } from '../../ports/connector.ts';

/** What the execute worker's activities stand on: the only place with credentials. */
export interface ExecuteDeps {
  readonly store: Store;
  readonly settings: SettingsSource;
  readonly verifier: EnvelopeVerifier;
  readonly signer: Signer;
  readonly unsealer: Unsealer;
  /** By connector name; undefined: this worker cannot reach it. */
  connector(name: string): Connector | undefined;
  /** Removes secrets, raw or encoded, from every string of a value. */
  scrub(value: Json, secrets: readonly string[]): Json;
  readonly clock: Clock;
  /** A fresh unguessable claim token. */
  newToken(): string;
  /** Throws while the log does not extend the checkpoint that this worker keeps (`log_rolled_back`). */
  assertLogIntact(): Promise<void>;
}

/** How long after the claim the request may still be sent, ms. */
export const SEND_WITHIN_MS = 10_000;

/** What a claim adds to the connector's own time-out before the request can be taken for lost, ms. */
export const SETTLE_MARGIN_MS = 5_000;

/** An idempotency key is used again no longer than this after the claim, unless the tool says otherwise. */
export const IDEMPOTENCY_WINDOW = '1h';

import type { InForceSource } from '../../domain/policy/settings.ts';
import type { Clock, EnvelopeVerifier } from '../../ports/connector.ts';
import type { Store } from '../../ports/store.ts';

/** What the gate worker's activities stand on. It holds public keys only. */
export interface GateDeps {
  readonly store: Store;
  readonly settings: InForceSource;
  readonly verifier: EnvelopeVerifier;
  readonly clock: Clock;
  /** Temporal identity of who started this run, for unsigned proposals. */
  starterIdentity(reviewId: string, runId: string): Promise<string>;
  /** Link to the workflow in the Temporal Web UI; null: unknown. */
  workflowUrl(reviewId: string, runId: string): string | null;
  /** Where people reach the page where the configuration has no `publicUrl`; null: unknown. */
  readonly localUrl: string | null;
}

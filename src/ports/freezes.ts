import type { DsseEnvelope } from '../contract/envelope.ts';
import type { FreezeView, Freezes, StandingFreeze } from '../contract/freeze.ts';
import type { Digest } from '../contract/json.ts';

/** `freeze`: by the login of the reviewers' api. `lift`: by the execute worker, which has verified it. */
export type FreezeWrite =
  | { readonly to: 'freeze'; readonly freezeId: string; readonly envelope: DsseEnvelope }
  | { readonly to: 'lift'; readonly freezeId: string; readonly n: number };

/** A lift that was asked for and not judged yet. */
export interface AskedLift {
  readonly n: number;
  readonly freeze: StandingFreeze;
  /** SHA-256 of the freeze envelope's payload; null: it has none. */
  readonly freezeDigest: Digest | null;
  /** As it came; nothing of it counts until it is verified. */
  readonly envelope: unknown;
}

/** What operators stopped while everything ran. Freezes and lifts themselves are written by the store's `commit`. */
export interface FreezeStore {
  /**
   * All that stand, in one moment. A stored freeze counts whatever became of its author and key; of one that cannot be read
   * it is assumed that it stops everything.
   */
  read(): Promise<Freezes>;
  /** Whether these are the freezes that stand. */
  isCurrent(version: number): Promise<boolean>;
  /** Those that stand and the latest others, the newest first. */
  list(limit: number): Promise<readonly FreezeView[]>;
  /** `digest`: SHA-256 of its envelope's payload; null: it has none. */
  find(freezeId: string): Promise<(FreezeView & { readonly digest: Digest | null }) | undefined>;
  /** Stores a lift for the execute worker to judge. Only the login of the reviewers' api may. */
  askLift(freezeId: string, envelope: DsseEnvelope): Promise<'stored' | 'not_frozen'>;
  /** The oldest first. */
  askedLifts(limit: number): Promise<readonly AskedLift[]>;
  /** By the execute worker: the lift does not count, and never will. */
  refuseLift(n: number, code: string): Promise<void>;
  /** What became of a lift. Null: not judged yet. Undefined: there is none. */
  readLift(envelope: DsseEnvelope): Promise<string | null | undefined>;
}

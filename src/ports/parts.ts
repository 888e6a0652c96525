import type { Part } from '../contract/part.ts';
import type { Heartbeat, PartCode } from '../domain/readiness.ts';

/** What a process says of itself every few seconds. */
export interface OwnBeat {
  readonly part: Part;
  readonly configDigest: string;
  readonly policyDigest: string;
  readonly problems: readonly PartCode[];
}

export interface PartStore {
  /** Opens a connection as a new process would. Throws `database_unavailable`, `write_refused`. */
  login(): Promise<void>;
  /** Resolves with the database's time, epoch ms. */
  beat(beat: OwnBeat): Promise<number>;
  /** This process ends, in order. */
  leave(instance: string): Promise<void>;
  /** Every process that was there within the last minutes; how long ago is in `ageMs`. */
  list(): Promise<readonly Heartbeat[]>;
  /** Rejects where the database's disk has no room. */
  probeDisk(): Promise<void>;
  /** Digest of the files that a part of this deployment last read and put in force. */
  filesInForce(): Promise<string | undefined>;
  putFilesInForce(digest: string): Promise<void>;
}

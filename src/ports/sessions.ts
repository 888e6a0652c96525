import type { SessionMethod } from '../contract/api.ts';
import type { Timestamp } from '../contract/json.ts';

/** A session of the dashboard as storage keeps it: the cookie holds the id, storage its SHA-256 alone. */
export interface StoredSession {
  readonly reviewerId: string;
  readonly method: SessionMethod;
  /** Fingerprint of what the person signed in with; a session ends when the configuration no longer gives the same. */
  readonly credential: string;
  /** Groups that the identity provider told of; null: it was not asked. They only ever take away. */
  readonly claimedGroups: readonly string[] | null;
  readonly startedAt: Timestamp;
  readonly seenAt: Timestamp;
  readonly endsAt: Timestamp;
}

/**
 * Sessions and what may be used once, shared by every api process. A cookie cannot be called back; a row can, so that
 * signing out holds everywhere and at once.
 */
export interface SessionStore {
  /** Also forgets sessions that have ended by `startedAt`. */
  begin(idHash: string, session: StoredSession): Promise<void>;
  read(idHash: string): Promise<StoredSession | undefined>;
  /** Notes that the session was used. */
  touch(idHash: string, at: Timestamp): Promise<void>;
  end(idHash: string): Promise<void>;
  /** Ends every session of a reviewer; says how many there were. */
  endAll(reviewerId: string): Promise<number>;
  /** True for the first caller with this key, over all processes. Kept until `until`; it must not be asked for later. */
  useOnce(key: string, until: Timestamp, now: Timestamp): Promise<boolean>;
}

import type { SessionStore, StoredSession } from '../ports/sessions.ts';
import type { Dated, Query } from './database/database.ts';

/** {@link SessionStore} over the `sessions` and `used_once` tables. */
export function createSessionStore(query: Query): SessionStore {
  return {
    async begin(idHash, { reviewerId, method, credential, claimedGroups, startedAt, seenAt, endsAt }) {
      await query('DELETE FROM holdpoint.sessions WHERE ends_at <= $1::timestamptz', [startedAt]);
      const groups = claimedGroups === null ? null : JSON.stringify(claimedGroups);
      await query(
        `INSERT INTO holdpoint.sessions (id_hash, reviewer, method, credential, claimed_groups, started_at, seen_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz, $8::timestamptz)`,
        [idHash, reviewerId, method, credential, groups, startedAt, seenAt, endsAt],
      );
    },
    async read(idHash) {
      const [row] = await query<Dated<StoredSession, 'startedAt' | 'seenAt' | 'endsAt'>>(
        `SELECT reviewer AS "reviewerId", method, credential, claimed_groups::json AS "claimedGroups",
                started_at AS "startedAt", seen_at AS "seenAt", ends_at AS "endsAt"
           FROM holdpoint.sessions WHERE id_hash = $1`,
        [idHash],
      );
      if (row === undefined) return undefined;
      const { startedAt, seenAt, endsAt, ...session } = row;
      const times = { startedAt: startedAt.toISOString(), seenAt: seenAt.toISOString(), endsAt: endsAt.toISOString() };
      return { ...session, ...times };
    },
    async touch(idHash, at) {
      await query('UPDATE holdpoint.sessions SET seen_at = greatest(seen_at, $2::timestamptz) WHERE id_hash = $1', [
        idHash,
        at,
      ]);
    },
    async end(idHash) {
      await query('DELETE FROM holdpoint.sessions WHERE id_hash = $1', [idHash]);
    },
    async endAll(reviewerId) {
      const ended = await query('DELETE FROM holdpoint.sessions WHERE reviewer = $1 RETURNING id_hash', [reviewerId]);
      return ended.length;
    },
    async useOnce(key, until, now) {
      await query('DELETE FROM holdpoint.used_once WHERE until <= $1::timestamptz', [now]);
      const inserted = await query(
        `INSERT INTO holdpoint.used_once (key, until) VALUES ($1, $2::timestamptz)
         ON CONFLICT (key) DO NOTHING RETURNING key`,
        [key, until],
      );
      return inserted.length > 0;
    },
  };
}

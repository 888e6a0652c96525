import type { PartStore } from '../ports/parts.ts';
import { partCodesOf, type Heartbeat } from '../domain/readiness.ts';
import type { Database, Dated } from './database/database.ts';

type Row = Dated<Omit<Heartbeat, 'part' | 'problems'>, 'since' | 'seenAt'> &
  Heartbeat['part'] & { readonly problems: readonly string[] };

export function createPartStore({ query, login, pollMs }: Database): PartStore {
  return {
    login,
    beat: async ({ part: { name, instance, version }, configDigest, policyDigest, problems }) => {
      const [row] = await query<{ now: number }>('SELECT holdpoint.beat($1, $2, $3, $4, $5, $6) AS now', [
        instance,
        name,
        version,
        configDigest,
        policyDigest,
        problems,
      ]);
      return row?.now ?? Number.NaN;
    },
    leave: async (instance) => {
      await query('SELECT holdpoint.leave($1)', [instance]);
    },
    list: async () => {
      // Ages by the database's clock alone: that of a part may be wrong.
      const rows = await query<Row>(
        `SELECT instance, part AS name, version, config_digest AS "configDigest", policy_digest AS "policyDigest",
                problems, since, seen_at AS "seenAt", extract(epoch FROM now() - seen_at)::float8 * 1000 AS "ageMs",
                extract(epoch FROM now() - files_since)::float8 * 1000 AS "filesAgeMs"
           FROM holdpoint.parts ORDER BY part, instance LIMIT 1000`,
      );
      return rows.map(({ name, instance, version, problems, since, seenAt, ...row }) => ({
        ...row,
        part: { name, instance, version },
        problems: partCodesOf(problems),
        since: since.toISOString(),
        seenAt: seenAt.toISOString(),
      }));
    },
    probeDisk: async () => {
      // The embedded database is on the disk of the data directory, which is looked at anyway, and vacuums no catalog.
      if (pollMs !== null) await query('SELECT holdpoint.probe_disk()');
    },
    filesInForce: async () => {
      const [row] = await query<{ digest: string }>('SELECT digest FROM holdpoint.files_in_force');
      return row?.digest;
    },
    putFilesInForce: async (digest) => {
      await query('SELECT holdpoint.put_files_in_force($1)', [digest]);
    },
  };
}

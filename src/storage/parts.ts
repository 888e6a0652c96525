import type { PartStore } from '../ports/store.ts';
import type { PartName } from '../contract/part.ts';
import { partCodesOf } from '../domain/readiness.ts';
import type { Database } from './database/database.ts';

interface Row {
  readonly instance: string;
  readonly part: PartName;
  readonly version: string;
  readonly config_digest: string;
  readonly policy_digest: string;
  readonly problems: readonly string[];
  readonly since: Date;
  readonly seen_at: Date;
  readonly files_age: number;
  readonly age: number;
}

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
        `SELECT instance, part, version, config_digest, policy_digest, problems, since, seen_at,
                extract(epoch FROM now() - seen_at)::float8 * 1000 AS age,
                extract(epoch FROM now() - files_since)::float8 * 1000 AS files_age
           FROM holdpoint.parts ORDER BY part, instance LIMIT 1000`,
      );
      return rows.map((row) => ({
        part: { name: row.part, instance: row.instance, version: row.version },
        configDigest: row.config_digest,
        policyDigest: row.policy_digest,
        problems: partCodesOf(row.problems),
        since: row.since.toISOString(),
        seenAt: row.seen_at.toISOString(),
        ageMs: row.age,
        filesAgeMs: row.files_age,
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

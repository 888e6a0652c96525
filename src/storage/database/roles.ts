import type { Database } from './database.ts';

/**
 * Rights on PostgreSQL, so that a process that is taken over can do no more than its part:
 *
 * - api: reads, binds idempotency keys and calls to reviews, writes sessions, and asks for statements of completeness;
 * - review: the api where reviewers decide; as api, and it alone may store an objection;
 * - gate: opens, tightens, denies, reconciles, and writes the reviews table and what is told of it;
 * - execute: claims and finishes, says no to what it will not run, and writes evidence, checkpoints and statements.
 *
 * None of them may write the ledger, the log or the reviews table but through `holdpoint.commit_group`, which looks at
 * the login and at what it was granted here. A login that is a member of gate and execute may do both (one process).
 */
export interface RoleNames {
  readonly api: string;
  readonly review: string;
  readonly gate: string;
  readonly execute: string;
}

const DEFAULT_ROLES: RoleNames = {
  api: 'holdpoint_api',
  review: 'holdpoint_review',
  gate: 'holdpoint_gate',
  execute: 'holdpoint_execute',
};

/**
 * SQL that makes the roles where they are missing (without login, without password) and grants them their part. Run it
 * as the owner of the schema, after the migrations; running it again changes nothing. A login becomes one of them by
 * `GRANT holdpoint_gate TO the_login`.
 *
 * @throws TypeError where a name is not a plain identifier
 */
export function grantRolesSql(names: RoleNames = DEFAULT_ROLES): string {
  const [review, gate, execute] = [names.review, names.gate, names.execute].map(quoteName);
  const api = `${quoteName(names.api)}, ${review}`;
  const create = Object.values(names).map(
    (name) => `
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '${name}') THEN
    CREATE ROLE ${quoteName(name)} NOLOGIN;
  END IF;
END $do$;`,
  );
  return `${create.join('')}
GRANT USAGE ON SCHEMA holdpoint TO ${api}, ${gate}, ${execute};
GRANT SELECT ON ALL TABLES IN SCHEMA holdpoint TO ${api}, ${gate}, ${execute};
GRANT EXECUTE ON FUNCTION holdpoint.bind_call(text, text, text, text, text, text, text[], timestamptz) TO ${api};
GRANT INSERT ON holdpoint.proposed_calls TO ${api};
GRANT INSERT, UPDATE (key), DELETE ON holdpoint.mcp_requests TO ${api};
GRANT INSERT, UPDATE (seen_at), DELETE ON holdpoint.sessions TO ${api};
GRANT INSERT, DELETE ON holdpoint.used_once TO ${api};
GRANT INSERT ON holdpoint.statement_requests TO ${api};
GRANT EXECUTE ON FUNCTION holdpoint.object(text, text) TO ${review};
GRANT UPDATE (settled_at) ON holdpoint.objections TO ${gate};
GRANT UPDATE (unreadable) ON holdpoint.objections TO ${execute};
GRANT UPDATE ON holdpoint.delivery_cursor TO ${gate};
GRANT INSERT, UPDATE, DELETE ON holdpoint.destinations, holdpoint.deliveries, holdpoint.channel_memory TO ${gate};
GRANT INSERT, UPDATE (envelope) ON holdpoint.evidence TO ${execute};
GRANT INSERT, UPDATE (note) ON holdpoint.checkpoints TO ${execute};
GRANT DELETE ON holdpoint.statement_requests TO ${execute};
GRANT INSERT, UPDATE (envelope) ON holdpoint.statements TO ${execute};
GRANT INSERT, UPDATE (digest, parts, previous, definition) ON holdpoint.upstream_tools TO ${execute};
GRANT EXECUTE ON FUNCTION holdpoint.commit_group(text), holdpoint.lock_head() TO ${gate}, ${execute};
GRANT EXECUTE ON FUNCTION holdpoint.may_gate(), holdpoint.erase_reviews(jsonb) TO ${gate};
GRANT EXECUTE ON FUNCTION holdpoint.admit_sensitive(text, text, integer) TO ${gate};
GRANT EXECUTE ON FUNCTION holdpoint.take_lost(text, jsonb) TO ${gate}, ${execute};
GRANT EXECUTE ON FUNCTION holdpoint.count_lost() TO ${api}, ${gate}, ${execute};
GRANT INSERT, UPDATE ON holdpoint.temporal_binding, holdpoint.lost_reviews TO ${gate};
GRANT DELETE ON holdpoint.sweep_halt TO ${gate};
GRANT EXECUTE ON FUNCTION holdpoint.may_execute() TO ${execute};
`;
}

/** Runs {@link grantRolesSql}. @throws StorageError `write_refused` where the login may not make roles */
export async function grantRoles(database: Database, names: RoleNames = DEFAULT_ROLES): Promise<void> {
  await database.exclusively((_query, script) => script(grantRolesSql(names)));
}

function quoteName(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new TypeError('not a plain role name');
  return `"${name}"`;
}

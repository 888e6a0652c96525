import type { Database, Query } from './database.ts';

/**
 * Rights on PostgreSQL, so that a process that is taken over can do no more than its part:
 *
 * - api: reads, binds idempotency keys and calls to reviews, writes sessions, and asks for statements of completeness;
 * - review: the api where reviewers decide; as api, and it alone may store an objection, freeze, and ask for a lift;
 * - gate: opens, tightens, denies, reconciles, and writes the reviews table and what is told of it;
 * - execute: claims and finishes, says no to what it will not run, lifts freezes, and writes evidence, checkpoints and statements.
 *
 * None of them may write the ledger, the log or the reviews table but through `holdpoint.commit_group`, which looks at
 * the login and at what it was granted here. A login that is a member of gate and execute may do both (one process).
 */
export type RoleNames = Readonly<Record<Role, string>>;
export type Role = 'api' | 'review' | 'gate' | 'execute';

export const ROLE_NAMES: RoleNames = {
  api: 'holdpoint_api',
  review: 'holdpoint_review',
  gate: 'holdpoint_gate',
  execute: 'holdpoint_execute',
};
const ROLES = Object.keys(ROLE_NAMES) as readonly Role[];

/** `right`: as after GRANT, at most one column. `on`: a table or function of the schema; functions are not overloaded. */
interface Grant {
  readonly right: string;
  readonly on: string;
  readonly to: readonly Role[];
}
const call = (on: string, ...to: readonly Role[]): Grant => ({ right: 'EXECUTE', on, to });
const write = (on: string, rights: readonly string[], ...to: readonly Role[]): readonly Grant[] =>
  rights.map((right) => ({ right, on, to }));

/** What each may do besides reading every table. The one list for granting and for checking. */
const GRANTS: readonly Grant[] = [
  call('bind_call', 'api', 'review'),
  ...write('proposed_calls', ['INSERT'], 'api', 'review'),
  ...write('mcp_requests', ['INSERT', 'UPDATE (key)', 'DELETE'], 'api', 'review'),
  ...write('sessions', ['INSERT', 'UPDATE (seen_at)', 'DELETE'], 'api', 'review'),
  ...write('used_once', ['INSERT', 'DELETE'], 'api', 'review'),
  ...write('statement_requests', ['INSERT'], 'api', 'review'),
  call('object', 'review'),
  ...write('objections', ['UPDATE (settled_at)'], 'gate'),
  ...write('objections', ['UPDATE (unreadable)'], 'execute'),
  ...write('delivery_cursor', ['UPDATE'], 'gate'),
  ...write('destinations', ['INSERT', 'UPDATE', 'DELETE'], 'gate'),
  ...write('deliveries', ['INSERT', 'UPDATE', 'DELETE'], 'gate'),
  ...write('channel_memory', ['INSERT', 'UPDATE', 'DELETE'], 'gate'),
  ...write('evidence', ['INSERT', 'UPDATE (envelope)'], 'execute'),
  ...write('checkpoints', ['INSERT', 'UPDATE (note)'], 'execute'),
  ...write('statement_requests', ['DELETE'], 'execute'),
  ...write('statements', ['INSERT', 'UPDATE (envelope)'], 'execute'),
  ...write(
    'upstream_tools',
    ['INSERT', 'UPDATE (digest)', 'UPDATE (parts)', 'UPDATE (previous)', 'UPDATE (definition)'],
    'execute',
  ),
  call('ask_lift', 'review'),
  ...write('lifts', ['UPDATE (verdict)'], 'execute'),
  call('commit_group', 'review', 'gate', 'execute'),
  call('lock_head', 'review', 'gate', 'execute'),
  call('may_freeze', 'review'),
  call('may_gate', 'gate'),
  call('erase_reviews', 'gate'),
  call('admit_sensitive', 'gate'),
  call('take_lost', 'gate', 'execute'),
  call('count_lost', ...ROLES),
  ...write('temporal_binding', ['INSERT', 'UPDATE'], 'gate'),
  ...write('lost_reviews', ['INSERT', 'UPDATE'], 'gate'),
  ...write('sweep_halt', ['DELETE'], 'gate'),
  call('may_execute', 'execute'),
  call('beat', ...ROLES),
  call('leave', ...ROLES),
  call('probe_disk', ...ROLES),
  call('put_files_in_force', ...ROLES),
];

/**
 * SQL that makes the roles where they are missing (without login, without password) and gives each exactly its part: what it,
 * or everybody, was granted besides is revoked. Run it as the owner of the schema, after the migrations and as one
 * transaction; running it again changes nothing. A login becomes one of them by `GRANT holdpoint_gate TO the_login`.
 *
 * @throws TypeError where a name is not a plain identifier
 */
export function grantRolesSql(names: RoleNames = ROLE_NAMES): string {
  const listOf = (roles: readonly Role[]): string => roles.map((role) => quoteName(names[role])).join(', ');
  const everyone = listOf(ROLES);
  const grants = GRANTS.map(
    ({ right, on, to }) =>
      `GRANT ${right} ON ${right === 'EXECUTE' ? 'FUNCTION' : 'TABLE'} holdpoint.${on} TO ${listOf(to)};\n`,
  );
  return `${Object.values(names).map(createRoleSql).join('')}
REVOKE ALL ON SCHEMA holdpoint FROM PUBLIC, ${everyone};
REVOKE ALL ON ALL TABLES IN SCHEMA holdpoint FROM PUBLIC, ${everyone};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA holdpoint FROM PUBLIC, ${everyone};
GRANT USAGE ON SCHEMA holdpoint TO ${everyone};
GRANT SELECT ON ALL TABLES IN SCHEMA holdpoint TO ${everyone};
${grants.join('')}`;
}

export function createRoleSql(name: string): string {
  return `
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '${name}') THEN
    CREATE ROLE ${quoteName(name)} NOLOGIN;
  END IF;
END $do$;`;
}

/** Runs {@link grantRolesSql}. @throws StorageError `write_refused` where the login may not make roles */
export async function grantRoles(database: Database, names: RoleNames = ROLE_NAMES): Promise<void> {
  await database.exclusively((_query, script) => script(grantRolesSql(names)));
}

export function quoteName(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new TypeError('not a plain role name');
  return `"${name}"`;
}

/** What a login may do, beside what processes with these roles must be able to do and nothing else. */
export interface RightsOfLogin {
  readonly login: string;
  /** `UPDATE (settled_at) objections` */
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
  /** Memberships, direct or not, in roles of Holdpoint or in PostgreSQL's own. */
  readonly memberOf: readonly string[];
  /** Attributes with which a login is bound by no grant, or gives itself any: `SUPERUSER`, `CREATEROLE` and the like. */
  readonly attributes: readonly string[];
}

/** Compares the rights of this connection's login, however it came by them, with the list. */
export async function readRights(
  query: Query,
  roles: readonly Role[],
  names: RoleNames = ROLE_NAMES,
): Promise<RightsOfLogin> {
  const rows = await query<{ kind: 'table' | 'held'; name: string }>(HELD_RIGHTS);
  const [login] = await query<{ name: string; member_of: string[]; attributes: string[] }>(LOGIN, [
    Object.values(names),
  ]);
  const of = (kind: 'table' | 'held'): readonly string[] =>
    rows.flatMap((row) => (row.kind === kind ? [row.name] : []));
  const held = new Set(of('held'));
  const wanted = new Set([
    'USAGE schema',
    ...of('table').map((table) => `SELECT ${table}`),
    ...GRANTS.flatMap(({ right, on, to }) => (to.some((role) => roles.includes(role)) ? [`${right} ${on}`] : [])),
  ]);
  return {
    login: login?.name ?? '',
    memberOf: login?.member_of ?? [],
    attributes: login?.attributes ?? [],
    missing: [...wanted].filter((right) => !held.has(right)),
    surplus: [...held].filter((right) => !wanted.has(right)),
  };
}

const HELD_RIGHTS = `
WITH tables AS (SELECT oid, relname FROM pg_class WHERE relnamespace = 'holdpoint'::regnamespace AND relkind IN ('r', 'p', 'v'))
SELECT 'table' AS kind, relname::text AS name FROM tables
UNION ALL
SELECT 'held', format('%s %s', p, relname) FROM tables
  CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
  WHERE has_table_privilege(oid, p)
UNION ALL
SELECT 'held', format('%s (%s) %s', p, attname, relname)
  FROM tables JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
  CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p
  WHERE has_column_privilege(oid, attnum, p) AND NOT has_table_privilege(oid, p)
UNION ALL
SELECT 'held', 'EXECUTE ' || proname FROM pg_proc
  WHERE pronamespace = 'holdpoint'::regnamespace AND has_function_privilege(oid, 'EXECUTE')
UNION ALL
SELECT 'held', p || ' schema' FROM unnest(ARRAY['USAGE', 'CREATE']) AS p WHERE has_schema_privilege('holdpoint', p)`;

const LOGIN = `
SELECT r.rolname::text AS name,
       ARRAY(SELECT g.rolname::text FROM pg_roles g
              WHERE g.oid <> r.oid AND NOT r.rolsuper AND pg_has_role(g.oid, 'MEMBER')
                AND (g.rolname = ANY ($1::text[]) OR g.rolname LIKE 'pg\\_%') ORDER BY 1) AS member_of,
       array_remove(ARRAY[CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
                          CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END],
                    NULL) AS attributes
  FROM pg_roles r WHERE r.rolname = current_user`;

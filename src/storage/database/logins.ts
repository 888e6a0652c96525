import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { createRoleSql, quoteName, ROLE_NAMES, type Role } from './roles.ts';

/** A password for each role, and for the owner of the schema. */
export type Logins = Readonly<Record<Role | 'owner', string>>;

const LOGIN_NAMES: Logins = { owner: 'holdpoint_owner', ...ROLE_NAMES };
export const LOGIN_ROLES = Object.keys(LOGIN_NAMES) as readonly (keyof Logins)[];

/**
 * SQL that makes the roles logins with these passwords, and lets them alone into the current database. Run it with a login that
 * may create roles, best a superuser.
 *
 * @throws TypeError where one is not a password by {@link isPassword}
 */
export function createLoginsSql(passwords: Logins): string {
  const owner = quoteName(LOGIN_NAMES.owner);
  const create = LOGIN_ROLES.map(
    (role) =>
      `${createRoleSql(LOGIN_NAMES[role])}
ALTER ROLE ${quoteName(LOGIN_NAMES[role])} LOGIN PASSWORD '${scramVerifier(passwords[role])}';`,
  );
  const everyone = LOGIN_ROLES.map((role) => quoteName(LOGIN_NAMES[role])).join(', ');
  return `${create.join('')}
DO $do$ BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO ${everyone}', current_database());
  EXECUTE format('GRANT CREATE ON DATABASE %I TO ${owner}', current_database());
  IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    GRANT ${owner} TO CURRENT_USER;
  END IF;
END $do$;`;
}

/** Continues as the owner of the schema, for the session: functions that run with their owner's rights need few. */
export const BECOME_OWNER = `SELECT set_config('role', coalesce(
  (SELECT pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 'holdpoint'), '${LOGIN_NAMES.owner}'), false)`;

const ITERATIONS = 4_096;

/**
 * What PostgreSQL keeps of a password (RFC 5803), so that no log of statements shows it.
 */
function scramVerifier(password: string): string {
  if (!isPassword(password)) throw new TypeError('not a password that can be set');
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const keyOf = (label: string): Buffer => createHmac('sha256', salted).update(label).digest();
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${keyOf('Server Key').toString('base64')}`;
}

/** Printable ASCII: other text would have to be normalized before it is hashed (RFC 4013). */
export function isPassword(text: string): boolean {
  return /^[ -~]+$/.test(text);
}

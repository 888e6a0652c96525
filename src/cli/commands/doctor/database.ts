import pg from 'pg';
import { explainConnectFailure } from '../../../domain/connect-error.ts';
import type { Query } from '../../../storage/database/database.ts';
import { findPooling } from '../../../storage/database/pooler.ts';
import { readRights, ROLE_NAMES, type Role } from '../../../storage/database/roles.ts';
import { MIGRATIONS } from '../../../storage/migrations/index.ts';
import { openDatabase } from '../../../storage/store.ts';
import { fail, judgeClock, ok, type Finding } from './checks.ts';

/**
 * PostgreSQL: reachable with this login, poolers, schema up to date, clock, and, with `roles`, whether the login may do what
 * they may and nothing else. Changes nothing.
 */
export async function checkDatabase(
  databaseUrl: string,
  now: () => number,
  roles?: readonly Role[],
): Promise<Finding[]> {
  let database: Awaited<ReturnType<typeof openDatabase>> | undefined;
  try {
    const pooling = await findPooling(databaseUrl);
    if (pooling === 'transaction') return [fail('database pooler', 'is in transaction mode', POOLER_FIX)];
    database = await openDatabase({ databaseUrl, maxConnections: 1 });
    const asked = now();
    const [row] = await database.query<{ now: string }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now`,
    );
    const clock = judgeClock('database clock', Number(row?.now), asked, now() - asked);
    const schema = await checkSchema(database.query);
    const rights = roles === undefined || schema.status === 'fail' ? [] : [await checkRights(database.query, roles)];
    return [...(pooling === 'session' ? [ok('database pooler', 'is in session mode')] : []), schema, ...rights, clock];
  } catch (error) {
    return [await explainRefusal(error, databaseUrl)];
  } finally {
    await database?.close();
  }
}

const POOLER_FIX =
  'Point DATABASE_URL at PostgreSQL itself, or at a pool in session mode: notifications, the lock of migrations and ' +
  'settings belong to a session. (The databases of connectors may be behind a pooler in transaction mode.)';

async function checkSchema(query: Query): Promise<Finding> {
  const [found] = await query<{ there: boolean }>(
    `SELECT to_regclass('holdpoint.migrations') IS NOT NULL AND has_table_privilege('holdpoint.migrations', 'SELECT') AS there`,
  );
  const rows = found?.there === true ? await query<{ name: string }>('SELECT name FROM holdpoint.migrations') : [];
  const applied = new Set(rows.map(({ name }) => name));
  const pending = MIGRATIONS.filter(({ name }) => !applied.has(name)).map(({ name }) => name);
  if (pending.length === 0) return ok('database', 'reachable, schema up to date');
  return fail(
    'database',
    rows.length === 0 ? 'has no schema that this login can read' : `schema is missing ${pending.join(', ')}`,
    'Run `holdpoint migrate` as the owner of the schema.',
  );
}

async function checkRights(query: Query, roles: readonly Role[]): Promise<Finding> {
  const check = 'database rights';
  const { login, missing, surplus, memberOf, attributes } = await readRights(query, roles);
  const wanted = roles.map((role) => ROLE_NAMES[role]);
  const foreign = memberOf.filter((name) => !wanted.includes(name));
  const list = (rights: readonly string[]): string =>
    `${rights.slice(0, 5).join(', ')}${rights.length > 5 ? ` and ${rights.length - 5} more` : ''}`;
  const use = `Log in as ${wanted.join(' or ')} (DATABASE_URL); \`holdpoint migrate --create-roles DIRECTORY\`, as an administrator of PostgreSQL, makes these logins.`;
  if (attributes.length > 0) return fail(check, `${login} is ${attributes.join(', ')}, which no grant limits`, use);
  const migrate = 'Run `holdpoint migrate` as the owner of the schema.';
  const isOfHoldpoint = Object.values(ROLE_NAMES).includes(login);
  if (missing.length > 0) {
    const lacking = wanted.filter((name) => name !== login && !memberOf.includes(name));
    const grant = isOfHoldpoint ? use : `GRANT ${lacking.join(', ')} TO ${login};`;
    return fail(check, `${login} may not: ${list(missing)}`, lacking.length === 0 ? migrate : grant);
  }
  if (surplus.length === 0 && foreign.length === 0)
    return ok(check, `${login} may do what this part does, and nothing else`);
  const message = `${login} may do what this part must not: ${list(surplus.length > 0 ? surplus : foreign)}`;
  if (surplus.includes('CREATE schema')) return fail(check, message, use);
  if (foreign.length > 0) return fail(check, message, `REVOKE ${foreign.join(', ')} FROM ${login};`);
  return fail(
    check,
    message,
    isOfHoldpoint ? migrate : `REVOKE ALL ON ALL TABLES IN SCHEMA holdpoint FROM ${login}; then \`holdpoint migrate\`.`,
  );
}

const NETWORK_FIX = 'Start PostgreSQL, or correct the host and the port in DATABASE_URL.';

/** Why this login cannot be used here, by SQLSTATE (PostgreSQL appendix A). */
async function explainRefusal(error: unknown, databaseUrl: string): Promise<Finding> {
  const { hostname, port, username, pathname } = new URL(databaseUrl);
  const [server, login, name] = [`${hostname}:${port || '5432'}`, decodeURIComponent(username), pathname.slice(1)];
  const refuse = (message: string, fix: string): Finding => fail('database', message, fix);
  const { code, message } = reasonOf(error);
  switch (code) {
    case '28P01':
      return refuse(
        `PostgreSQL at ${server} refuses the password of ${login}`,
        'Correct the password (DATABASE_PASSWORD_FILE, or in DATABASE_URL), or set the one in your files: `holdpoint migrate --create-roles DIRECTORY`, as an administrator of PostgreSQL.',
      );
    case '28000':
      if (message.includes('is not permitted to log in'))
        return refuse(`${login} is a role without login`, `ALTER ROLE ${login} LOGIN;`);
      if (await demandsTls(databaseUrl))
        return refuse(
          `PostgreSQL at ${server} takes ${login} only with TLS`,
          'Append ?sslmode=verify-full to DATABASE_URL, and &sslrootcert=FILE where its authority is your own.',
        );
      return refuse(
        `PostgreSQL at ${server} does not let ${login} in: ${message}`,
        'Correct the user in DATABASE_URL, or allow it in pg_hba.conf; `holdpoint migrate --create-roles DIRECTORY` makes the logins.',
      );
    case '3D000':
      return refuse(
        `PostgreSQL at ${server} has no database ${name}`,
        `Correct DATABASE_URL, or create it (CREATE DATABASE ${name};) and run \`holdpoint migrate\`.`,
      );
    case '42501':
      return refuse(
        `${login} may not connect to the database ${name}`,
        `GRANT CONNECT ON DATABASE ${name} TO ${login};`,
      );
    case '53300':
      return refuse(
        `PostgreSQL at ${server} has no connection left`,
        'Raise max_connections, or close what holds them: SELECT usename, count(*) FROM pg_stat_activity GROUP BY 1;',
      );
    case '57P03':
      return refuse(`PostgreSQL at ${server} is starting or stopping`, 'Wait for it, and read its log.');
    default:
      break;
  }
  if (message.includes('client password must be a string'))
    return refuse(`PostgreSQL at ${server} asks for the password of ${login}`, 'Set DATABASE_PASSWORD_FILE.');
  if (message === 'The server does not support SSL connections')
    return refuse(
      `PostgreSQL at ${server} does not speak TLS`,
      'Turn it on there (ssl = on), or remove sslmode from DATABASE_URL.',
    );
  // The server's own words, where it answered.
  if (/^[0-9A-Z]{5}$/.test(code))
    return refuse(`PostgreSQL at ${server} refuses ${login}: ${message} (${code})`, 'Correct DATABASE_URL.');
  return refuse(`${server} cannot be reached: ${explainConnectFailure(error).words}`, NETWORK_FIX);
}

/** Of the driver, or of what wraps it. */
function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  const { code, message, cause } = error as { readonly code?: unknown; readonly message: string; cause?: unknown };
  if (cause instanceof Error) return reasonOf(cause);
  return { code: typeof code === 'string' ? code : '', message };
}

/** Whether the server answers otherwise over TLS. Its certificate does not matter here: no password is sent. */
async function demandsTls(databaseUrl: string): Promise<boolean> {
  const url = new URL(databaseUrl);
  if (url.searchParams.has('sslmode')) return false;
  url.password = '';
  const client = new pg.Client({
    connectionString: url.href,
    ssl: { rejectUnauthorized: false },
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    // Any answer but a refusal, such as asking for a password.
    return error instanceof Error && 'code' in error ? error.code !== '28000' : /password/i.test(String(error));
  } finally {
    await client.end().catch(() => undefined);
  }
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMigrate, type MigrateOptions } from '../../src/cli/compose/migrate.ts';
import { openDatabase } from '../../src/storage/store.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';

let server: Postgres;
let directory: string;
beforeAll(async () => {
  server = await startPostgres();
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-migrate-'));
}, 60_000);
afterAll(() => {
  server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function migrate(databaseUrl: string | undefined, options: MigrateOptions = {}): Promise<string> {
  const said: string[] = [];
  const env = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
  await runMigrate({ env, print: (line = '') => void said.push(line) }, options);
  return said.join('\n');
}

/** Tables, functions, owners and rights, as SQL. */
function dump(database: string): string {
  const { status, stdout, stderr } = spawnSync('pg_dump', ['--schema-only', server.url(database)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');
}

const roleSql = `SELECT rolname, rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname LIKE 'holdpoint_%' ORDER BY 1`;

describe('migrate', () => {
  it('makes roles and logins, with passwords from files or generated into them, and says none', async () => {
    const database = await server.createDatabase();
    const passwords = join(directory, 'passwords');
    rmSync(passwords, { recursive: true, force: true });
    const said = [await migrate(server.url(database), { createRoles: passwords })];
    writeFileSync(join(passwords, 'gate_db_password'), `a 'new' one\n`);
    said.push(await migrate(server.url(database), { createRoles: passwords }));
    expect(readdirSync(passwords).toSorted()).toEqual(
      ['api', 'execute', 'gate', 'owner', 'review'].map((role) => `${role}_db_password`),
    );
    expect(statSync(join(passwords, 'api_db_password')).mode & 0o077).toBe(0);
    for (const file of readdirSync(passwords)) {
      expect(said.join('\n')).not.toContain(readFileSync(join(passwords, file), 'utf8').trim());
    }
    const admin = await openDatabase({ databaseUrl: server.url(database) });
    expect(await admin.query(roleSql)).toEqual(
      ['api', 'execute', 'gate', 'owner', 'review'].map((role) => ({
        rolname: `holdpoint_${role}`,
        rolcanlogin: true,
        rolsuper: false,
        rolcreaterole: false,
      })),
    );
    await admin.close();
    // The owner needs no administrator for the next version.
    await migrate(server.url(database, 'holdpoint_owner'));
    await expect(migrate(server.url(database, 'holdpoint_gate'))).rejects.toMatchObject({
      message: expect.stringContaining('--create-roles') as string,
    });
  });

  it('prints SQL without passwords that psql runs, on an empty database or again, with the same result', async () => {
    const [direct, byHand] = [await server.createDatabase(), await server.createDatabase()];
    const passwords = join(directory, 'printed');
    await migrate(server.url(direct), { createRoles: passwords });
    const sql = await migrate(undefined, { createRoles: passwords, printSql: true });
    for (const file of readdirSync(passwords)) {
      expect(sql).not.toContain(readFileSync(join(passwords, file), 'utf8').trim());
    }
    for (const _run of [1, 2]) {
      const { status, stderr } = spawnSync('psql', ['-q', server.url(byHand)], { input: sql, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    }
    expect(dump(byHand)).toBe(dump(direct));
    const grants = await migrate(undefined, { printSql: true });
    expect(grants).not.toContain('PASSWORD');
  });

  it('takes back what was granted beside its list', async () => {
    const database = await server.createDatabase();
    const passwords = join(directory, 'passwords');
    await migrate(server.url(database), { createRoles: passwords });
    const before = dump(database);
    await server.sql(
      database,
      `GRANT UPDATE ON holdpoint.ledger TO holdpoint_api; GRANT UPDATE (leaf) ON holdpoint.audit_entries TO PUBLIC;
       GRANT EXECUTE ON FUNCTION holdpoint.may_execute() TO holdpoint_gate; REVOKE SELECT ON holdpoint.reviews FROM holdpoint_gate`,
    );
    expect(dump(database)).not.toBe(before);
    await migrate(server.url(database, 'holdpoint_owner'));
    expect(dump(database)).toBe(before);
  });

  it('refuses a password that PostgreSQL could not compare', async () => {
    const passwords = join(directory, 'odd');
    await migrate(undefined, { createRoles: passwords, printSql: true });
    writeFileSync(join(passwords, 'api_db_password'), 'pässword');
    await expect(migrate(undefined, { createRoles: passwords, printSql: true })).rejects.toMatchObject({
      code: 'setting_invalid',
    });
  });
});

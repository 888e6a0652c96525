import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StorageError } from '../../ports/store.ts';
import { isPassword, LOGIN_ROLES, type Logins } from '../../storage/database/logins.ts';
import { migrateWithRoles, migrationScript } from '../../storage/database/migrate.ts';
import { writeFileAtomically } from '../../storage/keys/key-files.ts';
import { openDatabase } from '../../storage/store.ts';
import { StartError } from '../start-error.ts';
import { readEnvironment } from './environment.ts';
import type { RunOptions } from './serve.ts';
import { explainDatabase, requireDatabaseUrl } from './open-store.ts';

export interface MigrateOptions {
  /** A directory with a password for each login; missing ones are generated into it. */
  readonly createRoles?: string;
  /** Changes no database: prints what would be done, for psql. */
  readonly printSql?: boolean;
}

/**
 * Brings the schema up to date and gives each role its part; run it before a new version starts, as the owner of the schema,
 * or with `createRoles` as a login that may create roles.
 */
export async function runMigrate({ env, print }: RunOptions, { createRoles, printSql }: MigrateOptions): Promise<void> {
  const logins = createRoles === undefined ? undefined : readLogins(resolve(createRoles));
  if (printSql === true) return print(migrationScript(logins));
  const { databaseUrl: url, dataDir } = readEnvironment(env);
  const databaseUrl = requireDatabaseUrl(url);
  const database = await openDatabase({ databaseUrl });
  try {
    await migrateWithRoles(database, logins);
  } catch (error) {
    if (!isDenied(error)) throw explainDatabase(error, databaseUrl, dataDir);
    throw new StartError(
      'database_unavailable',
      createRoles === undefined
        ? 'This login may not change the schema, or may not create a role that is missing. Run `holdpoint migrate` as the owner of the schema, or once with --create-roles DIRECTORY as an administrator of PostgreSQL; --print-sql prints what to run by hand.'
        : 'This login may not create roles or change the database. Run this as an administrator of PostgreSQL; --print-sql prints what to run by hand.',
      { cause: error },
    );
  } finally {
    await database.close();
  }
  print('The schema is up to date.');
  if (createRoles !== undefined) print(`Each role logs in with its password in ${createRoles}.`);
}

/** SQLSTATE `insufficient_privilege`. */
function isDenied(error: unknown): boolean {
  return error instanceof StorageError && (error.cause as { readonly code?: unknown } | undefined)?.code === '42501';
}

/** Reads the passwords, and generates those that are missing. None is printed. */
function readLogins(directory: string): Logins {
  const read = (role: string): string => {
    const path = join(directory, `${role}_db_password`);
    let password: string;
    try {
      if (!existsSync(path)) {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileAtomically(path, randomBytes(32).toString('hex'), 0o600);
      }
      password = readFileSync(path, 'utf8').trim();
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw new StartError('setting_invalid', `The password file ${path} cannot be read or created (${why}).`);
    }
    if (isPassword(password)) return password;
    throw new StartError('setting_invalid', `The password in ${path} is empty or not printable ASCII. Replace it.`);
  };
  return Object.fromEntries(LOGIN_ROLES.map((role) => [role, read(role)])) as Record<keyof Logins, string>;
}

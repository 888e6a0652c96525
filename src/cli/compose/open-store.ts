import { StorageError, type Store } from '../../ports/store.ts';
import { createStore } from '../../storage/store.ts';
import { StartError } from '../start-error.ts';

/** Opens PostgreSQL, or the embedded database where no URL is given. Throws `database_unavailable`, in words. */
export async function openStore(databaseUrl: string | null, dataDir: string): Promise<Store> {
  try {
    return await createStore(databaseUrl === null ? { dataDir } : { databaseUrl });
  } catch (error) {
    throw explainDatabase(error, databaseUrl, dataDir);
  }
}

/** A failure of the database, with its name and the driver's code; another error as it is. */
export function explainDatabase(error: unknown, databaseUrl: string | null, dataDir: string): unknown {
  if (!(error instanceof StorageError)) return error;
  const { cause } = error;
  const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new StartError(
    'database_unavailable',
    `${describe(databaseUrl, dataDir)} cannot be used (${error.code}): ${error.message}${why}.`,
    { cause: error },
  );
}

/** Names the database without its password. */
function describe(databaseUrl: string | null, dataDir: string): string {
  if (databaseUrl === null) return `The embedded database in ${dataDir}`;
  const { host, pathname, username } = new URL(databaseUrl);
  return `The database ${pathname.slice(1)} at ${host}, as ${username} (DATABASE_URL),`;
}

/** For parts that run in a process of their own: the embedded database belongs to one process. */
export function requireDatabaseUrl(databaseUrl: string | null): string {
  if (databaseUrl !== null) return databaseUrl;
  throw new StartError(
    'setting_invalid',
    'DATABASE_URL is not set. The embedded database belongs to one process (`holdpoint dev`); parts that run separately need PostgreSQL.',
  );
}

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HoldpointError, type Holdpoint } from '../../../client/index.ts';
import type { IndexedEntry } from '../../../contract/audit.ts';
import type { Store } from '../../../ports/store.ts';
import type { Io } from '../../ui/io.ts';
import type { DataDir } from '../../embedded/data-dir.ts';
import { readEnvironment } from '../../compose/environment.ts';
import { StartError } from '../../start-error.ts';
import { CliError } from '../../ui/exit.ts';
import { dataDirOf } from '../access.ts';
import type { LogSource } from './log-check.ts';

const PAGE = 1_000;
/** Answers of an api whose log nobody has signed yet. */
const NO_CHECKPOINT: ReadonlySet<string> = new Set(['not_found', 'worker_unavailable']);

/** The log as the api serves it. */
export function logOverHttp(client: Holdpoint): LogSource {
  return {
    entries: () => client.audit.allEntries({ limit: PAGE }),
    checkpoint: async () => {
      try {
        return (await client.audit.checkpoint()).checkpoint;
      } catch (error) {
        if (error instanceof HoldpointError && NO_CHECKPOINT.has(error.code)) return undefined;
        throw error;
      }
    },
  };
}

/** The log read from the database itself; see {@link withDatabase}. Nothing is written. */
export function withDatabaseLog<T>(io: Io, place: string | undefined, use: (log: LogSource) => Promise<T>): Promise<T> {
  return withDatabase(io, place, (store) => use(logOverStore(store)));
}

/**
 * The database itself: `place` is a PostgreSQL URL or a data directory; default: `DATABASE_URL`, else the data directory
 * here. A data directory in use is refused.
 */
export async function withDatabase<T>(
  io: Io,
  place: string | undefined,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const [{ openDatabase, storeOver }, { openDataDir }] = await Promise.all([
    import('../../../storage/store.ts'),
    import('../../embedded/data-dir.ts'),
  ]);
  const named = place ?? readEnvironment(io.env).databaseUrl ?? undefined;
  if (named !== undefined && /^postgres(ql)?:\/\//.test(named)) {
    const database = await openDatabase({ databaseUrl: named, maxConnections: 1 });
    return use(storeOver(database)).finally(() => database.close());
  }
  const dataDir = open(openDataDir, named === undefined ? dataDirOf(io) : resolve(io.cwd, named));
  try {
    const database = await openDatabase({ dataDir: dataDir.path });
    return await use(storeOver(database)).finally(() => database.close());
  } finally {
    dataDir.release();
  }
}

function open(openDataDir: (directory: string) => DataDir, directory: string): DataDir {
  // Opening makes what is missing, and a log of nothing would verify.
  if (!existsSync(join(directory, 'db'))) {
    throw new CliError(
      'notFound',
      'no_data_dir',
      `There is no database in ${directory}.`,
      'Name it, or set DATABASE_URL.',
    );
  }
  try {
    return openDataDir(directory);
  } catch (error) {
    if (!(error instanceof StartError) || error.code !== 'data_dir_locked') throw error;
    throw new CliError(
      'refused',
      error.code,
      error.message,
      'Stop it first. Verifying goes over HTTP too: `holdpoint audit verify --url`.',
    );
  }
}

export function logOverStore(store: Pick<Store, 'entries' | 'checkpoint'>): LogSource {
  return {
    async *entries(): AsyncIterable<IndexedEntry> {
      for (let from = 0; ; from += PAGE) {
        const page = await store.entries(from, PAGE);
        yield* page;
        if (page.length < PAGE) return;
      }
    },
    checkpoint: async () => (await store.checkpoint())?.note,
  };
}

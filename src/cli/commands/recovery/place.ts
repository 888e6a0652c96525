import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../../../ports/store.ts';
import { readEnvironment } from '../../compose/environment.ts';
import { openStore } from '../../compose/store.ts';
import { connectTemporal, readTemporalTarget, type TemporalConnections } from '../../compose/temporal.ts';
import { openDevTemporal } from '../../dev/embedded-temporal.ts';
import { openDataDir } from '../../embedded/data-dir.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';

interface Place {
  readonly store: Store;
  readonly temporal: TemporalConnections;
}

/**
 * Database and Temporal as the parts would use them: those of the environment, or, without `DATABASE_URL`, those of the
 * data directory, which nothing else may be using.
 */
export async function withPlace<T>(io: Io, use: (place: Place) => Promise<T>): Promise<T> {
  const settings = readEnvironment(io.env);
  const closing: (() => Promise<void> | void)[] = [];
  try {
    let temporal: TemporalConnections;
    if (settings.databaseUrl === null) {
      if (!existsSync(join(settings.dataDir, 'db'))) {
        throw new CliError(
          'notFound',
          'no_data_dir',
          `There is no database in ${settings.dataDir}.`,
          'Set DATABASE_URL.',
        );
      }
      const dataDir = openDataDir(settings.dataDir);
      closing.push(() => dataDir.release());
      const opened = await openDevTemporal(settings, dataDir, io.env, (line) => io.note(line));
      closing.push(() => opened.stop());
      temporal = opened.connections;
    } else {
      temporal = await connectTemporal(readTemporalTarget(io.env));
      closing.push(() => temporal.close());
    }
    const store = await openStore(settings.databaseUrl, settings.dataDir);
    closing.push(() => store.close());
    return await use({ store, temporal });
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { trustFileSchema, type TrustFile } from '../../contract/envelope.ts';
import { parseExactJson } from '../../contract/exact-number.ts';
import type { Store } from '../../ports/store.ts';
import type { TemporalConnections } from '../compose/temporal.ts';
import { accessSchema, type Access } from '../access-file.ts';
import { isLocked, readRunning, type DataDir } from '../embedded/data-dir.ts';
import { findInstances, type Instance } from '../embedded/instances.ts';
import { StartError } from '../start-error.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';

// What commands use of the installation on this machine: data directory, keys, database, Temporal.

export function dataDirOf(io: Io): string {
  return resolve(io.cwd, io.env.HOLDPOINT_DATA_DIR || '.holdpoint');
}

/**
 * The data directory of the Holdpoint that commands talk to: the one that `HOLDPOINT_DATA_DIR` names, the one here, or that of
 * the only one that this user runs on this machine. Throws `several_instances`.
 */
export function findDataDir(io: Io): string {
  const here = dataDirOf(io);
  const isHere = [io.env.HOLDPOINT_DATA_DIR, readRunning(here)].some(Boolean) || existsSync(join(here, 'access.json'));
  if (isHere) return here;
  const [only, ...others] = findInstances(io.env);
  if (only === undefined) return here;
  if (others.length === 0) return only.dataDir;
  const list = [only, ...others].map(
    ({ url, dataDir, configFile }) => `  ${url}  data in ${dataDir}, config ${configFile}`,
  );
  throw new CliError(
    'usage',
    'several_instances',
    ['Several Holdpoints run here:', ...list].join('\n'),
    'Name one: --url or HOLDPOINT_URL, or HOLDPOINT_DATA_DIR.',
  );
}

/** The Holdpoint of {@link findDataDir}, where it runs; what one that was killed has left behind does not count. */
export function findRunning(io: Io): Instance | undefined {
  const dataDir = findDataDir(io);
  const running = readRunning(dataDir);
  return running !== undefined && isLocked(dataDir) ? { ...running, dataDir } : undefined;
}

/** The demo's `access.json`; undefined if there is none, throws if it cannot be used. */
export function readAccess(io: Io, dataDir = dataDirOf(io)): Access | undefined {
  const path = join(dataDir, 'access.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    if (why === 'ENOENT') return undefined;
    throw new CliError('configInvalid', 'access_unreadable', `${path} cannot be read (${why}).`);
  }
  try {
    return accessSchema.parse(JSON.parse(text));
  } catch {
    throw new CliError(
      'configInvalid',
      'access_unreadable',
      `${path} was not written by the demo.`,
      'Remove it and start the demo again.',
    );
  }
}

export function keysDirOf(io: Io): string {
  const named = io.env.HOLDPOINT_KEYS_DIR;
  return named === undefined || named === '' ? join(dataDirOf(io), 'keys') : resolve(io.cwd, named);
}

/**
 * The keys to verify with: `--keys`, or the trust file of this installation. Never those that come with the log or the
 * proof: an attacker who forges a record signs it with a key of their own.
 */
export function readTrust(io: Io, keysFile?: string): TrustFile {
  const path = keysFile === undefined ? join(keysDirOf(io), 'trust.json') : resolve(io.cwd, keysFile);
  let value: unknown;
  try {
    value = parseExactJson(readFileSync(path, 'utf8'));
  } catch {
    throw new CliError(
      'verificationFailed',
      'no_trusted_keys',
      `There are no keys to verify with: ${path} cannot be read.`,
      'Pass --keys with a trust file from the operator (`holdpoint keys show --json` prints it), not from the record itself.',
    );
  }
  const parsed = trustFileSchema.safeParse(value);
  if (parsed.success && parsed.data.keys.length > 0) return parsed.data;
  throw new CliError('verificationFailed', 'no_trusted_keys', `${path} is not a trust file with keys.`);
}

/**
 * Opens the database as it is, without migrating it. `place` is a PostgreSQL URL or a data directory; default:
 * `DATABASE_URL`, else the data directory here. A data directory in use is refused.
 */
export async function withDatabase<T>(
  io: Io,
  place: string | undefined,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const [{ openDatabase, storeOver }, { readEnvironment }] = await Promise.all([
    import('../../storage/store.ts'),
    import('../compose/environment.ts'),
  ]);
  const named = place ?? readEnvironment(io.env).databaseUrl ?? undefined;
  if (named !== undefined && /^postgres(ql)?:\/\//.test(named)) {
    const database = await openDatabase({ databaseUrl: named, maxConnections: 1 });
    return use(storeOver(database)).finally(() => database.close());
  }
  const dataDir = await openExistingDataDir(named === undefined ? dataDirOf(io) : resolve(io.cwd, named));
  try {
    const database = await openDatabase({ dataDir: dataDir.path });
    return await use(storeOver(database)).finally(() => database.close());
  } finally {
    dataDir.release();
  }
}

/**
 * Opens database and Temporal as the parts would use them: those of the environment, or, without `DATABASE_URL`, those
 * of the data directory, which must not be in use.
 */
export async function withDatabaseAndTemporal<T>(
  io: Io,
  use: (store: Store, temporal: TemporalConnections) => Promise<T>,
): Promise<T> {
  const [{ readEnvironment }, { openStore }, { connectTemporal }, { readTemporalTarget }, { startDevTemporal }] =
    await Promise.all([
      import('../compose/environment.ts'),
      import('../compose/open-store.ts'),
      import('../compose/temporal.ts'),
      import('../compose/temporal-target.ts'),
      import('../dev/embedded-temporal.ts'),
    ]);
  const settings = readEnvironment(io.env);
  const closing: (() => Promise<void> | void)[] = [];
  try {
    let temporal: TemporalConnections;
    if (settings.databaseUrl === null) {
      const dataDir = await openExistingDataDir(settings.dataDir);
      closing.push(() => dataDir.release());
      const server = await startDevTemporal(settings, dataDir, io.env, (line) => io.note(line));
      closing.push(() => server.stop());
      temporal = await server.connect();
      closing.push(() => temporal.close());
    } else {
      temporal = await connectTemporal(readTemporalTarget(io.env));
      closing.push(() => temporal.close());
    }
    const store = await openStore(settings.databaseUrl, settings.dataDir);
    closing.push(() => store.close());
    return await use(store, temporal);
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

async function openExistingDataDir(directory: string): Promise<DataDir> {
  // Opening creates what is missing, and an empty log would verify.
  if (!existsSync(join(directory, 'db'))) {
    throw new CliError(
      'notFound',
      'no_data_dir',
      `There is no database in ${directory}.`,
      'Set DATABASE_URL, or HOLDPOINT_DATA_DIR.',
    );
  }
  const { openDataDir } = await import('../embedded/data-dir.ts');
  try {
    return openDataDir(directory);
  } catch (error) {
    if (!(error instanceof StartError) || error.code !== 'data_dir_locked') throw error;
    throw new CliError(
      'refused',
      error.code,
      error.message,
      '`holdpoint audit verify --url` verifies the log over HTTP while Holdpoint runs.',
    );
  }
}

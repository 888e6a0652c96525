import { existsSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { Logger } from 'pino';
import { loadCatalogFiles } from '../../catalog/index.ts';
import { parseConfigFile } from '../../domain/files/parse-file.ts';
import { formatProblem } from '../../domain/files/problem.ts';
import type { Environment } from '../embedded/cache.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import { openSettings, type FileSettingsSource } from '../../settings/follow.ts';
import { resolveReference } from '../../storage/keys/index.ts';
import { StartError } from '../start-error.ts';
import { keepFiles } from './kept-files.ts';
import type { EnvironmentSettings } from './environment.ts';
import { StorageError, type Store } from '../../ports/store.ts';
import { createStore } from '../../storage/store.ts';

/** The config file that the environment names or that lies here; undefined: there is none, and none was asked for. */
export function findConfigFile({ configFile }: EnvironmentSettings, env: Environment): string | undefined {
  const path = resolve(configFile);
  if (existsSync(path)) return path;
  if (env.HOLDPOINT_CONFIG === undefined || env.HOLDPOINT_CONFIG === '') return undefined;
  throw new StartError('config_missing', `HOLDPOINT_CONFIG is ${configFile}, which does not exist.`);
}

/** As {@link findConfigFile}, for parts that cannot run without one. */
export function requireConfigFile(settings: EnvironmentSettings, env: Environment): string {
  const path = findConfigFile(settings, env);
  if (path !== undefined) return path;
  throw new StartError(
    'config_missing',
    `There is no ${settings.configFile} here. \`holdpoint init\` writes one; or set HOLDPOINT_CONFIG to its path.`,
  );
}

/** `deploymentId` of a config file, before anything else of it is checked; undefined if it names none. */
export function readDeploymentId(configFile: string): string | undefined {
  const parsed = parseConfigFile(readFileSync(configFile, 'utf8'), configFile);
  // The next load reports what is wrong with the file.
  return parsed.ok ? parsed.file.value.deploymentId : undefined;
}

/**
 * Loads config and policy and follows them. The deployment's name is in every digest and signature, so the keys' own and
 * the file's must be one.
 */
export async function followSettings(
  configFile: string,
  keysDeployment: string,
  env: Environment,
  log: Logger,
  dataDir: string,
): Promise<FileSettingsSource> {
  const shown = relative(process.cwd(), configFile);
  const name = shown.startsWith('..') ? configFile : shown;
  const source = openSettings({
    configFile: name,
    catalogs: loadCatalogFiles(),
    deploymentId: keysDeployment,
    env,
    resolveReference,
    kept: keepFiles(dataDir, log),
  });
  const { deploymentId } = source.current();
  if (deploymentId !== keysDeployment) {
    throw new StartError(
      'setting_invalid',
      `${name} says deploymentId: ${deploymentId}, but the keys were made for ${keysDeployment}. ` +
        `Write deploymentId: ${keysDeployment} there, or create new keys in another directory.`,
    );
  }
  const kept = source.kept();
  if (kept !== null) {
    const { path, because } = kept;
    log.error(
      { code: 'config_not_in_force', problem: because.message, path },
      'the files on disk are not in force; the last good ones are',
    );
  }
  for (const warning of source.warnings()) log.warn(formatProblem(warning));
  source.onProblem((problem) => {
    if (problem !== null) log.error({ code: 'config_not_in_force', problem }, 'the changed files are not in force');
  });
  const { level } = log;
  const setLevel = (settings: Settings): void => {
    log.level = settings.logLevel ?? level;
  };
  setLevel(source.current());
  source.onChange((settings) => {
    setLevel(settings);
    log.info({ policyDigest: settings.policy.digest }, 'the changed files are in force');
  });
  await source.watch();
  return source;
}

/** Tells the operator what became of each change of the files: a mistake with its place, and that it is mended. */
export function reportFiles(source: Pick<FileSettingsSource, 'onProblem'>, print: (...lines: string[]) => void): void {
  source.onProblem((problem) => {
    if (problem === null) return print('The changed files are in force.');
    const lines = problem.split('\n').map((line) => `  ${line}`);
    print('The changed files are not in force; the version before stays:', ...lines);
  });
}

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

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
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

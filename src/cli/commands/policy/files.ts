import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { loadCatalogFiles } from '../../../catalog/index.ts';
import { loadSettings, policyPathOf, type SettingsResult, type TextFile } from '../../../settings/load-settings.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { dataDirOf } from '../access.ts';

export interface CheckedFiles {
  readonly result: SettingsResult;
  readonly config: TextFile;
  readonly policy: TextFile | undefined;
  /** Text of every file that a problem may name. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads and checks the two files as a start would, without starting anything. `policy` replaces the one config names. */
export function checkFiles(
  io: Io,
  options: { readonly config?: string | undefined; readonly policy?: string | undefined },
): CheckedFiles {
  const configPath = findConfig(io, options.config);
  const config = read(io, configPath);
  const policy = findPolicy(io, options.policy, policyPathOf(config), dirname(configPath));
  const catalogs = loadCatalogFiles();
  const result = loadSettings({ config, policy, catalogs, deploymentId: 'unnamed' });
  const files = [config, ...(policy === undefined ? [] : [policy]), ...catalogs.values()];
  return { result, config, policy, texts: new Map(files.map(({ name, text }) => [name, text])) };
}

/** `--config`, `HOLDPOINT_CONFIG`, `holdpoint.yaml`, or the one that the demo wrote. */
function findConfig(io: Io, given: string | undefined): string {
  const named = io.env.HOLDPOINT_CONFIG || undefined;
  if (given !== undefined) return mustExist(resolve(io.cwd, given));
  if (named !== undefined) return resolve(io.cwd, named);
  const candidates = [join(io.cwd, 'holdpoint.yaml'), join(dataDirOf(io), 'demo-holdpoint.yaml')];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new CliError(
    'configInvalid',
    'config_missing',
    'There is no holdpoint.yaml here.',
    'Pass --config, or set HOLDPOINT_CONFIG.',
  );
}

/** A file of the command line that is not there is the command's mistake; one that a setting names is the setting's. */
function mustExist(path: string): string {
  if (existsSync(path)) return path;
  throw new CliError('notFound', 'file_missing', `There is no file ${path}.`);
}

function read(io: Io, path: string): TextFile {
  try {
    return { name: shorten(io, path), text: readFileSync(path, 'utf8') };
  } catch {
    throw new CliError(
      'configInvalid',
      'config_missing',
      `${path} cannot be read.`,
      'Check the path and who may read it.',
    );
  }
}

/** As short as compilers name files, so that editors find them. */
function shorten(io: Io, path: string): string {
  const short = relative(io.cwd, path);
  return short.startsWith('..') ? path : short;
}

/** Undefined where nothing names one: the config cannot be read, and its own problems are what counts. */
function findPolicy(
  io: Io,
  given: string | undefined,
  named: string | undefined,
  folder: string,
): TextFile | undefined {
  if (given !== undefined) return read(io, mustExist(resolve(io.cwd, given)));
  return named === undefined ? undefined : read(io, resolve(folder, named));
}

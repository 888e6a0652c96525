import { readEnvironment, type EnvironmentSettings } from '../../compose/environment.ts';
import { PART_NEEDS, type ApartName, type PartNeeds } from '../../compose/part-needs.ts';
import { findTemporalTarget, readTemporalTarget, type TemporalTarget } from '../../compose/temporal-target.ts';
import { StartError } from '../../start-error.ts';
import { Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { visibleLines } from '../../../domain/text/visible.ts';
import type { GlobalOptions } from '../action.ts';
import type { Instance } from '../../embedded/instances.ts';
import { dataDirOf, findRunning, readAccess, withDatabase } from '../installation.ts';
import {
  checkApi,
  checkConfig,
  checkEmbedded,
  checkIdentityProvider,
  checkKeys,
  checkSecrets,
  fail,
  ok,
  type Finding,
} from './checks.ts';
import { checkDatabase } from './database.ts';
import { checkConnectors } from './connectors.ts';
import { checkExecuteDisk, checkPartKeys } from './parts.ts';
import { checkTemporal } from './temporal.ts';

export interface DoctorOptions extends GlobalOptions {
  readonly connectors?: boolean;
  /** Tests as this part alone, whose environment this is. */
  readonly role?: ApartName;
}

/** `holdpoint doctor`: checks every part from this machine, or what one part needs. Changes nothing; exit code 1 if a check fails. */
export async function runDoctor(given: Io, options: DoctorOptions): Promise<void> {
  const findings: Finding[] = [];
  const add = (...more: readonly Finding[]): void => {
    findings.push(...more);
    for (const finding of more) given.print(...renderFinding(given, finding));
  };
  const now = (): number => given.now();
  const environment = tryStart('environment', () => readEnvironment(given.env));
  add(checkNode(), environment.finding);
  const part = options.role === undefined ? undefined : PART_NEEDS[options.role];
  const databaseUrl = environment.value?.databaseUrl;
  const running = part === undefined && databaseUrl === null ? findRunning(given) : undefined;
  const io = running === undefined ? given : asRunning(given, running);
  const config = checkConfig(io, part !== undefined);
  add(config.finding, ...(part === undefined ? checkKeys(io) : checkPartKeys(io, part, config.inForce)));
  if (environment.value !== undefined && databaseUrl !== undefined) {
    // Beside a running Holdpoint, this shell is not its environment.
    const isWhole = part !== undefined || (databaseUrl === null && running === undefined);
    if (config.inForce !== undefined) {
      add(...checkSecrets(config.inForce, isWhole, part?.references));
      if (part === undefined || part.references.some((name) => name === 'api'))
        add(...(await checkIdentityProvider(config.inForce, isWhole)));
      if (options.connectors === true) add(...(await checkConnectors(config.inForce, environment.value.proxy)));
    }
    add(...(await checkStorage(io, databaseUrl, part)));
    // Only a running Holdpoint can read the embedded database, and it checks its binding itself.
    const readBinding =
      databaseUrl === null ? undefined : () => withDatabase(io, databaseUrl, (store) => store.recovery.binding());
    const target = tryStart('temporal settings', () =>
      temporalOf(io, environment.value as EnvironmentSettings, running?.temporalAddress, part !== undefined),
    );
    const expectsWorkers = part === undefined || !part.references.some((name) => name !== 'api');
    add(
      ...(target.value === undefined
        ? [target.finding]
        : await checkTemporal(target.value, now, { readBinding, expectsWorkers })),
    );
  }
  const named = options.url ?? (io.env.HOLDPOINT_URL || undefined);
  const demo = named === undefined ? readAccess(io) : undefined;
  const url = named ?? running?.url ?? demo?.url;
  const credential = io.env.HOLDPOINT_TOKEN || demo?.reviewers[0]?.token;
  if (part === undefined || url !== undefined) add(...(await checkApi(url, now, credential)));
  const failed = findings.filter(({ status }) => status === 'fail').length;
  given.data({ ok: failed === 0, findings });
  given.print('', failed === 0 ? 'All checks passed.' : `${failed} of ${findings.length} checks failed.`);
  if (failed > 0) throw new Exit('failed');
}

async function checkStorage(io: Io, databaseUrl: string | null, part: PartNeeds | undefined): Promise<Finding[]> {
  if (databaseUrl === null) {
    if (part === undefined) return [checkEmbedded(dataDirOf(io))];
    return [fail('database', 'DATABASE_URL is not set', 'Set it: parts that run separately need PostgreSQL.')];
  }
  const findings = await checkDatabase(databaseUrl, () => io.now(), part?.database);
  const executes = part?.keys.includes('execute') === true;
  return executes ? [...findings, ...(await checkExecuteDisk(io, databaseUrl))] : findings;
}

/** With the files of a Holdpoint that runs in one process, unless the shell names others. */
function asRunning(io: Io, { configFile, keysDir, dataDir }: Instance): Io {
  const env = { HOLDPOINT_CONFIG: configFile, HOLDPOINT_KEYS_DIR: keysDir, HOLDPOINT_DATA_DIR: dataDir };
  const named = Object.fromEntries(Object.entries(io.env).filter(([, value]) => value !== undefined && value !== ''));
  return { ...io, env: { ...env, ...named } };
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  return enough
    ? ok('node', process.version)
    : fail('node', `${process.version} is too old`, 'Install Node 20.19 or later.');
}

/** The server that the environment names, else the one of the running Holdpoint, or where the embedded one would be. */
function temporalOf(
  io: Io,
  environment: EnvironmentSettings,
  running: string | undefined,
  isApart: boolean,
): TemporalTarget {
  const named = isApart ? readTemporalTarget(io.env) : findTemporalTarget(io.env);
  if (named !== undefined) return named;
  const address = running ?? readAccess(io)?.temporalAddress ?? `127.0.0.1:${environment.temporalPort}`;
  return { connectionOptions: { address }, namespace: 'default' };
}

function tryStart<T>(check: string, read: () => T): { readonly value?: T; readonly finding: Finding } {
  try {
    return { value: read(), finding: ok(check, 'settings are well-formed') };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { finding: fail(check, error.message, 'Correct this variable.') };
  }
}

function renderFinding(io: Io, { check, status, message, fix }: Finding): string[] {
  const { colours } = io;
  const marks = {
    ok: colours.green('✓'),
    warn: colours.yellow('!'),
    fail: colours.red('✗'),
    skipped: colours.dim('-'),
  } as const;
  const [first = '', ...rest] = visibleLines(message);
  return [
    `${marks[status]} ${check}: ${first}`,
    ...rest.map((line) => `    ${line}`),
    ...(fix === undefined ? [] : [`    → ${fix}`]),
  ];
}

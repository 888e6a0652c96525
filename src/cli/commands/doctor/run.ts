import { readEnvironment, type EnvironmentSettings } from '../../compose/environment.ts';
import { findTemporalTarget, type TemporalTarget } from '../../compose/temporal.ts';
import { StartError } from '../../start-error.ts';
import { Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { visibleLines } from '../../../domain/text/visible.ts';
import type { GlobalOptions } from '../action.ts';
import { dataDirOf, readAccess, withDatabase } from '../installation.ts';
import {
  checkApi,
  checkConfig,
  checkDatabase,
  checkEmbedded,
  checkIdentityProvider,
  checkKeys,
  checkSecrets,
  fail,
  ok,
  type Finding,
} from './checks.ts';
import { checkConnectors } from './connectors.ts';
import { checkTemporal } from './temporal.ts';

export interface DoctorOptions extends GlobalOptions {
  readonly connectors?: boolean;
}

/** `holdpoint doctor`: checks every part from this machine. Changes nothing; exit code 1 if a check fails. */
export async function runDoctor(io: Io, options: DoctorOptions): Promise<void> {
  const findings: Finding[] = [];
  const add = (...more: readonly Finding[]): void => {
    findings.push(...more);
    for (const finding of more) io.print(...renderFinding(io, finding));
  };
  const now = (): number => io.now();
  const node = checkNode();
  const environment = tryStart('environment', () => readEnvironment(io.env));
  add(node, environment.finding);
  const config = checkConfig(io);
  add(config.finding, ...checkKeys(io));
  if (environment.value !== undefined) {
    const { databaseUrl } = environment.value;
    if (config.inForce !== undefined) {
      const isWhole = databaseUrl === null;
      add(...checkSecrets(config.inForce, isWhole), ...(await checkIdentityProvider(config.inForce, isWhole)));
      if (options.connectors === true) add(...(await checkConnectors(config.inForce, environment.value.proxy)));
    }
    add(...(databaseUrl === null ? [checkEmbedded(dataDirOf(io))] : await checkDatabase(databaseUrl, now)));
    // Only a running Holdpoint can read the embedded database, and it checks its binding itself.
    const readBinding =
      databaseUrl === null ? undefined : () => withDatabase(io, databaseUrl, (store) => store.recovery.binding());
    const target = tryStart('temporal settings', () => temporalOf(io, environment.value as EnvironmentSettings));
    add(...(target.value === undefined ? [target.finding] : await checkTemporal(target.value, now, readBinding)));
  }
  add(...(await checkApi(options.url ?? (io.env.HOLDPOINT_URL || readAccess(io)?.url), now)));
  const failed = findings.filter(({ status }) => status === 'fail').length;
  io.data({ ok: failed === 0, findings });
  io.print('', failed === 0 ? 'All checks passed.' : `${failed} of ${findings.length} checks failed.`);
  if (failed > 0) throw new Exit('failed');
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  return enough
    ? ok('node', process.version)
    : fail('node', `${process.version} is too old`, 'Install Node 20.19 or later.');
}

/** The server that the environment names, else where the embedded one would be. */
function temporalOf(io: Io, environment: EnvironmentSettings): TemporalTarget {
  const named = findTemporalTarget(io.env);
  if (named !== undefined) return named;
  const address = readAccess(io)?.temporalAddress ?? `127.0.0.1:${environment.temporalPort}`;
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

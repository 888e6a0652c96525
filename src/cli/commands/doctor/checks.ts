import { existsSync } from 'node:fs';
import type { Readiness } from '../../../contract/api.ts';
import { KEY_ROLES } from '../../../contract/envelope.ts';
import { explainConnectFailure } from '../../../domain/connect-error.ts';
import { formatProblem, type FileProblem } from '../../../domain/files/problem.ts';
import { placeOf, type YamlSource } from '../../../domain/files/yaml-source.ts';
import type { Settings } from '../../../domain/policy/settings.ts';
import { KeyError, loadKeys, resolveReference } from '../../../storage/keys/index.ts';
import { privateKeyPath } from '../../../storage/keys/key-files.ts';
import { checkReferences, type ReferencePart } from '../../compose/check-references.ts';
import { isLocked } from '../../embedded/data-dir.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { keysDirOf } from '../installation.ts';
import { checkFiles } from '../policy.ts';
import { describeSkew } from '../../../domain/readiness.ts';

/** The result of one check. `fix` says what to do; every `warn` and `fail` has one. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly message: string;
  readonly fix?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}
export function warn(check: string, message: string, fix: string): Finding {
  return { check, status: 'warn', message, fix };
}
export function fail(check: string, message: string, fix: string): Finding {
  return { check, status: 'fail', message, fix };
}
export function skipped(check: string, message: string): Finding {
  return { check, status: 'skipped', message };
}

/** `theirs` and `ours` in epoch ms; `slackMs`: how stale or coarse the reading of `theirs` may be. */
export function judgeClock(check: string, theirs: number, ours: number, slackMs: number): Finding {
  const apart = describeSkew(theirs - ours, slackMs);
  if (apart === undefined) return ok(check, 'agrees with the local clock');
  return fail(
    check,
    `is ${apart} the local clock`,
    'Run NTP (chrony, systemd-timesyncd) on both machines: deadlines are compared across them.',
  );
}

/** The two files in force, where they are valid, for further checks. */
export interface ConfigInForce {
  readonly settings: Settings;
  readonly source: YamlSource;
  /** As this machine has it; throws where there is none. */
  readonly resolve: (reference: string) => string;
}

/** Config and policy, read as a start would. `isNeeded`: without one this part does not start. */
export function checkConfig(io: Io, isNeeded = false): { readonly finding: Finding; readonly inForce?: ConfigInForce } {
  const check = 'config and policy';
  try {
    const { result, config, policy, directory } = checkFiles(io, {});
    const names = `${config.name} and ${policy?.name ?? 'its policy'}`;
    const say = (problems: readonly FileProblem[]): string => problems.map(formatProblem).join('\n');
    if (!result.ok) return { finding: fail(check, say(result.problems), 'See `holdpoint policy check`.') };
    const { settings, source, warnings } = result;
    const finding =
      warnings.length === 0
        ? ok(check, `${names} are valid`)
        : warn(check, say(warnings), 'See `holdpoint policy check`.');
    const resolve = (reference: string): string => resolveReference(reference, directory, io.env);
    return { finding, inForce: { settings, source, resolve } };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const named = (io.env.HOLDPOINT_CONFIG ?? '') !== '';
    const finding = named
      ? fail(check, error.message, error.hint ?? 'Check HOLDPOINT_CONFIG.')
      : isNeeded
        ? fail(check, error.message, 'Set HOLDPOINT_CONFIG to it; `holdpoint init` writes one.')
        : skipped(check, 'no holdpoint.yaml: `npm start` runs the demo');
    return { finding };
  }
}

/**
 * Values behind the references of the configuration, or those that one of `parts` resolves. One that is missing here may be
 * set for another part, on another machine, or for the process that runs; `isWhole`: it would have to be set here.
 */
export function checkSecrets(
  { settings, source, resolve }: ConfigInForce,
  isWhole: boolean,
  parts?: readonly ReferencePart[],
): Finding[] {
  const check = 'references';
  const faults = checkReferences(settings, resolve).filter(
    (fault) => parts === undefined || parts.some((part) => fault.parts.includes(part)),
  );
  if (faults.length === 0) return [ok(check, 'each reference of the configuration has a usable value')];
  return faults.map(({ reference, kind, message, fix }) => {
    const place = placeOf(source, reference);
    const text = place === undefined ? message : `${place}: ${message}`;
    return kind === 'missing' && !isWhole ? warn(check, `${text} here`, `${fix}.`) : fail(check, text, `${fix}.`);
  });
}

/** The identity provider: reachable, and what `issuer` says it is. Only the api asks it, maybe on another machine (`isWhole`). */
export async function checkIdentityProvider({ settings, source }: ConfigInForce, isWhole: boolean): Promise<Finding[]> {
  const { oidc } = settings;
  if (oidc === undefined) return [];
  const check = 'identity provider';
  const { line, column } = source.locate(['oidc', 'issuer']);
  const refuse = (reason: string, fix: string): Finding[] => [
    (isWhole ? fail : warn)(check, `${source.file}:${line}:${column}: ${reason}`, fix),
  ];
  const wellKnown = `${oidc.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  try {
    const answer = await fetch(wellKnown, { redirect: 'error', signal: AbortSignal.timeout(5_000) });
    if (answer.ok) return [ok(check, `${oidc.issuer} answers`)];
    return refuse(`${wellKnown} answered ${answer.status}`, 'Correct oidc.issuer: it is the URL before /.well-known.');
  } catch (error) {
    return refuse(
      explainConnectFailure(error).words,
      'Run this where the api runs: its network and certificates count.',
    );
  }
}

/** Keys: present, private, and trusted. Which keys belong on this machine only the operator knows. */
export function checkKeys(io: Io): Finding[] {
  const directory = keysDirOf(io);
  if (!existsSync(directory))
    return [
      skipped('keys', `${directory} does not exist yet; the first start, or \`holdpoint keys init\`, creates it`),
    ];
  const present = KEY_ROLES.filter((role) => existsSync(privateKeyPath(directory, role)));
  const findings = present.map((role) =>
    tryKeys(`${role} key`, () => void loadKeys(directory, [role]), 'usable and trusted'),
  );
  const trust = tryKeys('trusted keys', () => void loadKeys(directory, []), directory);
  const absent = KEY_ROLES.filter((role) => !present.includes(role));
  const note = absent.length === 0 ? [] : [skipped('other keys', `not on this machine: ${absent.join(', ')}`)];
  return [trust, ...findings, ...note];
}

export function tryKeys(check: string, load: () => void, message: string): Finding {
  try {
    load();
    return ok(check, message);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return fail(
      check,
      error.message,
      '`holdpoint keys show` lists the trusted keys; `holdpoint keys init --split DIRECTORY` makes those of each part.',
    );
  }
}

/** The embedded database: whether it exists and is in use. It is not opened: only one process may open it. */
export function checkEmbedded(dataDir: string): Finding {
  const check = 'data directory';
  if (!existsSync(dataDir)) return skipped(check, `${dataDir} does not exist yet; \`npm start\` creates it`);
  try {
    return ok(check, isLocked(dataDir) ? `${dataDir} is in use by a running Holdpoint` : `${dataDir} is free`);
  } catch {
    return fail(
      check,
      `${dataDir} cannot be used by this user`,
      'Run this as the user that owns the data directory, or set HOLDPOINT_DATA_DIR.',
    );
  }
}

/** The api: reachable, ready, and its clock. What is wrong it tells to a credential alone. */
export async function checkApi(url: string | undefined, now: () => number, credential?: string): Promise<Finding[]> {
  if (url === undefined) return [skipped('api', 'no URL: pass --url or set HOLDPOINT_URL')];
  const asked = now();
  const answer = await fetch(`${url}/readyz`, {
    signal: AbortSignal.timeout(5_000),
    ...(credential === undefined ? {} : { headers: { authorization: `Bearer ${credential}` } }),
  }).catch(() => undefined);
  if (answer === undefined) {
    return [
      fail('api', `nothing answers at ${url}`, 'Start it with `npm start` or `holdpoint api`, or pass its --url.'),
    ];
  }
  const took = now() - asked;
  const body: unknown = await answer.json().catch(() => undefined);
  const date = Date.parse(answer.headers.get('date') ?? '');
  // The header is in whole seconds, and the answer took a while.
  const clock = Number.isNaN(date) ? [] : [judgeClock('api clock', date, asked, took + 1_000)];
  return [describeReadiness(url, answer.ok, body), ...clock];
}

function describeReadiness(url: string, ready: boolean, body: unknown): Finding {
  const { problems, problemCount = 0 } = (body ?? {}) as Partial<Readiness>;
  const count = problemCount === 0 ? '' : `${problemCount} problems, told with HOLDPOINT_TOKEN`;
  const words = problems?.map(({ code, message }) => `${code}: ${message}`).join('; ') ?? count;
  if (ready && words === '') return ok('api', `ready at ${url}`);
  if (ready) return warn('api', `ready at ${url}, but: ${words}`, 'Fix the problems listed.');
  return fail(
    'api',
    `not ready at ${url}${words === '' ? '' : `: ${words}`}`,
    'The other checks show which part is down.',
  );
}

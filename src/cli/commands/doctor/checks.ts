import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_ROLES } from '../../../contract/envelope.ts';
import { explainConnectFailure } from '../../../domain/connect-error.ts';
import { formatProblem, type FileProblem } from '../../../domain/files/problem.ts';
import { placeOf, type YamlSource } from '../../../domain/files/yaml-source.ts';
import type { Settings } from '../../../domain/policy/settings.ts';
import { KeyError, loadKeys, resolveReference } from '../../../storage/keys/index.ts';
import { privateKeyPath } from '../../../storage/keys/key-files.ts';
import { checkReferences } from '../../compose/check-references.ts';
import { tryLockFile } from '../../embedded/file-lock.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { keysDirOf } from '../installation.ts';
import { checkFiles } from '../policy.ts';

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

/** Seconds by which two clocks may differ: decisions and deadlines are compared across machines. */
const MAX_SKEW_SECONDS = 5;

/** `theirs` and `ours` in epoch ms; `slackMs`: how stale or coarse the reading of `theirs` may be. */
export function judgeClock(check: string, theirs: number, ours: number, slackMs: number): Finding {
  const skew = theirs - ours;
  const off = Math.max(0, Math.abs(skew) - slackMs) / 1_000;
  if (off <= MAX_SKEW_SECONDS) return ok(check, 'agrees with the local clock');
  return fail(
    check,
    `is ${Math.round(off)} s ${skew > 0 ? 'ahead of' : 'behind'} the local clock`,
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

/** Config and policy, read as a start would. */
export function checkConfig(io: Io): { readonly finding: Finding; readonly inForce?: ConfigInForce } {
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
      : skipped(check, 'no holdpoint.yaml: `npm start` runs the demo');
    return { finding };
  }
}

/**
 * Values behind the references of the configuration. One that is missing here may be set for another part, on another
 * machine; where one process is everything (`isWhole`), it is not.
 */
export function checkSecrets({ settings, source, resolve }: ConfigInForce, isWhole: boolean): Finding[] {
  const check = 'references';
  const faults = checkReferences(settings, resolve);
  if (faults.length === 0) return [ok(check, 'each reference of the configuration has a usable value')];
  return faults.map(({ reference, kind, message, fix }) => {
    const place = placeOf(source, reference);
    const text = place === undefined ? message : `${place}: ${message}`;
    return kind === 'missing' && !isWhole
      ? warn(check, `${text} on this machine`, `${fix}.`)
      : fail(check, text, `${fix}.`);
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

function tryKeys(check: string, load: () => void, message: string): Finding {
  try {
    load();
    return ok(check, message);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return fail(check, error.message, '`holdpoint keys show` lists the trusted keys.');
  }
}

/** PostgreSQL: reachable, schema up to date, clock. Changes nothing. */
export async function checkDatabase(databaseUrl: string, now: () => number): Promise<Finding[]> {
  const [{ openDatabase }, { findPooling }, { MIGRATIONS }] = await Promise.all([
    import('../../../storage/store.ts'),
    import('../../../storage/database/pooler.ts'),
    import('../../../storage/migrations/index.ts'),
  ]);
  const check = 'database';
  let database: Awaited<ReturnType<typeof openDatabase>> | undefined;
  try {
    const pooling = await findPooling(databaseUrl);
    if (pooling === 'transaction') return [fail('database pooler', 'is in transaction mode', POOLER_FIX)];
    database = await openDatabase({ databaseUrl, maxConnections: 1 });
    const asked = now();
    const [row] = await database.query<{ now: string }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now`,
    );
    const clock = judgeClock('database clock', Number(row?.now), asked, now() - asked);
    return [
      ...(pooling === 'session' ? [ok('database pooler', 'is in session mode')] : []),
      await checkSchema(
        database,
        MIGRATIONS.map(({ name }) => name),
      ),
      clock,
    ];
  } catch {
    return [
      fail(
        check,
        'cannot be reached, or refuses this login',
        'Check DATABASE_URL: host, port, database, user, password and TLS.',
      ),
    ];
  } finally {
    await database?.close();
  }
}

const POOLER_FIX =
  'Point DATABASE_URL at PostgreSQL itself, or at a pool in session mode: notifications, the lock of migrations and ' +
  'settings belong to a session. (The databases of connectors may be behind a pooler in transaction mode.)';

async function checkSchema(
  database: { query<Row>(sql: string): Promise<Row[]> },
  wanted: readonly string[],
): Promise<Finding> {
  const [found] = await database.query<{ there: boolean }>(
    `SELECT to_regclass('holdpoint.migrations') IS NOT NULL AS there`,
  );
  const rows =
    found?.there === true ? await database.query<{ name: string }>('SELECT name FROM holdpoint.migrations') : [];
  const applied = new Set(rows.map(({ name }) => name));
  const pending = wanted.filter((name) => !applied.has(name));
  if (pending.length === 0) return ok('database', 'reachable, schema up to date');
  return fail(
    'database',
    `schema is missing ${pending.join(', ')}`,
    'Run `holdpoint migrate` as the owner of the database.',
  );
}

/** The embedded database: whether it exists and is in use. It is not opened: only one process may open it. */
export function checkEmbedded(dataDir: string): Finding {
  const check = 'data directory';
  if (!existsSync(dataDir)) return skipped(check, `${dataDir} does not exist yet; \`npm start\` creates it`);
  const path = join(dataDir, 'lock');
  if (!existsSync(path)) return ok(check, `${dataDir} is free`);
  try {
    const lock = tryLockFile(path, 'holdpoint doctor');
    lock?.release();
    return ok(check, lock === undefined ? `${dataDir} is in use by a running Holdpoint` : `${dataDir} is free`);
  } catch {
    return fail(
      check,
      `${dataDir} cannot be used by this user`,
      'Run this as the user that owns the data directory, or set HOLDPOINT_DATA_DIR.',
    );
  }
}

/** The api: reachable, ready, and its clock. */
export async function checkApi(url: string | undefined, now: () => number): Promise<Finding[]> {
  if (url === undefined) return [skipped('api', 'no URL: pass --url or set HOLDPOINT_URL')];
  const asked = now();
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
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
  const { problems } = (body ?? {}) as { readonly problems?: unknown };
  const words = Array.isArray(problems)
    ? problems.map((problem) => String((problem as { readonly message?: unknown }).message)).join('; ')
    : '';
  if (ready && words === '') return ok('api', `ready at ${url}`);
  if (ready) return warn('api', `ready at ${url}, but: ${words}`, 'Fix the problems listed.');
  return fail(
    'api',
    `not ready at ${url}${words === '' ? '' : `: ${words}`}`,
    'The other checks show which part is down.',
  );
}

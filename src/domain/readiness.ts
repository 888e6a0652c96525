import type { Part, PartName } from '../contract/part.ts';
import type { Timestamp } from '../contract/json.ts';

/**
 * What can be wrong with a part. `down`: it does not do its work, so it is not ready. `impaired`: some of its work fails; a
 * worker is not ready, and an api stays so, as calls of all agents would fail otherwise. `named`: everything goes on.
 */
const PROBLEMS = {
  database_unavailable: ['down', 'The database does not answer.'],
  database_login_refused: ['down', 'The database refuses this login. Check the user and password of DATABASE_URL.'],
  database_not_prepared: ['down', 'The database lacks a table or a right of this login. Run `holdpoint migrate`.'],
  disk_full: ['down', 'A disk is full.'],
  temporal_unavailable: ['down', 'Temporal does not answer.'],
  temporal_refused: ['down', 'Temporal refuses the credentials.'],
  temporal_namespace_missing: ['down', 'Temporal has no such namespace.'],
  temporal_changed: ['down', 'The database is bound to another Temporal. See `holdpoint temporal rebind`.'],
  search_attribute_missing: ['down', 'The Temporal namespace lacks a search attribute.'],
  worker_unavailable: ['down', 'No worker is there.'],
  worker_ended: ['down', 'This worker no longer polls its task queue.'],
  log_rolled_back: ['down', 'The audit log does not extend the last known checkpoint.'],
  starting: ['down', 'This process is starting.'],
  shutting_down: ['down', 'This process is shutting down.'],
  credential_missing: ['impaired', 'A credential or secret of the configuration has no value.'],
  key_unreadable: ['impaired', 'A key file cannot be read. The keys read earlier are in force.'],
  data_directory_unwritable: ['impaired', 'The data directory cannot be written.'],
  identity_provider_unavailable: [
    'named',
    'The identity provider of `oidc` does not answer, or its client secret is missing.',
  ],
  objection_unreadable: [
    'named',
    'Many stored objections do not verify, and their claims wait. Is a review key not trusted yet?',
  ],
  sweep_halted: [
    'named',
    'Temporal has lost too many reviews to settle without a person. See `holdpoint reviews sweep`.',
  ],
  clock_apart: ['named', 'The clock of this part differs from the database’s.'],
  config_not_in_force: ['named', 'The files on disk are not in force.'],
  config_differs: ['named', 'The parts have different configuration or policy files in force.'],
  part_lost: ['named', 'A part has ended without saying so.'],
} as const satisfies Readonly<Record<string, readonly [Effect, string]>>;
type Effect = 'down' | 'impaired' | 'named';

export type PartCode = keyof typeof PROBLEMS;

export interface PartProblem {
  readonly code: PartCode;
  readonly message: string;
  /** Whose it is, where it is another part's. */
  readonly part?: Pick<Part, 'name' | 'instance'>;
}

/** A process as it last said that it is there. */
export interface Heartbeat {
  readonly part: Part;
  readonly configDigest: string;
  readonly policyDigest: string;
  readonly problems: readonly PartCode[];
  /** Of its start. */
  readonly since: Timestamp;
  readonly seenAt: Timestamp;
  readonly ageMs: number;
  /** How long it has had these files in force. */
  readonly filesAgeMs: number;
}

/** A part says that it is there every so often, and is missed after some of that, ms. */
export const BEAT_EVERY_MS = 2_500;
export const MISSED_AFTER_MS = 8_000;
/** A part that was killed is named for so long. */
const LOST_FOR_MS = 120_000;
/** Parts reload changed files within seconds of each other, and a rolling restart takes a while, ms. */
export const FILES_GRACE_MS = 30_000;
/** Clocks of machines with NTP agree within milliseconds; deadlines and signatures are compared to the second, ms. */
const CLOCK_APART_MS = 5_000;

export function problemOf(code: PartCode, message: string = PROBLEMS[code][1]): PartProblem {
  return { code, message };
}

/** Of what storage gives, those that are codes: another version may know more. */
export function partCodesOf(texts: readonly string[]): readonly PartCode[] {
  return texts.filter((text): text is PartCode => Object.hasOwn(PROBLEMS, text));
}

/** Why the database failed: `sqlState` (PostgreSQL, appendix A) or the code of the operating system. */
export function databaseCode(sqlState: string | undefined): PartCode {
  if (sqlState === undefined) return 'database_unavailable';
  if (sqlState.startsWith('28')) return 'database_login_refused';
  if (isDiskFull(sqlState)) return 'disk_full';
  // A missing right, function, table or schema.
  if (['42501', '42883', '42P01', '3F000'].includes(sqlState)) return 'database_not_prepared';
  return 'database_unavailable';
}

export function isDiskFull(code: string | undefined): boolean {
  return code === '53100' || code === 'ENOSPC' || code === 'EDQUOT';
}

/** Why Temporal failed, by the status code of gRPC. */
export function temporalCode(status: number | undefined): PartCode {
  if (status === 5) return 'temporal_namespace_missing';
  return status === 7 || status === 16 ? 'temporal_refused' : 'temporal_unavailable';
}

/** How far one clock is from another, as `7 s ahead of`; undefined: not too far. `offsetMs` is known to within `slackMs`. */
export function describeSkew(offsetMs: number, slackMs: number): string | undefined {
  const apart = Math.max(0, Math.abs(offsetMs) - slackMs);
  if (!(apart > CLOCK_APART_MS)) return undefined;
  return `${Math.round(apart / 1_000)} s ${offsetMs > 0 ? 'ahead of' : 'behind'}`;
}

/** `offsetMs`: own time less the database's, known to within `slackMs`. */
export function judgeClock(offsetMs: number, slackMs: number): PartProblem | undefined {
  const apart = describeSkew(offsetMs, slackMs);
  if (apart === undefined) return undefined;
  return problemOf('clock_apart', `The clock of this part is ${apart} the database’s. Run NTP on both machines.`);
}

const WORKERS = { gate: ['gate', 'worker', 'all'], execute: ['execute', 'worker', 'all'] } as const;
export type WorkerKind = keyof typeof WORKERS;

function isWorker(part: PartName, kind: WorkerKind): boolean {
  return (WORKERS[kind] as readonly PartName[]).includes(part);
}

/** Whether a part with these problems does its work. */
export function isReady(part: PartName, problems: readonly { readonly code: PartCode }[]): boolean {
  const stopping: readonly Effect[] = part.startsWith('api') ? ['down'] : ['down', 'impaired'];
  return !problems.some(({ code }) => stopping.includes(PROBLEMS[code][0]));
}

/** Whether a kind of worker is there, and one of its processes does its work. */
export function hasWorker(kind: WorkerKind, parts: readonly Heartbeat[]): boolean {
  return parts.some((beat) => isWorker(beat.part.name, kind) && isLive(beat) && !isDown(beat));
}

/** What other parts say of themselves, and which of them are missed. */
export function judgeOthers(others: readonly Heartbeat[]): readonly PartProblem[] {
  return others.flatMap((beat): readonly PartProblem[] => {
    const { name, instance } = beat.part;
    if (isLive(beat)) return beat.problems.map((code) => ({ ...problemOf(code), part: { name, instance } }));
    if (beat.ageMs > LOST_FOR_MS) return [];
    const message = `It was last seen ${Math.round(beat.ageMs / 1_000)} s ago and did not end in order.`;
    return [{ ...problemOf('part_lost', message), part: { name, instance } }];
  });
}

/** Parts that have different files in force, once each has had time to read them. */
export function judgeFiles(parts: readonly Heartbeat[]): PartProblem | undefined {
  const live = parts.filter(isLive);
  const byFiles = new Map<string, string[]>();
  for (const { part, configDigest, policyDigest } of live) {
    const files = `config ${shorten(configDigest)}, policy ${shorten(policyDigest)}`;
    byFiles.set(files, [...(byFiles.get(files) ?? []), `${part.name} (${part.instance})`]);
  }
  if (byFiles.size < 2 || live.some(({ filesAgeMs }) => filesAgeMs < FILES_GRACE_MS)) return undefined;
  const said = [...byFiles].map(([files, parts]) => `${parts.join(', ')}: ${files}`);
  return problemOf('config_differs', `The parts have different files in force. ${said.join('; ')}.`);
}

const isLive = ({ ageMs }: Heartbeat): boolean => ageMs <= MISSED_AFTER_MS;
const isDown = ({ problems }: Heartbeat): boolean => problems.some((code) => PROBLEMS[code][0] === 'down');
const shorten = (digest: string): string => digest.slice(0, 'sha256:'.length + 8);

import type { Readiness as ReadinessReport } from '../../contract/api.ts';
import type { Part } from '../../contract/part.ts';
import {
  hasWorker,
  isReady,
  judgeFiles,
  judgeOthers,
  problemOf,
  type Heartbeat,
  type PartCode,
  type PartProblem,
} from '../../domain/readiness.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { OwnBeat } from '../../ports/parts.ts';
import type { Store } from '../../ports/store.ts';

/** How long one check may take, and how often the servers are asked at most, in ms. */
const CHECK_WITHIN = 2_000;
const ASKED_EVERY = 1_000;
/** Stored objections that do not verify; more say that something is wrong. */
const MOST_UNREADABLE = 50;

/** Resolves with what is wrong; undefined: nothing is. */
export type Check = () => Promise<PartProblem | undefined>;

/** Whether this part, and what it needs, does its work. */
export interface Readiness {
  /** `otherwise`: what is wrong where the check rejects or takes too long. What an error says stays inside. */
  add(name: string, otherwise: PartCode, check: Check): void;
  check(): Promise<Required<ReadinessReport>>;
  /** What this part says of itself to the others. */
  beat(): Promise<OwnBeat>;
}

interface ReadinessDeps {
  readonly part: Part;
  readonly store: Pick<Store, 'parts' | 'recovery' | 'objections'>;
  readonly settings: SettingsSource;
  readonly shutdown: AbortSignal;
}

type Results = readonly (readonly [name: string, problem: PartProblem | undefined])[];

export function createReadiness({ part, store, settings, shutdown }: ReadinessDeps): Readiness {
  const checks = new Map<string, { readonly otherwise: PartCode; readonly check: Check }>();
  // Anybody may ask, so what asking costs the servers does not depend on how often.
  const ask = atMostEvery(ASKED_EVERY, async () => {
    const [own, others, shared] = await Promise.all([
      Promise.all(
        [...checks].map(async ([name, { otherwise, check }]) => [name, await probe(check, otherwise)] as const),
      ),
      // Where the database is away, its own check says so.
      within(store.parts.list()).catch((): readonly Heartbeat[] => []),
      askShared(store),
    ]);
    return { own, others: others.filter(({ part: { instance } }) => instance !== part.instance), all: others, shared };
  });

  /** Of this part alone. */
  const ownResults = (asked: Results): Results => {
    const changed = settings.problem();
    return [
      ...asked,
      ['files', changed === null ? undefined : problemOf('config_not_in_force', changed)],
      ['process', shutdown.aborted ? problemOf('shutting_down') : undefined],
    ];
  };
  const beatOf = (own: Results): OwnBeat => {
    const { configDigest, policy } = settings.current();
    return { part, configDigest, policyDigest: policy.digest, problems: present(own).map(({ code }) => code) };
  };

  return {
    add: (name, otherwise, check) => void checks.set(name, { otherwise, check }),
    beat: async () => beatOf(ownResults((await ask()).own)),
    async check() {
      const asked = await ask();
      const own = ownResults(asked.own);
      const { all, others, shared } = asked;
      const seen = all.find(({ part: { instance } }) => instance === part.instance);
      const at = new Date().toISOString();
      const self: Heartbeat = { since: at, filesAgeMs: 0, ...seen, ...beatOf(own), seenAt: at, ageMs: 0 };
      const parts = [self, ...others];
      // A worker answers for itself; an api is of no use without workers.
      const workers: Results =
        part.name === 'gate' || part.name === 'execute' || part.name === 'worker' ? [] : workersOf(parts);
      const named: Results = [...shared, ['parts', judgeFiles(parts)]];
      const results = [...own, ...workers, ...named];
      const { name, instance } = part;
      const ours = present(own).map((problem) => ({ part: { name, instance }, ...problem }));
      const problems = [...ours, ...present(workers), ...present(named), ...judgeOthers(others)];
      return {
        ready: isReady(name, [...ours, ...present(workers)]),
        checks: Object.fromEntries(results.map(([check, problem]) => [check, problem === undefined ? 'ok' : 'down'])),
        problemCount: problems.length,
        problems,
        parts: parts.map(
          ({ part: { name, instance, version }, configDigest, policyDigest, problems, since, seenAt }) => ({
            part: name,
            instance,
            version,
            configDigest,
            policyDigest,
            since,
            seenAt,
            problems: [...problems],
          }),
        ),
      };
    },
  };
}

function workersOf(parts: readonly Heartbeat[]): Results {
  const judge = (kind: 'gate' | 'execute'): PartProblem | undefined =>
    hasWorker(kind, parts)
      ? undefined
      : problemOf('worker_unavailable', `No ${kind} worker is there that does its work.`);
  return [
    ['gateWorker', judge('gate')],
    ['executeWorker', judge('execute')],
  ];
}

/** What is wrong with none of the parts, and stops none. Where the database is away, its own check says so. */
async function askShared({ recovery, objections }: Pick<Store, 'recovery' | 'objections'>): Promise<Results> {
  const [halt, unreadable] = await Promise.all([
    within(recovery.status()).then(
      (status) => status.halt,
      () => null,
    ),
    within(objections.countUnreadable()).catch(() => 0),
  ]);
  return [
    ['sweep', halt === null ? undefined : problemOf('sweep_halted')],
    ['objections', unreadable > MOST_UNREADABLE ? problemOf('objection_unreadable') : undefined],
  ];
}

function present(results: Results): readonly PartProblem[] {
  return results.flatMap(([, problem]) => (problem === undefined ? [] : [problem]));
}

async function probe(check: Check, otherwise: PartCode): Promise<PartProblem | undefined> {
  try {
    return await within(check());
  } catch {
    return problemOf(otherwise);
  }
}

function within<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too slow')), CHECK_WITHIN);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * One reading for everybody who asks within `ms` of its start, and for everybody while it is under way, however it ends: what
 * anybody may ask for costs no more than one reading every `ms`.
 */
export function atMostEvery<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly until: number; isOver: boolean } | undefined;
  return () => {
    const now = performance.now();
    if (kept !== undefined && (!kept.isOver || now < kept.until)) return kept.value;
    const reading = { value: read(), until: now + ms, isOver: false };
    kept = reading;
    const end = (): void => void (reading.isOver = true);
    reading.value.then(end, end);
    return reading.value;
  };
}

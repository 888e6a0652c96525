import type { GateClient } from '../gate-client.ts';
import type { Readiness as ReadinessReport } from '../../contract/api.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { StorageError, type Store } from '../../ports/store.ts';

/** How long one check may take, and how often the servers are asked at most, in ms. */
const CHECK_WITHIN = 2_000;
const ASKED_EVERY = 1_000;
/** Stored objections that do not verify; more say that something is wrong. */
const MOST_UNREADABLE = 50;

export interface Readiness {
  check(): Promise<ReadinessReport>;
}

interface ReadinessDeps {
  readonly store: Store;
  readonly gate: GateClient;
  readonly settings: SettingsSource;
  /** Further parts, by name; each throws where it is down. */
  readonly extra: Readonly<Record<string, () => Promise<void>>>;
  /** As `extra`, as configured now, but what is down is only named: the rest goes on without it. */
  readonly dispensable?: () => Readonly<Record<string, () => Promise<void>>>;
  readonly shutdown: AbortSignal;
}

type Problem = ReadinessReport['problems'][number];

/** Words for what is down. They are ours: what the failure said stays inside. */
const DOWN: Readonly<Record<string, Problem>> = {
  database: { code: 'database_unavailable', message: 'The database does not answer.' },
  temporal: { code: 'temporal_unavailable', message: 'Temporal does not answer.' },
  gateWorker: { code: 'worker_unavailable', message: 'No gate worker polls its task queue.' },
  executeWorker: { code: 'worker_unavailable', message: 'No execute worker polls its task queue.' },
  identityProvider: {
    code: 'identity_provider_unavailable',
    message: 'The identity provider of `oidc` does not answer, or its client secret is missing.',
  },
  temporalBinding: {
    code: 'temporal_changed',
    message: 'The database is bound to another Temporal. See `holdpoint temporal rebind`.',
  },
  objections: {
    code: 'objection_unreadable',
    message: 'Many stored objections do not verify, and their claims wait. Is a review key not trusted yet?',
  },
  process: { code: 'shutting_down', message: 'This process is shutting down.' },
};
const ROLLED_BACK: Problem = {
  code: 'log_rolled_back',
  message: 'The audit log does not extend the last known checkpoint.',
};

const HALTED: Problem = {
  code: 'sweep_halted',
  message: 'Temporal has lost too many reviews to settle without a person. See `holdpoint reviews sweep`.',
};

export function createReadiness(deps: ReadinessDeps): Readiness {
  // Named only: calls go on. Where the database is away, its own check says so.
  const sweep = async (): Promise<readonly [string, Problem | undefined]> => {
    const halt = await within(deps.store.recovery.status()).then(
      (status) => status.halt,
      () => null,
    );
    return ['sweep', halt === null ? undefined : HALTED];
  };
  // Anybody may ask, so what asking costs the servers does not depend on how often.
  const ask = atMostEvery(ASKED_EVERY, async () => {
    const pollers = deps.gate.pollers();
    const parts: Readonly<Record<string, () => Promise<void>>> = {
      database: () => deps.store.ping(),
      temporal: () => deps.gate.ping(),
      gateWorker: async () => present((await pollers).gate),
      executeWorker: async () => present((await pollers).execute),
      ...deps.extra,
    };
    const objections = async (): Promise<void> =>
      present((await deps.store.objections.countUnreadable().catch(() => 0)) <= MOST_UNREADABLE);
    const [needed, dispensable, swept] = await Promise.all([
      probeAll(parts),
      probeAll({ ...deps.dispensable?.(), objections }),
      sweep(),
    ]);
    return { needed, dispensable: [...dispensable, swept] };
  });
  return {
    async check() {
      const asked = await ask();
      const needed = [...asked.needed, ...(await probeAll({ process: async () => present(!deps.shutdown.aborted) }))];
      const results = [...needed, ...asked.dispensable];
      const down = results.flatMap(([, problem]) => (problem === undefined ? [] : [problem]));
      const configProblem = deps.settings.problem();
      const config = configProblem === null ? [] : [{ code: 'config_not_in_force', message: configProblem }];
      return {
        ready: needed.every(([, problem]) => problem === undefined),
        checks: Object.fromEntries(results.map(([name, problem]) => [name, problem === undefined ? 'ok' : 'down'])),
        problems: [...down, ...config],
      };
    },
  };
}

function probeAll(
  parts: Readonly<Record<string, () => Promise<void>>>,
): Promise<(readonly [string, Problem | undefined])[]> {
  return Promise.all(Object.entries(parts).map(async ([name, run]) => [name, await probe(name, run)] as const));
}

async function probe(name: string, run: () => Promise<void>): Promise<Problem | undefined> {
  try {
    await within(run());
    return undefined;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'log_rolled_back') return ROLLED_BACK;
    return DOWN[name] ?? { code: name, message: `${name} is down.` };
  }
}

function present(is: boolean): void {
  if (!is) throw new Error('absent');
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

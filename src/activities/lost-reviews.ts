import { EXECUTION_ERRORS } from '../contract/codes.ts';
import { NOT_STARTED } from '../contract/review.ts';
import { hasEnded } from '../domain/lifecycle.ts';
import { entryOf } from '../domain/gate/change.ts';
import type { LedgerRow } from '../domain/ledger.ts';
import type { SettingsSource } from '../domain/policy/settings.ts';
import type { Clock } from '../ports/connector.ts';
import { UNSETTLED_STATES, type SweepHalt, type UnsettledState } from '../ports/recovery.ts';
import type { ReviewWrite, Store } from '../ports/store.ts';
import type { GatedCallInput } from '../workflows/messages.ts';
import { commitStep } from './execute/record-result.ts';

export interface SweepDeps {
  readonly store: Store;
  readonly settings: SettingsSource;
  readonly clock: Clock;
  /** Whether Temporal has a running workflow of this id; throws where Temporal cannot say. */
  isRunning(reviewId: string): Promise<boolean>;
  report(event: SweepEvent): void;
}

export type SweepEvent =
  | { readonly kind: 'settled'; readonly reviewId: string; readonly was: UnsettledState }
  /** Too many reviews are lost. Reported with every sweep until a person approves them. */
  | { readonly kind: 'halted'; readonly halt: SweepHalt };

/** What a worker does about lost reviews of one state. */
export interface Recovery {
  readonly state: UnsettledState;
  /** Undefined: nothing can or need be done about this one. */
  plan(deps: SweepDeps, row: LedgerRow): Promise<(() => Promise<boolean>) | undefined>;
}

export interface LostReview {
  readonly reviewId: string;
  readonly state: UnsettledState;
}

/** Younger reviews are left alone, ms. */
const QUIET_MS = 10_000;
const BATCH = 500;
const LOOKUPS_AT_ONCE = 10;
const NAMED_WHEN_HALTED = 100;

/**
 * A sweep over the unsettled reviews. Each call looks at the next {@link BATCH} of every state, in the order of
 * `recoveries`, and starts over at the end, so that many waiting reviews never hide a lost one. One that fails does not hold
 * up the others; its error is thrown at the end. Resolves with the number settled.
 */
export function createSweep(recoveries: readonly Recovery[]): (deps: SweepDeps) => Promise<number> {
  const cursors = new Map<UnsettledState, string | null>();

  /** The next page of one state. `more`: some of it was lost, so there may be more. */
  async function sweepPage(
    deps: SweepDeps,
    recovery: Recovery,
    failures: unknown[],
  ): Promise<{ settled: number; more: boolean }> {
    const { state } = recovery;
    const page = await deps.store.recovery.unsettled(state, quietSince(deps), BATCH, cursors.get(state) ?? null);
    const lost = await findStopped(deps, page);
    let settled = 0;
    for (const [index, reviewId] of lost.entries()) {
      try {
        const row = await deps.store.readLedger(reviewId);
        const settle = row?.state === state && row.reconciliation === null ? await recovery.plan(deps, row) : undefined;
        if (settle === undefined) continue;
        const found = lost.slice(index, index + NAMED_WHEN_HALTED);
        // That a call without a workflow has none is no sign that Temporal has lost anything.
        const isLost = row?.isDirect === false;
        if (isLost && !(await deps.store.recovery.takeLost(reviewId, found))) return { settled, more: false };
        if (!(await settle())) continue;
        settled += 1;
        deps.report({ kind: 'settled', reviewId, was: state });
      } catch (error) {
        failures.push(error);
      }
    }
    const next = page.length < BATCH ? null : (page.at(-1) ?? null);
    cursors.set(state, next);
    return { settled, more: settled > 0 && next !== null };
  }

  return async (deps) => {
    const failures: unknown[] = [];
    let settled = 0;
    for (const recovery of recoveries) {
      for (let more = true; more;) {
        if (await isHalted(deps)) break;
        const page = await sweepPage(deps, recovery, failures);
        settled += page.settled;
        more = page.more;
      }
    }
    await isHalted(deps);
    if (failures.length > 0) throw failures[0];
    return settled;
  };
}

async function isHalted({ store, report }: SweepDeps): Promise<boolean> {
  const { halt } = await store.recovery.status();
  if (halt !== null) report({ kind: 'halted', halt });
  return halt !== null;
}

/** Every unsettled review that Temporal does not run, for a person to see before anything is done about it. */
export async function findLost(
  deps: Pick<SweepDeps, 'clock' | 'isRunning'> & { readonly store: Pick<Store, 'recovery'> },
): Promise<readonly LostReview[]> {
  const lost: LostReview[] = [];
  for (const state of UNSETTLED_STATES) {
    let page: readonly string[];
    let after: string | null = null;
    do {
      page = await deps.store.recovery.unsettled(state, quietSince(deps), BATCH, after);
      lost.push(...(await findStopped(deps, page)).map((reviewId) => ({ reviewId, state })));
      after = page.at(-1) ?? null;
    } while (page.length === BATCH);
  }
  return lost;
}

async function findStopped(deps: Pick<SweepDeps, 'isRunning'>, reviewIds: readonly string[]): Promise<string[]> {
  const stopped: string[] = [];
  for (let from = 0; from < reviewIds.length; from += LOOKUPS_AT_ONCE) {
    const some = reviewIds.slice(from, from + LOOKUPS_AT_ONCE);
    const running = await Promise.all(some.map((reviewId) => deps.isRunning(reviewId)));
    stopped.push(...some.filter((_, index) => running[index] !== true));
  }
  return stopped;
}

function quietSince({ clock }: Pick<SweepDeps, 'clock'>): string {
  return new Date(clock.now() - QUIET_MS).toISOString();
}

/** Starts `gatedCall` again under the same id, for a review whose outcome a person must still settle. */
type Restart = (reviewId: string, request: GatedCallInput) => Promise<void>;

/**
 * Reviews that Temporal has lost: terminated, failed, or gone with an old copy of its database. An outcome that a person
 * must settle gets its workflow back; a call that no claim stands for becomes `aborted`, which is not a decision.
 */
export const lostReviews = (restart: Restart): readonly Recovery[] => [
  { state: 'unknown', plan: (deps, row) => planRestart(deps, row, restart) },
  { state: 'deferred', plan: planAbort },
  { state: 'open', plan: planAbort },
];

async function planAbort(deps: SweepDeps, row: LedgerRow): Promise<() => Promise<boolean>> {
  const { reviewId, proposalDigest } = row;
  const at = new Date(deps.clock.now()).toISOString();
  const { deploymentId } = deps.settings.current();
  const stored = await deps.store.readReview(reviewId);
  // After an approval it is the execution that ended: otherwise callers would wait for its result forever.
  const error = { code: 'aborted', message: EXECUTION_ERRORS.aborted };
  const review: ReviewWrite =
    stored !== undefined && hasEnded(stored.review.status)
      ? { kind: 'execution', reviewId, execution: { ...NOT_STARTED, status: 'failed', error, finishedAt: at } }
      : { kind: 'end', reviewId, status: 'aborted', at };
  return async () => {
    const { ok } = await deps.store.commit({
      key: `aborted:${reviewId}`,
      ledger: { to: 'deny', reviewId, proposalDigest, reason: 'aborted', at },
      entries: [{ ...entryOf({ deploymentId, reviewId }, at), type: 'aborted', reason: 'workflow_lost' }],
      review,
    });
    return ok;
  };
}

/** Restarts with the request as it was proposed: only that one matches the digest that the ledger row is bound to. */
async function planRestart(
  deps: SweepDeps,
  row: LedgerRow,
  restart: Restart,
): Promise<(() => Promise<boolean>) | undefined> {
  const record = await deps.store.readRecord(row.reviewId);
  const stored = await deps.store.readReview(row.reviewId);
  const first = record?.materials[0];
  if (record === undefined || stored === undefined || first === undefined) return undefined;
  const proposal = record.envelopes.find((envelope) => envelope.kind === 'proposal')?.envelope;
  const { reason, threadId } = stored.review;
  const request: GatedCallInput = {
    service: first.service,
    tool: first.tool,
    arguments: first.arguments,
    ...(reason === null ? {} : { reason }),
    ...(threadId === null ? {} : { threadId }),
    ...(proposal === undefined ? {} : { proposal }),
  };
  return async () => {
    await restart(row.reviewId, request);
    return true;
  };
}

/** How long a claim may be overdue before its worker is taken for lost, ms. */
const OVERDUE_MS = 30_000;

/**
 * Claims whose workflow is gone and whose request can no longer be in flight: no attempt will follow, so the outcome is
 * unknown until a person settles it. Only the execute worker settles claims.
 */
export const lostClaims: Recovery = {
  state: 'claimed',
  plan: async ({ store, settings, clock }, row) => {
    const now = clock.now();
    const { claim } = row;
    if (claim === null || now < Date.parse(claim.settledBy) + OVERDUE_MS) return undefined;
    const { reviewId } = row;
    const finishedAt = new Date(now).toISOString();
    const outcome = { error: { code: 'lost_worker', message: EXECUTION_ERRORS.lost_worker }, finishedAt };
    const entry = entryOf({ deploymentId: settings.current().deploymentId, reviewId }, finishedAt);
    return async () => {
      const { ok } = await commitStep(
        { store },
        { to: 'unknown', reviewId, token: claim.token, outcome },
        { ...row, state: 'unknown', outcome },
        { ...entry, type: 'unknown', errorCode: 'lost_worker' },
      );
      return ok;
    };
  },
};

import { asyncLocalStorage } from '@temporalio/activity';
import { StorageError, type Commit, type CommitResult } from '../../ports/store.ts';
import type { Assessment } from '../../domain/policy/assess.ts';
import type { Reservations } from '../../domain/reservations.ts';
import type { GateDeps } from './deps.ts';

export type OpeningDeps = GateDeps & {
  /** Reviews of each budget that are being opened by this worker. */
  readonly opening: Reservations;
};

/** Why a review is blocked whatever policy says of it. */
export type OpeningRefusal = 'too_many_pending' | 'classification_failed';

interface Draft {
  readonly assessment: Assessment;
  readonly commit: Commit;
}

interface Opening<D extends Draft> {
  readonly reviewId: string;
  readonly proposer: string;
  /** Pure. Without a refusal it may throw, for a reason that stays. */
  draft(refusal: OpeningRefusal | null, isOverLimit: boolean): D;
  /** Whether a limit holds what policy lets through; then it is drafted again. */
  isOverLimit?(assessment: Assessment): Promise<boolean>;
}

/**
 * Writes the first record of a review. One that cannot be classified, now or ever, and one beyond its proposer's limit
 * are recorded as blocked: a call that is retried for ever is in no list, and cannot be decided or withdrawn.
 */
export async function openReview<D extends Draft>(
  deps: OpeningDeps,
  opening: Opening<D>,
): Promise<{ readonly draft: D; readonly result: CommitResult }> {
  let isOverLimit = false;
  let draft: D;
  try {
    draft = opening.draft(null, isOverLimit);
    isOverLimit = (await opening.isOverLimit?.(draft.assessment)) ?? false;
    if (isOverLimit) draft = opening.draft(null, isOverLimit);
  } catch (error) {
    // The database is away: that is no reason that stays.
    if (error instanceof StorageError) throw error;
    return block(deps, opening, error);
  }
  if (draft.assessment.kind !== 'held') return write(deps, opening, draft);
  const budget = budgetOf(opening.proposer);
  const { count, release } = deps.opening.take(typeof budget === 'string' ? budget : budget.prefix);
  try {
    const { pendingPerAgent } = deps.settings.current().limits;
    const isOver = (await deps.store.countPending(budget)) + count > pendingPerAgent;
    // After a reset, or a lost answer, the review itself is among those that count.
    const isNew = isOver && (await deps.store.readLedger(opening.reviewId)) === undefined;
    return await write(deps, opening, isNew ? opening.draft('too_many_pending', isOverLimit) : draft);
  } finally {
    release();
  }
}

async function write<D extends Draft>(
  deps: OpeningDeps,
  opening: Opening<D>,
  draft: D,
): Promise<{ readonly draft: D; readonly result: CommitResult }> {
  try {
    return { draft, result: await deps.store.commit(draft.commit) };
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'write_refused') throw error;
    return block(deps, opening, error);
  }
}

async function block<D extends Draft>(
  deps: OpeningDeps,
  { reviewId, draft }: Opening<D>,
  error: unknown,
): Promise<{ readonly draft: D; readonly result: CommitResult }> {
  const blocked = draft('classification_failed', false);
  const result = await deps.store.commit(blocked.commit);
  asyncLocalStorage.getStore()?.log.error('a review could not be classified', { reviewId, error });
  return { draft: blocked, result };
}

/**
 * Whose limit of pending reviews counts. An identity that a starter chose is no budget of its own: all unattested calls
 * share one, and so do all questions of workflows.
 */
function budgetOf(proposer: string): string | { readonly prefix: string } {
  const prefix = ['temporal:', 'workflow:'].find((start) => proposer.startsWith(start));
  return prefix === undefined ? proposer : { prefix };
}

/** What is recorded in place of the assessment. Nothing of a call that could not be classified is stored. */
export function refuseOpening(refusal: OpeningRefusal, assess: () => Assessment): Assessment {
  const common = { kind: 'blocked', gate: null, reasonCodes: [refusal], errors: [] } as const;
  return refusal === 'classification_failed'
    ? { ...common, class: null, withhold: true, context: {}, fired: [], override: false }
    : { ...assess(), ...common, withhold: false };
}

import { setTimeout as pause } from 'node:timers/promises';
import { asyncLocalStorage } from '@temporalio/activity';
import { LONG_CALL } from '../../contract/constants.ts';
import type { DsseEnvelope } from '../../contract/envelope.ts';
import { NOT_STARTED, type DecisionType } from '../../contract/review.ts';
import { classifiedEntry, proposedEntry } from '../../domain/gate/change.ts';
import { openGate, specOf } from '../../domain/gate/state.ts';
import { viewReview, type ReviewBase } from '../../domain/gate/view.ts';
import { outcomeOf } from '../../domain/outcome.ts';
import { blockUnassessed, type Assessment } from '../../domain/policy/assess.ts';
import { pageBaseOf } from '../../domain/policy/settings.ts';
import type { Reservations } from '../../domain/reservations.ts';
import { StorageError, type Commit, type CommitResult } from '../../ports/store.ts';
import type { Classified, ClassifiedRevision } from '../api.ts';
import type { GateDeps } from './deps.ts';
import { keepEarlierDeadline } from './prepare-revision.ts';
import { isUnclaimed } from '../../domain/ledger.ts';

export type OpeningDeps = GateDeps & {
  /** Reviews of each budget that are being opened by this worker. */
  readonly opening: Reservations;
};

/** Why a review is blocked whatever policy says of it. */
type OpeningRefusal = 'too_many_pending' | 'classification_failed';

/** A call or a question, as it was proposed. */
export interface Opening {
  readonly base: ReviewBase;
  readonly proposal: DsseEnvelope | null;
  /** A reviewer's signed request for a drill, which is kept as a proposal is. */
  readonly drill?: DsseEnvelope | undefined;
  readonly proposalDigest: string;
  /** Decisions that people may take, where it is held. */
  readonly allowed: readonly DecisionType[];
  readonly timeoutMs: number;
  readonly executeWithinMs: number;
  /** Of a call: the freezes that it is assessed by, and the same call by those that stand. */
  readonly freezes?: { readonly version: number; again(): Promise<Opening> };
  /** Pure; may throw, for a reason that stays. */
  assess(isOverLimit: boolean): Assessment;
  /** Whether a limit holds what policy lets through; then it is assessed again. */
  isOverLimit?(assessment: Assessment): Promise<boolean>;
  /** Pure. */
  revise(assessment: Assessment): ClassifiedRevision;
}

interface Draft {
  readonly assessment: Assessment;
  readonly revision: ClassifiedRevision;
  readonly commit: Commit;
}
interface Written {
  readonly draft: Draft;
  readonly result: CommitResult;
}

/**
 * Writes the first record of a review: its ledger row (open, or denied at once), the entries `proposed` and, unless
 * evidence is still to come, `classified`, and the row that people see. A review that cannot be classified, now or ever,
 * and one beyond its proposer's limit are recorded as blocked: a call that is retried for ever is in no list, and cannot
 * be decided or withdrawn.
 */
export async function openReview(deps: OpeningDeps, opening: Opening): Promise<Classified> {
  const { draft, result } = await writeDraft(deps, opening);
  if (!result.ok && result.why === 'outdated' && opening.freezes)
    return openReview(deps, await opening.freezes.again());
  const { base, proposalDigest, timeoutMs, executeWithinMs } = opening;
  const { assessment, revision } = draft;
  const { row } = result;
  if (row === null || row.proposalDigest !== proposalDigest) return { kind: 'refused', reasonCode: 'review_id_taken' };
  const kept = keepEarlierDeadline(revision, row.expiresAt);
  const page = pageBaseOf(deps.settings.current(), deps.localUrl);
  return {
    kind: assessment.kind,
    ...(assessment.kind === 'blocked' && assessment.errors.length > 0 ? { errors: assessment.errors } : {}),
    base,
    revision: kept,
    allowed: assessment.kind === 'held' ? opening.allowed : [],
    proposalDigest,
    timeoutMs,
    executeWithinMs,
    pageUrl: page === null ? null : `${page}/reviews/${base.reviewId}`,
    // Blocked now is no news of a row that was settled before: the ledger tells what became of it.
    outcome: isUnclaimed(row.state) || (result.ok && assessment.kind === 'blocked') ? null : outcomeOf(row),
    reopened: !result.ok || kept !== revision,
  };
}

async function writeDraft(deps: OpeningDeps, opening: Opening): Promise<Written> {
  const { reviewId, proposer } = opening.base;
  let isOverLimit = false;
  let draft: Draft;
  try {
    let assessment = opening.assess(isOverLimit);
    isOverLimit = (await opening.isOverLimit?.(assessment)) ?? false;
    if (isOverLimit) assessment = opening.assess(isOverLimit);
    draft = draftReview(deps, opening, assessment);
  } catch (error) {
    // The database is away: that is no reason that stays.
    if (error instanceof StorageError) throw error;
    return writeBlocked(deps, opening, error);
  }
  if (draft.assessment.kind !== 'held') return write(deps, opening, draft);
  const budget = budgetOf(proposer.id);
  const { count, release } = deps.opening.take(typeof budget === 'string' ? budget : budget.prefix);
  try {
    const { pendingPerAgent } = deps.settings.current().limits;
    const isOver = (await deps.store.countPending(budget)) + count > pendingPerAgent;
    // After a reset, or a lost answer, the review itself is among those that count.
    const isNew = isOver && (await deps.store.readLedger(reviewId)) === undefined;
    const refused = (): Draft => draftReview(deps, opening, refuse('too_many_pending', draft.assessment));
    return await write(deps, opening, isNew ? refused() : draft);
  } finally {
    release();
  }
}

async function write(deps: OpeningDeps, opening: Opening, draft: Draft): Promise<Written> {
  await pauseIfLong(opening.proposal);
  try {
    return { draft, result: await deps.store.commit(draft.commit) };
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'write_refused') throw error;
    return writeBlocked(deps, opening, error);
  }
}

/** After a stage of a long call. */
export async function pauseIfLong(envelope: DsseEnvelope | null): Promise<void> {
  if ((envelope?.payload.length ?? 0) > LONG_CALL.bytes) await pause(LONG_CALL.pauseMs);
}

async function writeBlocked(deps: OpeningDeps, opening: Opening, error: unknown): Promise<Written> {
  const draft = draftReview(deps, opening, refuse('classification_failed', null));
  const result = await deps.store.commit(draft.commit);
  const { reviewId } = opening.base;
  asyncLocalStorage.getStore()?.log.error('a review could not be classified', { reviewId, error });
  return { draft, result };
}

/** What is recorded in place of the assessment. Nothing of a call that could not be classified is stored. */
function refuse(refusal: OpeningRefusal, assessment: Assessment | null): Assessment {
  if (assessment === null) return blockUnassessed(refusal, true);
  return { ...assessment, kind: 'blocked', gate: null, reasonCodes: [refusal], errors: [], withhold: false };
}

const UNGATED = { free: 'not_required', blocked: 'blocked' } as const;

function draftReview({ clock }: Pick<OpeningDeps, 'clock'>, opening: Opening, assessment: Assessment): Draft {
  const { base, proposal, drill, proposalDigest, allowed, freezes } = opening;
  const { reviewId } = base;
  const { kind } = assessment;
  const revision = opening.revise(assessment);
  const { material, digest } = revision;
  const at = new Date(clock.now()).toISOString();
  const classified = classifiedEntry(base, revision, kind === 'held' ? 'pending' : UNGATED[kind], at);
  const review = viewReview({
    base,
    revisions: [{ ...revision, previewError: null, submittedAt: base.proposedAt, by: base.proposer.id, decisions: [] }],
    gate: kind === 'held' && digest !== null ? openGate(specOf(material, digest, allowed)) : null,
    ungated: kind === 'held' ? null : { status: UNGATED[kind], at },
    allowed: kind === 'held' ? allowed : [],
    execution: NOT_STARTED,
  });
  const isWithheld = kind === 'blocked' && assessment.withhold;
  const commit: Commit = {
    key: `open:${reviewId}:${proposalDigest}:${digest ?? ''}`,
    ledger:
      kind === 'blocked'
        ? { to: 'deny', reviewId, proposalDigest, reason: assessment.reasonCodes[0] ?? 'policy_error', at }
        : {
            to: 'open',
            reviewId,
            proposalDigest,
            at,
            expiresAt: material.expiresAt,
            ...(freezes === undefined ? {} : { freezeVersion: freezes.version }),
          },
    entries: [proposedEntry(base, revision, proposalDigest, at), ...(revision.wantsPreview ? [] : [classified])],
    review: {
      kind: 'state',
      review,
      // A service that signs for itself may have signed what it should have sealed.
      envelopes: [
        ...(proposal === null || isWithheld ? [] : [{ kind: 'proposal', envelope: proposal }]),
        ...(drill === undefined ? [] : [{ kind: 'drill', envelope: drill }]),
      ],
      materials: [material],
    },
  };
  return { assessment, revision, commit };
}

/**
 * Whose limit of pending reviews counts. An identity that a starter chose is no budget of its own: all unattested calls
 * share one, and so do all questions of workflows.
 */
function budgetOf(proposer: string): string | { readonly prefix: string } {
  const prefix = ['temporal:', 'workflow:'].find((start) => proposer.startsWith(start));
  return prefix === undefined ? proposer : { prefix };
}

import { asyncLocalStorage } from '@temporalio/activity';
import { Reservations } from '../../domain/reservations.ts';
import type { GateActivities } from '../api.ts';
import { admit } from './admit.ts';
import { classifyCall } from './classify-call.ts';
import { classifyQuestion } from './classify-question.ts';
import type { GateDeps } from './deps.ts';
import type { OpeningDeps } from './open-review.ts';
import { readOutcome, record } from './record.ts';
import { attachEvidence, prepareQuestion, prepareRevision } from './prepare-revision.ts';
import { refuse } from '../refuse.ts';
import type { RecordInput } from '../../domain/gate/change.ts';

export type { GateDeps } from './deps.ts';

/** The gate worker's activities over their dependencies; register them on `holdpoint-gate`. */
export function createGateActivities(deps: GateDeps): GateActivities {
  const opening: OpeningDeps = { ...deps, opening: new Reservations() };
  const ofReview = <I extends { readonly reviewId: string }, O>(run: (input: I) => Promise<O>) =>
    guard(run, ({ reviewId }) => [reviewId]);
  return {
    classifyCall: ofReview((input) => classifyCall(opening, input)),
    classifyQuestion: ofReview((input) => classifyQuestion(opening, input)),
    prepareRevision: guard(
      async (input) => {
        try {
          return input.question ? prepareQuestion(input) : prepareRevision(deps, input);
        } catch {
          // It depends on no other part, so it would fail again: the sender gets an answer.
          return { ok: false };
        }
      },
      ({ previous }) => [previous.reviewId],
    ),
    attachEvidence: guard(
      (input) => attachEvidence(deps, input),
      ({ material }) => [material.reviewId],
    ),
    admit: guard(
      (input) => admit(deps, input),
      ({ reviewId, recordIfSingleVote: vote }) => [
        reviewId,
        ...(vote === undefined ? [] : [vote.record.base.reviewId]),
      ],
    ),
    record: guard((input) => record(deps, input), reviewsOfRecord),
    readOutcome: ofReview((input) => readOutcome(deps, input)),
  };
}

/** Every review that a record touches. Its key is one of them: a key that another review will need could be used up. */
function reviewsOfRecord({ key, review, ledger, entries }: RecordInput): readonly unknown[] {
  return [
    review.reviewId,
    key.split(':')[0],
    ...(ledger === null ? [] : [ledger.reviewId]),
    ...entries.map((entry) => ('reviewId' in entry ? entry.reviewId : null)),
  ];
}

/**
 * Lets a review's own workflow alone use an activity, and only as a local activity.
 *
 * A worker takes every activity that it knows from its task queue, whether our workflows schedule it there or not. So
 * anyone who reaches Temporal could schedule `record` from a workflow of their own and have the gate worker write what they
 * like. Local activities do not come through the server: asking for one means being the workflow that runs here.
 */
export function guard<I, O>(
  run: (input: I) => Promise<O>,
  reviewsOf: (input: I) => readonly unknown[],
): (input: I) => Promise<O> {
  return async (input) => {
    // No context: not called through Temporal at all.
    const info = asyncLocalStorage.getStore()?.info;
    if (info !== undefined) {
      if (!info.isLocal) throw refuse('local_only');
      const own = info.workflowExecution?.workflowId;
      if (own === undefined || !reviewsOf(input).every((reviewId) => reviewId === own)) throw refuse('foreign_review');
    }
    return run(input);
  };
}

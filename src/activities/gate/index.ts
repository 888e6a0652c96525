import { Reservations } from '../../domain/reservations.ts';
import type { GateActivities, RecordInput } from '../api.ts';
import { admit } from './admit.ts';
import { classifyCall } from './classify-call.ts';
import { classifyQuestion } from './classify-question.ts';
import type { GateDeps } from './deps.ts';
import { guard } from './guard.ts';
import type { OpeningDeps } from './open-review.ts';
import { readOutcome, record } from './record.ts';
import { attachEvidence, prepareQuestion, prepareRevision } from './revision.ts';

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

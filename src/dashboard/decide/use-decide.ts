import { useRef } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Review } from '../../contract/review.ts';
import { canBeStopped, queuedDecisionWords, wasStopped } from '../../domain/stop.ts';
import type { DecisionRequest } from '../../contract/decision.ts';
import { HoldpointError } from '../../client/errors.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { reviewQuery } from '../data/queries.ts';
import { refusalWords } from '../ui/words.ts';

export interface Deciding {
  readonly isPending: boolean;
  /** Sends a decision on the digest that is shown. A second press while the first is on its way does nothing. */
  readonly send: (request: Omit<DecisionRequest, 'digest'>) => void;
}

export function useDecide(review: Review, onSent: () => void): Deciding {
  const queries = useQueryClient();
  const { queryKey } = reviewQuery(review.reviewId);
  // Set at once: a second key press comes before the next drawing.
  const onItsWay = useRef(false);
  const decision = useMutation({
    mutationFn: async (request: DecisionRequest) => client.reviews.decide(review.reviewId, request),
    onSuccess: (result, request) => {
      if (result.admitted) {
        queries.setQueryData(queryKey, result.review);
        notify('good', admittedWords(result.review, request.type));
      } else {
        notify('plain', `Your decision is ${queuedDecisionWords(request.type)}.`);
      }
      onSent();
    },
    onError: (error) => {
      notify('bad', refusalWords(error instanceof HoldpointError ? error.code : ''));
      if (error instanceof HoldpointError && error.code === 'edit_invalid') return;
      onSent();
    },
    onSettled: () => {
      onItsWay.current = false;
      void queries.invalidateQueries({ queryKey });
      void queries.invalidateQueries({ queryKey: ['reviews'] });
    },
  });
  return {
    isPending: decision.isPending,
    send: (request) => {
      if (onItsWay.current || review.call.digest === null) return;
      onItsWay.current = true;
      decision.mutate({ ...request, digest: review.call.digest });
    },
  };
}

function admittedWords(after: Review, type: DecisionRequest['type']): string {
  switch (after.status) {
    case 'approved':
      if (wasStopped(after)) return 'Stopped before it ran.';
      if (type === 'reject' && canBeStopped(after)) return 'Your no is recorded. The call will not run.';
      return type === 'respond' ? 'Answered.' : 'Approved. It runs now.';
    case 'rejected':
      return 'Rejected. It will not run.';
    case 'changes_requested':
      return 'Changes asked for. It waits for the proposer.';
    case 'pending':
      return `Your vote counts. ${missingWords(after)}`;
    case 'expired':
    case 'withdrawn':
    case 'not_required':
    case 'blocked':
    case 'aborted':
      return `The review has ended: ${after.status}.`;
    default:
      return after.status satisfies never;
  }
}

function missingWords(review: Review): string {
  const level = review.levels[review.level - 1];
  if (level === undefined) return '';
  const yeses = level.decisions.filter(({ type }) => type === 'approve' || type === 'edit').length;
  return `Level “${level.name}” has ${yeses} of ${level.quorum} votes.`;
}

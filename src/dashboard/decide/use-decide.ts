import { useRef } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Review } from '../../contract/review.ts';
import { canBeStopped, queuedDecisionWords, wasStopped } from '../../domain/stop.ts';
import type { DecisionRequest } from '../../contract/decision.ts';
import { countYeses } from '../../domain/eligibility.ts';
import { HoldpointError } from '../../client/errors.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { reviewQuery } from '../data/queries.ts';
import { refusalWords } from '../ui/words.ts';

export interface Sending<Request> {
  readonly isPending: boolean;
  /** A second press while the first is on its way does nothing. */
  readonly send: (request: Request) => void;
}

/** Sends decisions one at a time, and has what they may have changed (of these query keys) read again. */
export function useSending<Request, Result>(
  mutationFn: (request: Request) => Promise<Result>,
  keys: readonly (readonly string[])[],
  on: { readonly success: (result: Result, request: Request) => void; readonly error: (error: Error) => void },
): Sending<Request> {
  const queries = useQueryClient();
  // Set at once: a second key press comes before the next drawing.
  const onItsWay = useRef(false);
  const { isPending, mutate } = useMutation({
    mutationFn,
    onSuccess: on.success,
    onError: on.error,
    onSettled: () => {
      onItsWay.current = false;
      for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
    },
  });
  return {
    isPending,
    send: (request) => {
      if (onItsWay.current) return;
      onItsWay.current = true;
      mutate(request);
    },
  };
}

export type Deciding = Sending<Omit<DecisionRequest, 'digest'>>;

/** Sends a decision on the digest that is shown. */
export function useDecide(review: Review, onSent: () => void): Deciding {
  const queries = useQueryClient();
  const { queryKey } = reviewQuery(review.reviewId);
  const { digest } = review.call;
  const { isPending, send } = useSending(
    async (request: DecisionRequest) => client.reviews.decide(review.reviewId, request),
    [queryKey, ['reviews']],
    {
      success: (result, { type }) => {
        if (result.admitted) {
          queries.setQueryData(queryKey, result.review);
          notify('good', admittedWords(result.review, type));
        } else {
          notify('plain', `Your decision is ${queuedDecisionWords(type)}.`);
        }
        onSent();
      },
      error: (error) => {
        const code = error instanceof HoldpointError ? error.code : '';
        notify('bad', refusalWords(code));
        if (code !== 'edit_invalid') onSent();
      },
    },
  );
  return { isPending, send: (request) => digest !== null && send({ ...request, digest }) };
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
  const yeses = countYeses(level);
  return `Level “${level.name}” has ${yeses} of ${level.quorum} votes.`;
}

import { useRef, useState } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Review } from '../../contract/review.ts';
import { canBeStopped, queuedDecisionWords, wasStopped } from '../../domain/stop.ts';
import type { DecisionRequest } from '../../contract/decision.ts';
import { countYeses, openLevelOf } from '../../domain/eligibility.ts';
import { STATUS } from '../../domain/lifecycle.ts';
import { repeatsToConfirm } from '../../domain/related.ts';
import { visible } from '../../domain/text/visible.ts';
import { HoldpointError } from '../../client/errors.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { reviewQuery } from '../data/queries.ts';
import { refusalText } from '../ui/refusal.ts';
import { words } from '../words.ts';

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

export interface Deciding extends Sending<Omit<DecisionRequest, 'digest' | 'repeats'>> {
  /** Equal calls of which a yes has to say that twice is meant, by their reviews. */
  readonly repeats: readonly string[];
  /** Those of them for which a decision was refused: of an edit they are known only then. */
  readonly refused: readonly string[];
  readonly confirmed: boolean;
  readonly confirm: (isMeant: boolean) => void;
}

/** Sends a decision on the digest that is shown. */
export function useDecide(review: Review, on: { readonly sent: () => void; readonly refused: () => void }): Deciding {
  const queries = useQueryClient();
  const { queryKey } = reviewQuery(review.reviewId);
  const { digest } = review.call;
  // What the review names; what an edit makes of the call is known once it was refused.
  const [refused, setRefused] = useState<readonly string[]>([]);
  const [meant, setMeant] = useState('');
  const repeats = [...new Set([...repeatsToConfirm(review.related).map(({ reviewId }) => reviewId), ...refused])];
  // Said of exactly these: one that comes later has to be seen first.
  const shown = repeats.join(' ');
  const confirmed = repeats.length > 0 && meant === shown;
  const { isPending, send } = useSending(
    async (request: DecisionRequest) => client.reviews.decide(review.reviewId, request),
    [queryKey, ['reviews']],
    {
      success: (result, { type }) => {
        if (result.admitted) {
          queries.setQueryData(queryKey, result.review);
          notify('good', admittedWords(result.review, type));
        } else {
          notify('plain', words.decided.queued(queuedDecisionWords(type)));
        }
        on.sent();
      },
      error: (error) => {
        const code = error instanceof HoldpointError ? error.code : '';
        notify('bad', [refusalText(code), ...placesOf(error)].join(' '));
        if (error instanceof HoldpointError && code === 'repeat_not_confirmed') {
          setRefused(error.repeats);
        } else if (code !== 'edit_invalid') on.refused();
      },
    },
  );
  const named = (type: DecisionRequest['type']): Pick<DecisionRequest, 'repeats'> =>
    confirmed && (type === 'approve' || type === 'edit') ? { repeats } : {};
  return {
    isPending,
    repeats,
    refused,
    confirmed,
    confirm: (isMeant) => setMeant(isMeant ? shown : ''),
    send: (request) => digest !== null && send({ ...request, ...named(request.type), digest }),
  };
}

/** What does not fit in edited arguments, as the server says: it may know more than the form. */
function placesOf(error: Error): readonly string[] {
  if (!(error instanceof HoldpointError) || error.code !== 'edit_invalid') return [];
  return error.errors.map(({ pointer, message }) => visible(`${pointer} ${message}.`.trim()));
}

function admittedWords(after: Review, type: DecisionRequest['type']): string {
  const level = openLevelOf(after);
  if (level !== undefined) {
    return words.decided.counts(level.name, countYeses(level), level.quorum);
  }
  if (wasStopped(after)) return words.decided.stopped;
  if (type === 'reject' && canBeStopped(after)) return words.decided.noRecorded;
  if (after.status === 'approved') {
    return type === 'respond' || after.kind === 'in-flow' ? words.decided.answered : words.decided.approved;
  }
  if (after.status === 'rejected') return words.decided.rejected;
  if (after.status === 'changes_requested') return words.decide.changesRequested;
  return words.decided.ended(STATUS[after.status].label);
}

import { useRef, useState } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, FieldError, Label, TextArea, TextField } from 'react-aria-components';
import type { ReviewRow } from '../../contract/review.ts';
import type { DecisionResult } from '../../client/reviews.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { serverNow } from '../data/clock.ts';
import { reviewQuery } from '../data/queries.ts';
import { choicesFor, PRESETS } from '../decide/choices.ts';
import { foot } from '../review/foot.ts';
import { useSession } from '../session/session.ts';
import { refusalWords } from '../ui/words.ts';
import { GroupItem, isUndecided, type Choice } from './group-item.tsx';

/** What was chosen for one review, and the digest that was shown when it was. */
interface Chosen {
  readonly choice: Choice;
  readonly digest: string;
}

/** Most decisions that one request takes. */
const BATCH = 100;

export function GroupForm({ rows }: { readonly rows: readonly ReviewRow[] }) {
  const [chosen, setChosen] = useState<ReadonlyMap<string, Chosen>>(new Map());
  const [comment, setComment] = useState('');
  const [tried, setTried] = useState(false);
  const [results, setResults] = useState<ReadonlyMap<string, DecisionResult>>(new Map());
  const sending = useSending((sent) => {
    setResults(new Map([...results, ...sent.map((result) => [result.reviewId, result] as const)]));
    setChosen(new Map());
    setComment('');
    setTried(false);
  });
  const choose = (reviewId: string, next: Chosen | undefined): void => {
    const copy = new Map(chosen);
    if (next === undefined) copy.delete(reviewId);
    else copy.set(reviewId, next);
    setChosen(copy);
  };
  const session = useSession();
  const queries = useQueryClient();
  /** Those of the group that this person may reject now; each with the digest that is shown. */
  const rejectAll = (): void => {
    const all = rows.flatMap(({ reviewId }): (readonly [string, Chosen])[] => {
      const review = queries.getQueryData(reviewQuery(reviewId).queryKey);
      const digest = review?.call.digest ?? null;
      if (review === undefined || digest === null || !isUndecided(review)) return [];
      const { types } = choicesFor(review, session, serverNow());
      return types.includes('reject') ? [[reviewId, { choice: 'reject', digest }]] : [];
    });
    if (all.length === 0) notify('plain', 'There is nothing here that you could reject now.');
    setChosen(new Map(all));
  };
  const rejects = [...chosen.values()].filter(({ choice }) => choice === 'reject').length;
  const missing = rejects > 0 && comment.trim() === '';
  const submit = (): void => {
    setTried(true);
    if (missing || chosen.size === 0) return;
    sending.send(
      [...chosen].map(([reviewId, { choice, digest }]) => ({
        reviewId,
        type: choice,
        digest,
        ...(choice === 'reject' || comment.trim() !== '' ? { comment: comment.trim() } : {}),
      })),
    );
  };
  return (
    <form
      aria-label="Decide on the group"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <p className="quiet">
        Each review stands alone: a no to one is no no to the others. Irreversible calls are approved on their own page,
        one at a time.
      </p>
      <ol className="group-items">
        {rows.map((row) => (
          <GroupItem
            key={row.reviewId}
            row={row}
            choice={chosen.get(row.reviewId)?.choice}
            result={results.get(row.reviewId)}
            onChoose={(choice, digest) =>
              choose(row.reviewId, choice === undefined || digest === undefined ? undefined : { choice, digest })
            }
          />
        ))}
      </ol>
      <div ref={foot} className="decide decide-panel" role="region" aria-label="Decision">
        {rejects > 0 && (
          <>
            <div className="presets">
              {PRESETS.reject.map((preset) => (
                <Button key={preset} className="button button-small" onPress={() => setComment(preset)}>
                  {preset}
                </Button>
              ))}
            </div>
            <TextField value={comment} onChange={setComment} isInvalid={tried && missing} validationBehavior="aria">
              <Label>Why not? (for every review that is rejected)</Label>
              <TextArea rows={2} />
              <FieldError>A comment is needed.</FieldError>
            </TextField>
          </>
        )}
        <div className="decide-row">
          <Button className="button button-bad" onPress={rejectAll} isDisabled={sending.isPending}>
            Reject all
          </Button>
          <Button type="submit" className="button button-main" isDisabled={chosen.size === 0 || sending.isPending}>
            {chosen.size === 0 ? 'Choose above' : `Send ${chosen.size} ${chosen.size === 1 ? 'decision' : 'decisions'}`}
          </Button>
        </div>
      </div>
    </form>
  );
}

type Decision = Parameters<typeof client.reviews.decideMany>[0][number];

function useSending(onDone: (results: readonly DecisionResult[]) => void): {
  readonly isPending: boolean;
  readonly send: (decisions: readonly Decision[]) => void;
} {
  const queries = useQueryClient();
  const onItsWay = useRef(false);
  const sending = useMutation({
    mutationFn: async (decisions: readonly Decision[]) => {
      const results: DecisionResult[] = [];
      for (let at = 0; at < decisions.length; at += BATCH) {
        results.push(...(await client.reviews.decideMany(decisions.slice(at, at + BATCH))));
      }
      return results;
    },
    onSuccess: (results) => {
      const refused = results.filter(({ httpStatus }) => httpStatus >= 300).length;
      if (refused === 0) notify('good', `${results.length} decided.`);
      else notify('bad', `${refused} of ${results.length} did not count; each says why.`);
      onDone(results);
    },
    onError: () => notify('bad', refusalWords('connection_failed')),
    onSettled: () => {
      onItsWay.current = false;
      void queries.invalidateQueries({ queryKey: ['reviews'] });
      void queries.invalidateQueries({ queryKey: ['review'] });
    },
  });
  return {
    isPending: sending.isPending,
    send: (decisions) => {
      if (onItsWay.current) return;
      onItsWay.current = true;
      sending.mutate(decisions);
    },
  };
}

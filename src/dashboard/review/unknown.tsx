import { useState } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Label, Radio, RadioGroup, TextArea, TextField } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import { QUEUED_WORDS } from '../../domain/stop.ts';
import { HoldpointError } from '../../client/errors.ts';
import { useNow } from '../data/clock.ts';
import { whyNotReconcile } from '../decide/choices.ts';
import { SendHint, sendByControlEnter } from '../decide/send-hint.tsx';
import { useSession } from '../session/session.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { reviewQuery } from '../data/queries.ts';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { refusalText } from '../ui/refusal.ts';
import { words } from '../words.ts';
import { Fact } from '../ui/parts.tsx';

/**
 * The outcome of the call is unknown: what is known, and for those who may, when they may,
 * the form in which to say what it was.
 */
export function OutcomeUnknown({ review }: { readonly review: Review }) {
  const session = useSession();
  const now = useNow();
  const { execution, call } = review;
  if (execution.status !== 'outcome_unknown' || execution.reconciled !== undefined) return null;
  const reason = whyNotReconcile(review, session, now);
  return (
    <section className="card unknown" aria-labelledby="unknown">
      <h2 id="unknown">{words.settle.title}</h2>
      <p>{words.settle.about}</p>
      <dl className="arguments">
        <Fact name={words.settle.tool}>
          <code>
            <Visible text={call.tool} />
          </code>
        </Fact>
        <Fact name={words.settle.target}>
          <Visible text={review.target?.connector ?? call.service} />
        </Fact>
        {execution.startedAt !== null && (
          <Fact name={words.settle.sentAt}>
            <Instant at={execution.startedAt} />
          </Fact>
        )}
        <Fact name={words.settle.known}>
          <Visible text={execution.error?.message ?? words.settle.noAnswer} />
        </Fact>
        <Fact name={words.settle.approvedBy}>
          <Visible
            text={
              review.revisions
                .at(-1)
                ?.decisions.map(({ reviewer }) => reviewer)
                .join(', ') || words.settle.noOne
            }
          />
        </Fact>
      </dl>
      {reason === undefined ? <Settle review={review} /> : <p role="status">{reason}</p>}
    </section>
  );
}

function Settle({ review }: { readonly review: Review }) {
  const queries = useQueryClient();
  const [outcome, setOutcome] = useState<'executed' | 'failed'>();
  const [note, setNote] = useState('');
  const settle = useMutation({
    mutationFn: (chosen: 'executed' | 'failed') =>
      client.reviews.reconcile(review.reviewId, { outcome: chosen, note: note.trim() }),
    onSuccess: (result) => {
      notify('good', result.admitted ? words.settle.done : words.settle.queued(QUEUED_WORDS));
    },
    onError: (error) => notify('bad', refusalText(error instanceof HoldpointError ? error.code : '')),
    onSettled: () => queries.invalidateQueries({ queryKey: reviewQuery(review.reviewId).queryKey }),
  });
  return (
    <form
      className="panel-form"
      onKeyDown={sendByControlEnter}
      onSubmit={(event) => {
        event.preventDefault();
        if (outcome !== undefined) settle.mutate(outcome);
      }}
    >
      <RadioGroup
        value={outcome ?? null}
        onChange={(value) => setOutcome(value === 'executed' ? 'executed' : 'failed')}
        isRequired
        className="choices"
      >
        <Label>{words.settle.question}</Label>
        <Radio value="executed" className="choice">
          {words.settle.executed}
        </Radio>
        <Radio value="failed" className="choice">
          {words.settle.failed}
        </Radio>
      </RadioGroup>
      <TextField value={note} onChange={setNote} isRequired maxLength={4_000}>
        <Label>{words.settle.how}</Label>
        <TextArea />
      </TextField>
      <Button type="submit" className="button button-main" isDisabled={settle.isPending}>
        {words.settle.record}
      </Button>
      <SendHint />
    </form>
  );
}

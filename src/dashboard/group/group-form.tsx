import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button, FieldError, Label, Radio, RadioGroup, TextArea, TextField } from 'react-aria-components';
import type { Review, ReviewRow } from '../../contract/review.ts';
import { approversAt, countYeses, openLevelOf } from '../../domain/eligibility.ts';
import type { SectionId } from '../../domain/show/shown.ts';
import type { DecisionResult } from '../../client/reviews.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { serverNow, useNow } from '../data/clock.ts';
import { reviewQuery } from '../data/queries.ts';
import { choicesFor } from '../decide/choices.ts';
import { Presets } from '../decide/panels.tsx';
import { useSending } from '../decide/use-decide.ts';
import { titleLine } from '../../domain/show/title.ts';
import { foot, SeenProvider, useSeen } from '../review/seen.tsx';
import { Blocks, LineView } from '../review/shown-view.tsx';
import { useShown } from '../review/use-shown.ts';
import { useSession } from '../session/session.ts';
import { ClassBadge, ExecutionBadge, StatusBadge } from '../ui/badge.tsx';
import { TimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { refusalText } from '../ui/refusal.ts';
import { words } from '../words.ts';

/** What was chosen for one review, and the digest that was shown when it was. */
interface Chosen {
  readonly choice: Choice;
  readonly digest: string;
}

/** Most decisions that one request takes. */
const BATCH = 100;

async function decideAll(decisions: Parameters<typeof client.reviews.decideMany>[0]): Promise<DecisionResult[]> {
  const results: DecisionResult[] = [];
  for (let at = 0; at < decisions.length; at += BATCH) {
    results.push(...(await client.reviews.decideMany(decisions.slice(at, at + BATCH))));
  }
  return results;
}

export function GroupForm({ rows }: { readonly rows: readonly ReviewRow[] }) {
  const [chosen, setChosen] = useState<ReadonlyMap<string, Chosen>>(new Map());
  const [comment, setComment] = useState('');
  const [tried, setTried] = useState(false);
  const [results, setResults] = useState<ReadonlyMap<string, DecisionResult>>(new Map());
  const sending = useSending(decideAll, [['reviews'], ['review']], {
    success: (sent) => {
      const refused = sent.filter(({ httpStatus }) => httpStatus >= 300).length;
      if (refused === 0) notify('good', `${sent.length} decided.`);
      else notify('bad', `${refused} of ${sent.length} refused; each says why.`);
      setResults(new Map([...results, ...sent.map((result) => [result.reviewId, result] as const)]));
      setChosen(new Map());
      setComment('');
      setTried(false);
    },
    error: () => notify('bad', refusalText('connection_failed')),
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
    if (all.length === 0) notify('plain', 'There is nothing here that you can reject now.');
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
        Each review is decided on its own: rejecting one does not reject the others. Irreversible calls are approved one
        at a time, on their own page.
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
            <Presets type="reject" onChoose={setComment} />
            <TextField value={comment} onChange={setComment} isInvalid={tried && missing} validationBehavior="aria">
              <Label>Why not? (for every review that is rejected)</Label>
              <TextArea rows={2} />
              <FieldError>{words.panels.commentNeeded}</FieldError>
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

/** A group decides what still waits; an approved call is stopped on its own page. */
function isUndecided({ status }: Review): boolean {
  return status === 'pending' || status === 'changes_requested';
}

type Choice = 'approve' | 'reject';

interface ItemProps {
  readonly row: ReviewRow;
  readonly choice: Choice | undefined;
  readonly result: DecisionResult | undefined;
  readonly onChoose: (choice: Choice | undefined, digest: string | undefined) => void;
}

/** One review of a group: its call in full, and what may be chosen for it here. */
function GroupItem(props: ItemProps) {
  const { row } = props;
  const review = useQuery(reviewQuery(row.reviewId)).data;
  const now = useNow();
  return (
    <li className="card" data-testid="group-item">
      <h2>
        <Link to="/reviews/$reviewId" params={{ reviewId: row.reviewId }}>
          <LineView line={titleLine(row)} />
        </Link>
      </h2>
      <p className="badges">
        <ClassBadge value={row.class} />
        <StatusBadge value={row.status} />
        {row.executionStatus !== 'not_started' && <ExecutionBadge value={row.executionStatus} />}
        {row.status === 'pending' && <TimeLeft until={row.expiresAt} now={now} />}
      </p>
      {review !== undefined && (
        <SeenProvider key={review.call.digest}>
          <InShort review={review} />
          <OpenLevel review={review} />
          <Choosing {...props} review={review} />
        </SeenProvider>
      )}
      {props.result?.code !== undefined && (
        <p className="note note-bad" role="alert">
          {refusalText(props.result.code)}
        </p>
      )}
    </li>
  );
}

/** Which level a vote counts for, and what it lacks. */
function OpenLevel({ review }: { readonly review: Review }) {
  const now = useNow();
  const level = openLevelOf(review);
  if (level === undefined) return null;
  return (
    <p className="quiet">
      Level {review.level} of {review.levels.length}, <Visible text={level.name} />: {countYeses(level)} of{' '}
      {level.quorum} votes, by <Visible text={approversAt(level, now).join(' or ')} />
    </p>
  );
}

function Choosing({ review, choice, onChoose }: ItemProps & { readonly review: Review }) {
  const session = useSession();
  const now = useNow();
  const { left } = useSeen();
  if (!isUndecided(review)) return null;
  const { types, why } = choicesFor(review, session, now);
  if (types.length === 0) return <p className="quiet">{why}</p>;
  const digest = review.call.digest ?? undefined;
  const alone = review.class === 'irreversible' || review.class === 'forbidden';
  return (
    <RadioGroup
      className="choices"
      value={choice ?? 'none'}
      onChange={(value) => onChoose(value === 'approve' || value === 'reject' ? value : undefined, digest)}
    >
      <Label className="unseen-by-eye">Decision</Label>
      <Radio value="none" className="choice">
        Not now
      </Radio>
      {types.includes('reject') && (
        <Radio value="reject" className="choice">
          Reject
        </Radio>
      )}
      {types.includes('approve') && !alone && (
        <Radio value="approve" className="choice" isDisabled={left > 0}>
          Approve{left > 0 ? ' (scroll to see everything first)' : ''}
        </Radio>
      )}
      {types.includes('approve') && alone && (
        <Link to="/reviews/$reviewId" params={{ reviewId: review.reviewId }} state={{ asked: 'approve' }}>
          Approve on its own page
        </Link>
      )}
    </RadioGroup>
  );
}

const IN_SHORT = new Set<SectionId>(['changes', 'evidence', 'call', 'request', 'words']);

/** What is decided on, without what a page of its own has beside it. */
function InShort({ review }: { readonly review: Review }) {
  return useShown(review)
    .sections.filter(({ id }) => IN_SHORT.has(id))
    .map((section) => (
      <div key={section.id} className={`part voice-${section.voice}`} data-section={section.id}>
        <h3 className="small">{section.heading}</h3>
        <Blocks section={section} />
      </div>
    ));
}

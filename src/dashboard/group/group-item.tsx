import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Label, Radio, RadioGroup } from 'react-aria-components';
import type { Review, ReviewRow } from '../../contract/review.ts';
import type { DecisionResult } from '../../client/reviews.ts';
import { useNow } from '../data/clock.ts';
import { reviewQuery } from '../data/queries.ts';
import { choicesFor } from '../decide/choices.ts';
import { useRowWords } from '../inbox/item-view.tsx';
import { AgentWords } from '../review/agent-words.tsx';
import { CallView } from '../review/call-view.tsx';
import { EvidenceSamples, EvidenceView } from '../review/evidence.tsx';
import { SeenProvider, useSeen } from '../review/seen.tsx';
import { useSession } from '../session/session.ts';
import { ClassBadge, ExecutionBadge, StatusBadge } from '../ui/badge.tsx';
import { TimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { refusalWords } from '../ui/words.ts';

/** A group decides what still waits; an approved call is stopped on its own page. */
export function isUndecided({ status }: Review): boolean {
  return status === 'pending' || status === 'changes_requested';
}

export type Choice = 'approve' | 'reject';

interface ItemProps {
  readonly row: ReviewRow;
  readonly choice: Choice | undefined;
  readonly result: DecisionResult | undefined;
  readonly onChoose: (choice: Choice | undefined, digest: string | undefined) => void;
}

/** One review of a group: its call in full, and what may be chosen for it here. */
export function GroupItem(props: ItemProps) {
  const { row } = props;
  const review = useQuery(reviewQuery(row.reviewId)).data;
  const now = useNow();
  const words = useRowWords(row);
  return (
    <li className="card" data-testid="group-item">
      <h2>
        <Link to="/reviews/$reviewId" params={{ reviewId: row.reviewId }}>
          <Visible text={words} />
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
          <EvidenceView review={review} />
          <CallView review={review} />
          <EvidenceSamples review={review} />
          <AgentWords review={review} isPart />
          <OpenLevel review={review} />
          <Choosing {...props} />
        </SeenProvider>
      )}
      {props.result?.code !== undefined && (
        <p className="note note-bad" role="alert">
          {refusalWords(props.result.code)}
        </p>
      )}
    </li>
  );
}

/** Which step of the approval a vote counts for, and what it lacks. */
function OpenLevel({ review }: { readonly review: Review }) {
  const level = review.levels[review.level - 1];
  if (review.status !== 'pending' || level === undefined) return null;
  const yeses = level.decisions.filter(({ type }) => type === 'approve' || type === 'edit').length;
  return (
    <p className="quiet">
      Level {review.level} of {review.levels.length}, <Visible text={level.name} />: {yeses} of {level.quorum} votes, by{' '}
      <Visible text={level.approvers.join(' or ')} />
    </p>
  );
}

function Choosing({ row, choice, onChoose }: ItemProps) {
  const session = useSession();
  const now = useNow();
  const { left } = useSeen();
  const review = useQuery(reviewQuery(row.reviewId)).data;
  if (review === undefined || !isUndecided(review)) return null;
  const { types, why } = choicesFor(review, session, now);
  if (types.length === 0) return <p className="quiet">{why}</p>;
  const digest = review.call.digest ?? undefined;
  const alone = row.class === 'irreversible' || row.class === 'forbidden';
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
          Approve{left > 0 ? ' (after all of it was on screen)' : ''}
        </Radio>
      )}
      {types.includes('approve') && alone && (
        <Link to="/reviews/$reviewId" params={{ reviewId: row.reviewId }} state={{ asked: 'approve' }}>
          Approve on its own page
        </Link>
      )}
    </RadioGroup>
  );
}

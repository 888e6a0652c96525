import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import type { ReviewRow } from '../../contract/review.ts';
import { rowCanBeStopped } from '../../domain/stop.ts';
import { toolsQuery } from '../data/queries.ts';
import { ClassBadge, ExecutionBadge, StatusBadge } from '../ui/badge.tsx';
import { argumentsOfSummary, plainWords } from '../ui/plain-words.ts';
import { Age, TimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import type { InboxItem } from './fold.ts';

export function ItemView({
  item,
  now,
  onToggle,
}: {
  readonly item: InboxItem;
  readonly now: number;
  readonly onToggle: (key: string) => void;
}) {
  switch (item.kind) {
    case 'heading':
      return <h2>{item.text}</h2>;
    case 'group':
      return <GroupLine item={item} now={now} onToggle={onToggle} />;
    case 'review':
      return <ReviewLine row={item.row} now={now} inGroup={item.inGroup} />;
    default:
      return item satisfies never;
  }
}

function ReviewLine({
  row,
  now,
  inGroup,
}: {
  readonly row: ReviewRow;
  readonly now: number;
  readonly inGroup: boolean;
}) {
  const words = useRowWords(row);
  const waits = row.status === 'pending' || row.status === 'changes_requested';
  return (
    <div className={inGroup ? 'line line-inner' : 'line'} data-testid="row">
      <div className="line-top">
        <Link to="/reviews/$reviewId" params={{ reviewId: row.reviewId }} className="line-title" data-main="">
          <Visible text={words} />
        </Link>
        <ClassBadge value={row.class} />
        {row.status !== 'pending' && <StatusBadge value={row.status} />}
        {rowCanBeStopped(row) && <span className="badge badge-warn">not run yet</span>}
        {row.executionStatus !== 'not_started' && <ExecutionBadge value={row.executionStatus} />}
        {waits && <TimeLeft until={row.expiresAt} now={now} />}
      </div>
      <p className="line-detail">
        <code>
          <Visible text={row.summary} />
        </code>
      </p>
      <p className="line-facts">
        <span>
          by <Visible text={row.proposer.id} />
          {row.proposer.owner !== null && (
            <>
              , owner <Visible text={row.proposer.owner} />
            </>
          )}
        </span>
        <Age since={row.proposedAt} now={now} />
        {row.votesMissing > 0 && <span>{votesWords(row.votesMissing)}</span>}
        {row.group !== null && !inGroup && (
          <span>
            group <Visible text={row.group} />
          </span>
        )}
      </p>
    </div>
  );
}

function GroupLine({
  item,
  now,
  onToggle,
}: {
  readonly item: Extract<InboxItem, { kind: 'group' }>;
  readonly now: number;
  readonly onToggle: (key: string) => void;
}) {
  const [first] = item.rows;
  const tools = [...new Set(item.rows.map(({ tool }) => tool))];
  return (
    <div className="line line-group" data-testid="group">
      <div className="line-top">
        <Button className="line-title fold" data-main="" aria-expanded={item.open} onPress={() => onToggle(item.key)}>
          <span aria-hidden="true">{item.open ? '▾' : '▸'}</span> {item.rows.length} calls together:{' '}
          <Visible text={item.name} />
        </Button>
        <Link to="/group" search={{ name: item.name, proposer: item.proposer }} className="button button-small">
          Decide together
        </Link>
        <TimeLeft until={first?.expiresAt ?? null} now={now} />
      </div>
      <p className="line-facts">
        <span>
          by <Visible text={item.proposer} />
        </span>
        <span>
          <Visible text={tools.join(', ')} />
        </span>
      </p>
    </div>
  );
}

/** What a row's call does, in plain words. */
export function useRowWords(row: ReviewRow): string {
  const tools = useQuery(toolsQuery()).data?.tools;
  if (row.title !== null) return row.title;
  const description = tools?.find(({ tool }) => tool === row.tool)?.description;
  return plainWords(row.tool, argumentsOfSummary(row.tool, row.summary), description);
}

function votesWords(missing: number): string {
  return missing === 1 ? '1 vote missing' : `${missing} votes missing`;
}

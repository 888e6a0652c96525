import { useRef, useState } from 'react';
import { Link, useNavigate } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import type { ReviewRow } from '../../contract/review.ts';
import { rowCanBeStopped } from '../../domain/stop.ts';
import { useKeys } from '../app/keys.ts';
import { ClassBadge, ExecutionBadge, StatusBadge } from '../ui/badge.tsx';
import { summaryOfRow, titleLine } from '../../domain/show/title.ts';
import { LineView } from '../review/shown-view.tsx';
import { Age, TimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { useWindowRows } from '../ui/window-rows.ts';
import type { InboxItem } from './fold.ts';

/** The list: only what is near the screen is in the document, and the next page is fetched before its end is seen. */
export function InboxRows({
  items,
  now,
  loadMore,
  onToggle,
}: {
  readonly items: readonly InboxItem[];
  readonly now: number;
  readonly loadMore: () => void;
  readonly onToggle: (key: string) => void;
}) {
  const box = useRef<HTMLUListElement>(null);
  const { virtual, shown, placeOf } = useWindowRows({
    box,
    count: items.length,
    estimateSize: (row) => (items[row]?.kind === 'heading' ? 44 : 92),
    keyOf: (row) => items[row]?.key ?? row,
    loadMore,
  });
  const selected = useSelection(items, box, (index) => virtual.scrollToIndex(index), onToggle);
  return (
    <ul className="rows" ref={box} style={{ height: `${virtual.getTotalSize()}px` }} aria-label="Reviews">
      {shown.map((place) => {
        const { index, key } = place;
        const item = items[index];
        if (item === undefined) return null;
        return (
          <li
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            className={item.kind === 'heading' ? 'row-heading' : 'row'}
            data-selected={item.key === selected ? '' : undefined}
            style={placeOf(place)}
          >
            {item.kind === 'heading' && <h2>{item.text}</h2>}
            {item.kind === 'group' && <GroupLine item={item} now={now} onToggle={onToggle} />}
            {item.kind === 'review' && <ReviewLine row={item.row} now={now} inGroup={item.inGroup} />}
          </li>
        );
      })}
    </ul>
  );
}

/**
 * The line that keys act on. It follows the review and not the place: when rows come and go above it, it stays. Until a
 * key moves it, it is the first line.
 */
function useSelection(
  items: readonly InboxItem[],
  box: React.RefObject<HTMLUListElement | null>,
  scrollTo: (index: number) => void,
  onToggle: (key: string) => void,
): string | undefined {
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<string>();
  const first = items.findIndex((item) => item.kind !== 'heading');
  const found = chosen === undefined ? -1 : items.findIndex((item) => item.key === chosen);
  const at = found === -1 ? first : found;
  const move = (step: 1 | -1): void => {
    const from = chosen === undefined ? first - step : at;
    let next = from + step;
    while (items[next]?.kind === 'heading') next += step;
    const item = items[next];
    if (item === undefined) return;
    setChosen(item.key);
    scrollTo(next);
    // After the row is in the document: the focus is what a screen reader follows.
    requestAnimationFrame(() =>
      box.current?.querySelector<HTMLElement>(`[data-index="${next}"] [data-main]`)?.focus({ preventScroll: true }),
    );
  };
  const open = (decision?: 'approve' | 'edit' | 'reject' | 'revise'): void => {
    const item = items[at];
    if (item?.kind === 'review') {
      void navigate({
        to: '/reviews/$reviewId',
        params: { reviewId: item.row.reviewId },
        state: decision === undefined ? {} : { asked: decision },
      });
    } else if (item?.kind === 'group') {
      if (decision === undefined) onToggle(item.key);
      else void navigate({ to: '/group', search: { name: item.name, proposer: item.proposer } });
    }
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    a: () => open('approve'),
    e: () => open('edit'),
    r: () => open('reject'),
    c: () => open('revise'),
    Enter: (event) => {
      // A link or a button that has the focus opens by itself.
      if (event.target === document.body || event.target === document.getElementById('main')) open();
    },
  });
  return items[at]?.key;
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
  const waits = row.status === 'pending' || row.status === 'changes_requested';
  return (
    <div className={inGroup ? 'line line-inner' : 'line'} data-testid="row">
      <div className="line-top">
        <Link to="/reviews/$reviewId" params={{ reviewId: row.reviewId }} className="line-title" data-main="">
          <LineView line={titleLine(row)} />
        </Link>
        <ClassBadge value={row.class} />
        {row.status !== 'pending' && <StatusBadge value={row.status} />}
        {rowCanBeStopped(row) && <span className="badge badge-warn">not run yet</span>}
        {row.executionStatus !== 'not_started' && <ExecutionBadge value={row.executionStatus} />}
        {waits && <TimeLeft until={row.expiresAt} now={now} />}
      </div>
      {/* That of a question is its title once more. */}
      {row.title === null && (
        <p className="line-detail">
          <code>
            <Visible text={summaryOfRow(row)} />
          </code>
        </p>
      )}
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

function votesWords(missing: number): string {
  return missing === 1 ? '1 vote missing' : `${missing} votes missing`;
}

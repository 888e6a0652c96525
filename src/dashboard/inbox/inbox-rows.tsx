import { useEffect, useMemo, useRef, useState, type FocusEvent, type RefObject } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import type { ReviewRow } from '../../contract/review.ts';
import { EXECUTION, hasEnded, STATUS } from '../../domain/lifecycle.ts';
import { rowLine } from '../../domain/show/title.ts';
import { shortReasons } from '../../domain/words.ts';
import { useKeys } from '../app/keys.ts';
import { notify } from '../app/notices.tsx';
import { latestRowKey } from '../data/queries.ts';
import { LineView } from '../review/shown-view.tsx';
import { useSession } from '../session/session.ts';
import { ClassBadge } from '../ui/badge.tsx';
import { useIsNarrow } from '../ui/hooks.ts';
import { Age, TimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { useWindowRows } from '../ui/window-rows.ts';
import { words } from '../words.ts';
import { stepFrom, type Choice } from './choice.ts';
import type { InboxItem } from './fold.ts';

interface RowsProps {
  readonly items: readonly InboxItem[];
  /** Shown, and no longer in the list. */
  readonly gone: ReadonlySet<string>;
  readonly now: number;
  readonly loadMore: () => void;
  readonly onToggle: (key: string) => void;
}

/** The list: only what is near the screen is in the document, and the next page is fetched before its end is seen. */
export function InboxRows({ items, gone, now, loadMore, onToggle }: RowsProps) {
  const box = useRef<HTMLUListElement>(null);
  const isNarrow = useIsNarrow();
  const { virtual, shown, placeOf } = useWindowRows({
    box,
    count: items.length,
    estimateSize: (row) => (isNarrow ? 64 : items[row]?.kind === 'heading' ? 36 : 40),
    keyOf: (row) => items[row]?.key ?? row,
    loadMore,
  });
  const { chosen, choose } = useChoice({
    items,
    gone,
    box,
    scrollTo: (index) => virtual.scrollToIndex(index),
    onToggle,
  });
  const usual = useMemo(() => usualOf(items), [items]);
  return (
    <ul className="rows" ref={box} style={{ height: `${virtual.getTotalSize()}px` }} aria-label={words.inbox.list}>
      {shown.map((place) => {
        const { index, key } = place;
        const item = items[index];
        if (item === undefined) return null;
        const { kind } = item;
        return (
          <li
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            className={kind === 'heading' ? 'row-heading' : 'row'}
            data-selected={item.key === chosen ? '' : undefined}
            data-gone={gone.has(item.key) && kind !== 'heading' ? '' : undefined}
            style={placeOf(place)}
            onFocus={(event) => kind !== 'heading' && choose(item.key, index, event)}
          >
            {kind === 'heading' && <h2>{item.text}</h2>}
            {kind === 'group' && <GroupLine item={item} now={now} onToggle={onToggle} />}
            {kind === 'review' && (
              <ReviewLine {...item} now={now} isGone={gone.has(item.key)} usual={usual.get(item.key)} />
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** Of the last reviewer, so that coming back from a review finds it again. Lasts as long as the page. */
let lastChoice: { readonly of: string; readonly choice: Choice | undefined } | undefined;

interface ChoiceOptions extends Pick<RowsProps, 'items' | 'gone' | 'onToggle'> {
  readonly box: RefObject<HTMLUListElement | null>;
  readonly scrollTo: (index: number) => void;
}

/**
 * The review that keys act on. A person chooses it: by j and k, or by moving the focus to it. It stays the same review
 * whatever comes, goes or moves around it, and no key acts on one that was not chosen.
 */
function useChoice({ items, gone, box, scrollTo, onToggle }: ChoiceOptions) {
  const navigate = useNavigate();
  const { id } = useSession().reviewer;
  const [chosen, setChosen] = useState(lastChoice?.of === id ? lastChoice.choice : undefined);
  useEffect(() => {
    lastChoice = { of: id, choice: chosen };
  });
  const item = items.find(({ key }) => key === chosen?.key);
  const focus = (key: string): void =>
    [...(box.current?.querySelectorAll<HTMLElement>('[data-main]') ?? [])]
      .find((element) => element.dataset['main'] === key)
      ?.focus({ preventScroll: true });
  const move = (step: 1 | -1): void => {
    const next = stepFrom(chosen, step, items);
    if (next === undefined) return;
    setChosen(next);
    scrollTo(next.index);
    // After the row is in the document: the focus is what a screen reader follows.
    requestAnimationFrame(() => focus(next.key));
  };
  const open = (asked?: 'approve' | 'edit' | 'reject' | 'revise'): void => {
    if (item === undefined || item.kind === 'heading') return notify('plain', words.inbox.chooseFirst);
    if (item.kind === 'group') {
      if (asked === undefined) onToggle(item.key);
      else void navigate({ to: '/group', search: { name: item.name, proposer: item.proposer } });
      return;
    }
    void navigate({
      to: '/reviews/$reviewId',
      params: { reviewId: item.row.reviewId },
      // Of one that is gone from the list nothing is begun: its page says what became of it.
      state: asked === undefined || gone.has(item.key) ? {} : { asked },
    });
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
  return {
    chosen: item?.key,
    choose: (key: string, index: number, { target }: FocusEvent<HTMLElement>): void => {
      // Not by a press of the mouse, which opens it anyway.
      if (target.matches(':focus-visible')) setChosen({ key, index });
    },
  };
}

/** What most rows of a section are, which then needs no badge. */
interface Usual {
  readonly class: ReviewRow['class'];
  readonly state: string;
}

function usualOf(items: readonly InboxItem[]): ReadonlyMap<string, Usual> {
  const found = new Map<string, Usual>();
  let section: ReviewRow[] = [];
  const close = (): void => {
    const calls = section.filter(({ kind }) => kind === 'call');
    const usual = {
      class: mostCommon(calls.map((row) => row.class)) ?? null,
      state: mostCommon(section.map(stateOf)) ?? '',
    };
    for (const { reviewId } of section) found.set(reviewId, usual);
    section = [];
  };
  for (const item of items) {
    if (item.kind === 'heading') close();
    else section.push(...(item.kind === 'group' ? item.rows : [item.row]));
  }
  close();
  return found;
}

function mostCommon<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}

/** What became of it; of a call that was approved, what became of the call. */
function stateOf({ status, executionStatus }: ReviewRow): string {
  return (executionStatus === 'not_started' ? STATUS[status] : EXECUTION[executionStatus]).label;
}

interface LineProps {
  readonly row: ReviewRow;
  readonly inGroup: boolean;
  readonly isGone: boolean;
  readonly now: number;
  readonly usual: Usual | undefined;
}

/** What it does, who proposed it for whom, why it is held, and how long is left. */
function ReviewLine({ row, inGroup, isGone, now, usual }: LineProps) {
  const { status, proposer, executionStatus } = row;
  const isDangerous = executionStatus === 'outcome_unknown';
  return (
    <div className={inGroup ? 'line line-inner' : 'line'} data-testid="row">
      <span className="line-title">
        <Link
          to="/reviews/$reviewId"
          params={{ reviewId: row.reviewId }}
          className="line-open"
          data-main={row.reviewId}
        >
          <LineView line={rowLine(row)} />
        </Link>
        {row.kind === 'call' && row.class !== usual?.class && <ClassBadge value={row.class} />}
        {stateOf(row) !== usual?.state && (
          <span className={`badge badge-${isDangerous ? 'bad' : 'quiet'}`}>{stateOf(row)}</span>
        )}
      </span>
      <span className="line-who">
        <Visible text={words.inbox.who(proposer.id, proposer.owner)} />
      </span>
      <span className="line-why">
        {row.votesMissing > 1 && words.inbox.votesMissing(row.votesMissing)}
        <Visible text={shortReasons(row)} />
      </span>
      <span className="line-time">
        {isGone ? (
          <Gone reviewId={row.reviewId} />
        ) : hasEnded(status) ? (
          row.resolvedAt !== null && <Age since={row.resolvedAt} now={now} />
        ) : (
          <TimeLeft until={row.expiresAt} now={now} />
        )}
      </span>
    </div>
  );
}

/** Why a row that is shown is no longer in the list. */
function Gone({ reviewId }: { readonly reviewId: string }) {
  const latest = useQueryClient().getQueryData<ReviewRow>(latestRowKey(reviewId));
  if (latest === undefined) return words.inbox.gone;
  return latest.status === 'pending' ? words.inbox.waitsForOthers : stateOf(latest);
}

interface GroupLineProps extends Pick<RowsProps, 'now' | 'onToggle'> {
  readonly item: Extract<InboxItem, { kind: 'group' }>;
}

function GroupLine({ item, now, onToggle }: GroupLineProps) {
  const [first] = item.rows;
  const reasons = new Set(item.rows.map(shortReasons));
  return (
    <div className="line line-group" data-testid="group">
      <span className="line-title">
        <Button
          className="line-open fold"
          data-main={item.key}
          aria-expanded={item.open}
          onPress={() => onToggle(item.key)}
        >
          <span aria-hidden="true">{item.open ? '▾' : '▸'}</span> {words.inbox.together(item.rows.length)}{' '}
          <b className="value">
            <Visible text={item.name} />
          </b>
        </Button>
        <Link to="/group" search={{ name: item.name, proposer: item.proposer }} className="line-link">
          {words.inbox.decideTogether}
        </Link>
      </span>
      <span className="line-who">
        <Visible text={item.proposer} />
      </span>
      <span className="line-why">{reasons.size === 1 && <Visible text={[...reasons].join('')} />}</span>
      <span className="line-time">
        <TimeLeft until={first?.expiresAt ?? null} now={now} />
      </span>
    </div>
  );
}

import { useRef, useState } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { useKeys } from '../app/keys.ts';
import { useWindowRows } from '../ui/window-rows.ts';
import type { InboxItem } from './fold.ts';
import { ItemView } from './item-view.tsx';
import type { InboxList } from './use-inbox.ts';

/** The list: only what is near the screen is in the document, and the next page is fetched before its end is seen. */
export function InboxRows({
  list,
  now,
  onToggle,
}: {
  readonly list: InboxList;
  readonly now: number;
  readonly onToggle: (key: string) => void;
}) {
  const { items } = list;
  const box = useRef<HTMLUListElement>(null);
  const { virtual, shown, placeOf } = useWindowRows({
    box,
    count: items.length,
    estimateSize: (row) => (items[row]?.kind === 'heading' ? 44 : 92),
    keyOf: (row) => items[row]?.key ?? row,
    loadMore: list.loadMore,
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
            <ItemView item={item} now={now} onToggle={onToggle} />
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

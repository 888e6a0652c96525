import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import type { IndexedEntry } from '../../contract/audit.ts';
import { entryWords, TYPE_WORDS } from '../../contract/words.ts';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';

/** Only what is near the screen is in the document, and older entries are asked for before the end is seen. */
export function EntryList({
  entries,
  isWhole,
  loadMore,
}: {
  readonly entries: readonly IndexedEntry[];
  readonly isWhole: boolean;
  readonly loadMore: () => void;
}) {
  const box = useRef<HTMLOListElement>(null);
  const top = useTop(box);
  const virtual = useWindowVirtualizer({
    count: entries.length,
    estimateSize: () => 132,
    getItemKey: (row) => entries[row]?.index ?? row,
    overscan: 8,
    scrollMargin: top,
  });
  const shown = virtual.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (lastShown >= entries.length - 20) loadMore();
  });
  // An entry that was unfolded stays so while it is off the screen.
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set());
  const fold = (index: number, isOpen: boolean): void =>
    setUnfolded((old) => {
      if (old.has(index) === isOpen) return old;
      return isOpen ? new Set([...old, index]) : new Set([...old].filter((one) => one !== index));
    });
  return (
    <ol
      className="entries"
      ref={box}
      style={{ height: `${virtual.getTotalSize()}px` }}
      aria-label="Entries, newest first"
    >
      {shown.map(({ index: row, key, start }) => {
        const indexed = entries[row];
        if (indexed === undefined) return null;
        return (
          <li
            key={key}
            ref={virtual.measureElement}
            data-index={row}
            aria-posinset={row + 1}
            aria-setsize={isWhole ? entries.length : -1}
            style={{ transform: `translateY(${start - top}px)` }}
          >
            <EntryView
              indexed={indexed}
              isOpen={unfolded.has(indexed.index)}
              onFold={(isOpen) => fold(indexed.index, isOpen)}
            />
          </li>
        );
      })}
    </ol>
  );
}

function EntryView(props: {
  readonly indexed: IndexedEntry;
  readonly isOpen: boolean;
  readonly onFold: (isOpen: boolean) => void;
}) {
  const { index, entry } = props.indexed;
  return (
    <div className="entry">
      <p className="entry-head">
        <strong>{TYPE_WORDS[entry.type]}</strong> <span className="quiet">#{index}</span> <Instant at={entry.at} />
      </p>
      <p>
        <Visible text={entryWords(entry)} />
      </p>
      {'reviewId' in entry && (
        <p>
          <Link to="/reviews/$reviewId" params={{ reviewId: entry.reviewId }}>
            {entry.reviewId}
          </Link>
        </p>
      )}
      <details open={props.isOpen} onToggle={(event) => props.onFold(event.currentTarget.open)}>
        <summary>The whole entry</summary>
        {/* Scrolled with the keyboard too. */}
        <pre tabIndex={0} role="region" aria-label={`Entry ${index}`}>
          <Visible text={JSON.stringify(entry, null, 2)} lines />
        </pre>
      </details>
    </div>
  );
}

/** Where the list begins on the page. What stands above it folds and unfolds. */
function useTop(box: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void => setTop(box.current?.offsetTop ?? 0);
    measure();
    const around = box.current?.parentElement;
    if (around === null || around === undefined) return;
    const observer = new ResizeObserver(measure);
    observer.observe(around);
    return () => observer.disconnect();
  }, [box]);
  return top;
}

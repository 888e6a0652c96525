import { useRef, useState } from 'react';
import { Link } from '@tanstack/react-router';
import type { IndexedEntry } from '../../contract/audit.ts';
import { ENTRY } from '../../domain/lifecycle.ts';
import { entryWords } from '../../domain/words.ts';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { useWindowRows } from '../ui/window-rows.ts';
import { words } from '../words.ts';

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
  const { virtual, shown, placeOf } = useWindowRows({
    box,
    count: entries.length,
    estimateSize: () => 132,
    keyOf: (row) => entries[row]?.index ?? row,
    loadMore,
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
      aria-label={words.audit.entries}
    >
      {shown.map((item) => {
        const { index: row, key } = item;
        const indexed = entries[row];
        if (indexed === undefined) return null;
        return (
          <li
            key={key}
            ref={virtual.measureElement}
            data-index={row}
            aria-posinset={row + 1}
            aria-setsize={isWhole ? entries.length : -1}
            style={placeOf(item)}
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
        <strong>{ENTRY[entry.type].label}</strong> <span className="quiet">#{index}</span> <Instant at={entry.at} />
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
        <summary>{words.audit.whole}</summary>
        {/* Scrolled with the keyboard too. */}
        <pre tabIndex={0} role="region" aria-label={words.audit.entry(index)}>
          <Visible text={JSON.stringify(entry, null, 2)} lines />
        </pre>
      </details>
    </div>
  );
}

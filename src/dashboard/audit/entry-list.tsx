import { Link } from '@tanstack/react-router';
import type { IndexedEntry } from '../../contract/audit.ts';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { entryWords, TYPE_WORDS } from './entry-words.ts';

export function EntryList({ entries }: { readonly entries: readonly IndexedEntry[] }) {
  return (
    <ol className="entries" aria-label="Entries, newest first">
      {entries.map(({ index, entry }) => (
        <li key={index} data-index={index}>
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
          <details>
            <summary>The whole entry</summary>
            {/* Scrolled with the keyboard too. */}
            <pre tabIndex={0} role="region" aria-label={`Entry ${index}`}>
              <Visible text={JSON.stringify(entry, null, 2)} lines />
            </pre>
          </details>
        </li>
      ))}
    </ol>
  );
}

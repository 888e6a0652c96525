import { diffLines, type ChangeObject } from 'diff';
import type { Json } from '../../contract/json.ts';
import { Visible } from './visible.tsx';

interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

const WORDS = { same: '', added: 'added: ', removed: 'removed: ' } as const;
const SIGNS = { same: ' ', added: '+', removed: '−' } as const;

/** Two values line by line; signs for the eye, words for the ear, never colour alone. */
export function JsonDiff({
  before,
  after,
  label,
}: {
  readonly before: Json;
  readonly after: Json;
  readonly label: string;
}) {
  const lines = diffJson(before, after);
  if (lines.every(({ kind }) => kind === 'same')) return <p className="quiet">The arguments are the same.</p>;
  return (
    <ul className="diff code" aria-label={label}>
      {lines.map(({ kind, text }, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <li key={index} className={`diff-${kind}`}>
          <span aria-hidden="true" className="diff-sign">
            {SIGNS[kind]}
          </span>
          {kind !== 'same' && <span className="unseen-by-eye">{WORDS[kind]}</span>}
          <Visible text={text} />
        </li>
      ))}
    </ul>
  );
}

/** Lines of both values as indented JSON with keys in order; strings of several lines are cut where they break. */
export function diffJson(before: Json, after: Json): readonly DiffLine[] {
  const changes: readonly ChangeObject<string>[] = diffLines(layOut(before), layOut(after));
  return changes.flatMap(({ value, added, removed }) =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text): DiffLine => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text })),
  );
}

function layOut(value: Json): string {
  return `${JSON.stringify(sortKeys(value), null, 2)}\n`;
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}

import type { ReactNode } from 'react';
import type { ChangedLine } from '../../domain/show/changes.ts';
import { foldSame, joinRuns, type Gap } from './fold-changes.ts';
import { Visible } from './visible.tsx';
import { words } from '../words.ts';

const SIGNS = { same: ' ', added: '+', removed: '−' } as const;

/** Two versions line by line; signs for the eye, words for the ear, never colour alone. */
export function ChangesView({
  lines,
  label,
  isFolded = false,
  line = (text) => text,
}: {
  readonly lines: readonly ChangedLine[];
  readonly label: string;
  /** Only what changed, with a few lines around it. */
  readonly isFolded?: boolean;
  /** Drawn around the text of each line. */
  readonly line?: (text: ReactNode) => ReactNode;
}) {
  if (lines.every(({ kind }) => kind === 'same')) return <p className="quiet">{words.changes.none}</p>;
  return (
    <ul className="diff code" aria-label={label}>
      {joinRuns(isFolded ? foldSame(lines) : lines).map((item, index) => (
        <Line key={index} item={item} line={line} />
      ))}
    </ul>
  );
}

function Line({ item, line }: { readonly item: ChangedLine | Gap; readonly line: (text: ReactNode) => ReactNode }) {
  if (item.kind === 'gap') {
    return <li className="quiet">{words.changes.unchanged(item.lines)}</li>;
  }
  const { kind, text } = item;
  return (
    <li className={text.includes('\n') ? `diff-${kind} diff-block` : `diff-${kind}`}>
      <span aria-hidden="true" className="diff-sign">
        {SIGNS[kind]}
      </span>
      {kind !== 'same' && <span className="unseen-by-eye">{words.changes[kind]}</span>}
      {line(<Visible text={text} lines />)}
    </li>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { freezesQuery } from '../data/queries.ts';
import { Instant } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';

/** Says on every page what is frozen, by whom, since when and why. */
export function FreezeNote() {
  const { data } = useQuery(freezesQuery);
  const standing = data?.freezes.filter(({ lifted }) => lifted === null) ?? [];
  const configured = data?.configured ?? [];
  if (standing.length + configured.length === 0) return null;
  return (
    <div className="note note-bad" role="status" data-testid="freeze-note">
      <p>
        <strong>{words.freeze.standing}</strong> {words.freeze.means}
      </p>
      <ul>
        {configured.length > 0 && (
          <li>
            <Visible text={configured.join(', ')} />, {words.freeze.byConfiguration}
          </li>
        )}
        {standing.map(({ id, tools, by, at, why }) => (
          <li key={id}>
            <Visible text={tools.join(', ')} />, {words.freeze.by} <Order {...{ by, at, why }} />
          </li>
        ))}
      </ul>
      <Link to="/policy" search={{ view: 'freezes' }}>
        {words.freeze.manage}
      </Link>
    </div>
  );
}

interface OrderProps {
  readonly by: string;
  /** ISO 8601; empty: not known. */
  readonly at: string;
  readonly why: string;
}

/** Who ordered it, when and why. */
export function Order({ by, at, why }: OrderProps) {
  return (
    <>
      <Visible text={by} />
      {at !== '' && (
        <>
          , <Instant at={at} />
        </>
      )}
      : <Visible text={why} />
    </>
  );
}

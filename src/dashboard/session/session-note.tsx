import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import { useNow } from '../data/clock.ts';
import { clockTime } from '../ui/time.ts';
import { words } from '../words.ts';
import { sessionEnds, sessionQuery, type Session } from './session.ts';

/** How long before a session ends people are told. Ms. */
const TOLD_BEFORE = 5 * 60_000;

/** Says that the session is about to end, and how to go on. */
export function SessionNote({ session }: { readonly session: Session }) {
  const now = useNow();
  const queries = useQueryClient();
  const [dismissed, setDismissed] = useState(0);
  const ends = sessionEnds(session);
  if (ends === undefined || ends.unused - now > TOLD_BEFORE || ends.unused === dismissed) return null;
  const isUnused = ends.unused < ends.last;
  return (
    <p className="note" data-testid="session-note">
      <span>
        {isUnused
          ? words.session.endsUnused(clockTime(ends.unused, now))
          : words.session.endsSoon(clockTime(ends.unused, now))}
      </span>
      {isUnused ? (
        <Button
          className="button button-small"
          onPress={() => void queries.refetchQueries({ queryKey: sessionQuery.queryKey })}
        >
          {words.session.stay}
        </Button>
      ) : (
        <Button className="button button-small" onPress={() => setDismissed(ends.unused)}>
          {words.shell.dismiss}
        </Button>
      )}
    </p>
  );
}

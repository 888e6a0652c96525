import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { HoldpointError } from '../../client/errors.ts';
import { client } from '../data/client.ts';
import { useNow } from '../data/clock.ts';
import { forgetData, sessionEnds, sessionQuery, signOut, type Session } from '../session/session.ts';
import { clockTime } from '../ui/time.ts';
import { words } from '../words.ts';
import { openHelp } from './help.tsx';
import { keepSingleKeys, keepTheme, readTheme, THEMES, useSingleKeys } from './preferences.ts';
import { notify } from './notices.tsx';

const PANEL = 'account';

/** A native popover: it closes by Esc and by a press elsewhere. */
export function AccountMenu({ session }: { readonly session: Session }) {
  const queries = useQueryClient();
  const [theme, setTheme] = useState(readTheme);
  const singleKeys = useSingleKeys();
  const leave = async (which: 'session' | 'sessions'): Promise<void> => {
    try {
      await signOut(which);
    } catch {
      notify('bad', words.account.stillSignedIn);
      return;
    }
    queries.setQueryData(sessionQuery.queryKey, null);
    forgetData(queries);
  };
  const { id } = session.reviewer;
  return (
    <>
      <button type="button" className="account" aria-label={words.account.button(id)} popoverTarget={PANEL}>
        {id}
      </button>
      <div id={PANEL} popover="auto" role="dialog" aria-label={words.account.panel} className="account-panel">
        <fieldset className="segments">
          <legend>{words.account.appearance}</legend>
          {THEMES.map((each) => (
            <label key={each}>
              <input
                type="radio"
                name="theme"
                checked={each === theme}
                onChange={() => {
                  keepTheme(each);
                  setTheme(each);
                }}
              />
              {words.account[each]}
            </label>
          ))}
        </fieldset>
        <label className="check">
          <input type="checkbox" checked={singleKeys} onChange={({ target }) => keepSingleKeys(target.checked)} />
          {words.account.singleKeys}
        </label>
        <StartDrill session={session} />
        <PanelButton onClick={openHelp}>{words.account.showKeys}</PanelButton>
        <SessionEnds session={session} />
        <PanelButton onClick={() => void leave('session')}>{words.account.signOut}</PanelButton>
        <PanelButton onClick={() => void leave('sessions')}>{words.account.signOutEverywhere}</PanelButton>
      </div>
    </>
  );
}

function PanelButton({ children, onClick }: { readonly children: string; readonly onClick: () => void }) {
  return (
    <button
      type="button"
      className="button button-plain"
      popoverTarget={PANEL}
      popoverTargetAction="hide"
      onClick={onClick}
    >
      {children}
    </button>
  );
}

function SessionEnds({ session }: { readonly session: Session }) {
  const now = useNow();
  const ends = sessionEnds(session);
  if (ends === undefined) return null;
  return <p className="quiet">{words.session.ends(clockTime(ends.last, now), clockTime(ends.unused, now))}</p>;
}

/** For each group whose drill the person may start. */
function StartDrill({ session }: { readonly session: Session }) {
  const { drillGroups: groups } = session;
  const navigate = useNavigate();
  if (groups.length === 0) return null;
  const start = async (group: string): Promise<void> => {
    try {
      const { reviewId } = await client.reviews.startDrill({ group });
      await navigate({ to: '/reviews/$reviewId', params: { reviewId } });
    } catch (error) {
      const isLimited = error instanceof HoldpointError && error.code === 'rate_limited';
      notify('bad', isLimited ? words.drill.limited : words.drill.notStarted);
    }
  };
  return (
    <details>
      <summary>{words.drill.menu}</summary>
      <p className="small quiet">{words.drill.about}</p>
      {groups.map((group) => (
        <PanelButton key={group} onClick={() => void start(group)}>
          {words.drill.ask(group)}
        </PanelButton>
      ))}
    </details>
  );
}

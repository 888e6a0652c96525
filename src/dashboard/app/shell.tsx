import { useEffect, useState } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useRouteContext } from '@tanstack/react-router';
import { whenSignedOut } from '../data/client.ts';
import { useConnection } from '../data/connection.ts';
import { useLiveChanges } from '../data/live.ts';
import { SessionContext, sessionQuery, signIn, type Session } from '../session/session.ts';
import { SignIn } from '../session/sign-in.tsx';
import { Icon } from '../ui/icon.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { voterOf } from '../../domain/eligibility.ts';
import { words } from '../words.ts';
import { lastInboxView } from '../inbox/filters.ts';
import { AccountMenu } from './account-menu.tsx';
import { HelpDialog } from './help.tsx';
import { Notices } from './notices.tsx';

/** Everything around a view: session, navigation, connection state. */
export function Shell() {
  const queries = useQueryClient();
  const { signInToken } = useRouteContext({ from: '__root__' });
  const redeemed = useRedeemed(signInToken);
  const session = useQuery({ ...sessionQuery, enabled: redeemed !== 'redeeming' });
  useEffect(() => whenSignedOut(() => queries.setQueryData(sessionQuery.queryKey, null)), [queries]);
  if (redeemed === 'redeeming' || session.isPending) return <Loading what={words.shell.signingIn} />;
  if (session.isError) {
    return (
      <main id="main">
        <Failure what={words.shell.noAnswer} isPage retry={() => void session.refetch()} />
      </main>
    );
  }
  if (session.data === null) return <SignIn linkFailed={redeemed === 'refused'} />;
  return (
    <SessionContext value={session.data}>
      <Frame session={session.data} />
    </SessionContext>
  );
}

function Frame({ session }: { readonly session: Session }) {
  useLiveChanges(voterOf(session.reviewer));
  return (
    <>
      <a className="skip" href="#main">
        {words.shell.skip}
      </a>
      <header className="bar">
        <Link to="/" className="brand" aria-label="Holdpoint">
          <Icon name="hold" />
          <span>Holdpoint</span>
        </Link>
        <nav aria-label={words.shell.main}>
          <Link to="/" search={lastInboxView} activeOptions={{ exact: true, includeSearch: false }}>
            {words.shell.inbox}
          </Link>
          <Link to="/audit">{words.shell.audit}</Link>
          <Link to="/policy">{words.shell.policy}</Link>
        </nav>
        <AccountMenu session={session} />
      </header>
      <ConnectionNote />
      <main id="main" tabIndex={-1}>
        <WithheldGroups session={session} />
        <Outlet />
      </main>
      <HelpDialog />
      <Notices />
    </>
  );
}

/** Says for which groups this person cannot decide, although the configuration has them in it. */
function WithheldGroups({ session: { session } }: { readonly session: Session }) {
  const withheld = session?.withheldGroups ?? [];
  if (withheld.length === 0) return null;
  return (
    <div className="note note-warn" data-testid="withheld-groups">
      <p>{words.shell.withheldGroups}</p>
      <ul>
        {withheld.map(({ group, nearest }) => (
          <li key={group}>
            {group}
            {nearest !== null && (
              <>
                ; {words.shell.providerSent} <Visible text={nearest} />
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Says that the page may be out of date. Always in the document, so that screen readers announce changes. */
function ConnectionNote() {
  const connection = useConnection();
  const quiet = connection === 'live' || connection === 'connecting';
  return (
    <div role="status" className={quiet ? 'connection' : 'connection connection-bad'} data-connection={connection}>
      {quiet ? '' : words.shell[connection]}
    </div>
  );
}

/** Redeems the token of a sign-in link once, before the session is read. */
function useRedeemed(token: string | undefined): 'none' | 'redeeming' | 'redeemed' | 'refused' {
  const queries = useQueryClient();
  const [started, setStarted] = useState(false);
  const attempt = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => {
      if (session !== undefined) queries.setQueryData(sessionQuery.queryKey, session);
    },
  });
  const { mutate } = attempt;
  useEffect(() => {
    if (token === undefined || started) return;
    setStarted(true);
    mutate(token);
  }, [token, started, mutate]);
  if (token === undefined) return 'none';
  if (attempt.isError) return 'refused';
  if (!attempt.isSuccess) return 'redeeming';
  return attempt.data === undefined ? 'refused' : 'redeemed';
}

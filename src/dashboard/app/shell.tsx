import { useEffect } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { whenSignedOut } from '../data/client.ts';
import { serverNow } from '../data/clock.ts';
import { staleSince, useConnection } from '../data/connection.ts';
import { useLiveChanges } from '../data/live.ts';
import { filesProblemQuery } from '../data/queries.ts';
import {
  endedSessionOf,
  SessionContext,
  sessionQuery,
  signIn,
  signInToken,
  startSession,
  type Session,
} from '../session/session.ts';
import { SessionNote } from '../session/session-note.tsx';
import { SignIn, type LinkProblem } from '../session/sign-in.tsx';
import { Icon } from '../ui/icon.tsx';
import { Failure, Loading } from '../ui/states.tsx';
import { clockTime } from '../ui/time.ts';
import { Visible } from '../ui/visible.tsx';
import { voterOf } from '../../domain/eligibility.ts';
import { words } from '../words.ts';
import { lastInboxView } from '../inbox/filters.ts';
import { AccountMenu } from './account-menu.tsx';
import { FreezeNote } from './freeze-note.tsx';
import { HelpDialog } from './help.tsx';
import { Notices, notify } from './notices.tsx';

/** Everything around a view: session, navigation, connection state. */
export function Shell() {
  const queries = useQueryClient();
  const link = useSignInLink();
  const session = useQuery({ ...sessionQuery, enabled: !link.isPending });
  useEffect(() => whenSignedOut(() => queries.setQueryData(sessionQuery.queryKey, null)), [queries]);
  if (session.data === undefined || (session.data === null && link.isPending)) {
    if (!session.isError) return <Loading what={words.shell.signingIn} />;
    return (
      <main id="main">
        <Failure what={words.shell.notLoaded} error={session.error} isPage retry={() => void session.refetch()} />
      </main>
    );
  }
  if (session.data === null) return <SignIn linkProblem={link.problem} ended={endedSessionOf()} />;
  return (
    // A new session begins anew: nothing that another one read or began is left.
    <SessionContext key={session.data.csrfToken} value={session.data}>
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
        <FilesNote />
        <FreezeNote />
        <WithheldGroups session={session} />
        <Outlet />
      </main>
      <HelpDialog />
      <Notices>
        <SessionNote session={session} />
      </Notices>
    </>
  );
}

/** Says that changed files are not in force, with the first mistake and its place. */
function FilesNote() {
  const [first, ...rest] = useQuery(filesProblemQuery).data?.split('\n') ?? [];
  if (first === undefined) return null;
  return (
    <div className="note note-warn" role="status" data-testid="files-note">
      {words.shell.filesNotInForce} <Visible text={first} />
      {rest.length > 0 && ` (${words.shell.moreMistakes(rest.length)})`} {words.shell.filesBefore}
    </div>
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

/**
 * Says since when the page may be out of date. Always in the document, so that screen readers announce changes; over the
 * page, so that it moves nothing.
 */
function ConnectionNote() {
  const connection = useConnection();
  const quiet = connection === 'live' || connection === 'connecting';
  return (
    <div className="connection">
      <p role="status" data-connection={connection}>
        {quiet ? '' : words.shell[connection](clockTime(staleSince(), serverNow()))}
      </p>
    </div>
  );
}

/** Redeems the token of a sign-in link, before the session is read or in the place of the one that is open. */
function useSignInLink() {
  const queries = useQueryClient();
  const token = signInToken.use();
  const { mutate, ...attempt } = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => {
      if (session !== undefined) return startSession(queries, session);
      const open = queries.getQueryData(sessionQuery.queryKey);
      if (open) notify('bad', words.session.linkRefused(open.reviewer.id));
    },
    onError: () => {
      if (queries.getQueryData(sessionQuery.queryKey)) notify('bad', words.session.link.unreachable);
    },
  });
  useEffect(() => {
    if (token === undefined || signInToken.get() === undefined) return;
    signInToken.set(undefined);
    mutate(token);
  }, [token, mutate]);
  const refused = attempt.isSuccess && attempt.data === undefined;
  const problem: LinkProblem | undefined = attempt.isError ? 'unreachable' : refused ? 'refused' : undefined;
  return { isPending: token !== undefined || attempt.isPending, problem };
}

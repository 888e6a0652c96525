import type { ReactNode } from 'react';
import { Button, ProgressBar } from 'react-aria-components';
import { HoldpointError } from '../../client/errors.ts';
import { RequestError } from '../data/client.ts';
import { useConnection } from '../data/connection.ts';
import { words } from '../words.ts';

export function Loading({ what }: { readonly what: string }) {
  return (
    <div className="state">
      <ProgressBar isIndeterminate aria-label={what} className="spinner" />
      <p>{what}…</p>
    </div>
  );
}

interface StateProps {
  /** It is all that there is on the page, so its title is the page's. */
  readonly isPage?: boolean;
}

/** What could not be read, by which code, and another try; without a network, that this is why. */
export function Failure({
  what,
  error,
  retry,
  isPage = false,
}: StateProps & { readonly what: string; readonly error?: Error | null; readonly retry?: () => void }) {
  const isOffline = useConnection() === 'offline';
  return (
    <div className="state" role="alert">
      <Title text={what} isPage={isPage} />
      {isOffline ? (
        <p>{words.states.offline}</p>
      ) : (
        error !== undefined &&
        error !== null && (
          <p>
            {codeOf(error) === 'connection_failed' ? words.states.noAnswer : words.states.failed} {words.states.code}{' '}
            <code>{codeOf(error)}</code>
          </p>
        )
      )}
      {retry !== undefined && (
        <Button className="button" onPress={retry}>
          {words.shell.tryAgain}
        </Button>
      )}
    </div>
  );
}

export function Empty({
  title,
  children,
  isPage = false,
}: StateProps & { readonly title: ReactNode; readonly children?: ReactNode }) {
  return (
    <div className="state">
      <Title text={title} isPage={isPage} />
      {children}
    </div>
  );
}

function Title({ text, isPage }: { readonly text: ReactNode; readonly isPage: boolean }) {
  return isPage ? <h1>{text}</h1> : <h2>{text}</h2>;
}

function codeOf(error: Error): string {
  if (error instanceof HoldpointError) return error.code;
  return error instanceof RequestError ? `http_${error.status}` : 'connection_failed';
}

import type { ReactNode } from 'react';
import { Button, ProgressBar } from 'react-aria-components';
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

export function Failure({
  what,
  retry,
  isPage = false,
}: StateProps & { readonly what: string; readonly retry?: () => void }) {
  return (
    <div className="state" role="alert">
      <Title text={what} isPage={isPage} />
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
}: StateProps & { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="state">
      <Title text={title} isPage={isPage} />
      {children}
    </div>
  );
}

function Title({ text, isPage }: { readonly text: string; readonly isPage: boolean }) {
  return isPage ? <h1>{text}</h1> : <h2>{text}</h2>;
}

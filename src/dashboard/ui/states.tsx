import type { ReactNode } from 'react';
import { Button, ProgressBar } from 'react-aria-components';

export function Loading({ what }: { readonly what: string }) {
  return (
    <div className="state">
      <ProgressBar isIndeterminate aria-label={what} className="spinner" />
      <p>{what}…</p>
    </div>
  );
}

export function Failure({ what, retry }: { readonly what: string; readonly retry?: () => void }) {
  return (
    <div className="state" role="alert">
      <h2>{what}</h2>
      {retry !== undefined && (
        <Button className="button" onPress={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

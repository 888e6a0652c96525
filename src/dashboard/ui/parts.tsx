import type { ReactNode } from 'react';

/** What went wrong, read out at once. */
export function Alert({ children }: { readonly children: ReactNode }) {
  return (
    <p role="alert" className="note note-bad">
      {children}
    </p>
  );
}

/** One entry of a `<dl>`. */
export function Fact({ name, children }: { readonly name: ReactNode; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

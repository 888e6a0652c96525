/** Drawn on 16 by 16, as lines; each beside or instead of words that are there for screen readers. */
const PATHS = {
  /** The product's mark: a gate that holds. */
  hold: 'M2.5 3v10M13.5 3v10M6.2 5v6M9.8 5v6',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.5 10.5 14 14',
  close: 'M4 4l8 8M12 4l-8 8',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Drawn on 16 by 16, as lines; each beside or instead of words that are there for screen readers. */
const PATHS = {
  /** The product's mark: a gate that holds. */
  hold: 'M2.5 3v10M13.5 3v10M6.2 5v6M9.8 5v6',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.5 10.5 14 14',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5 6.5 12 13 4.5',
  alert: 'M8 2 14.5 13.5h-13zM8 6.5v3M8 11.7v.1',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3.2l2.2 1.5',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  out: 'M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3 7.5 8.5',
  person: 'M8 8.5A2.75 2.75 0 1 0 8 3a2.75 2.75 0 0 0 0 5.5zM2.5 14c.7-2.4 2.8-3.5 5.5-3.5s4.8 1.1 5.5 3.5',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

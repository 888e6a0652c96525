/** A line of two versions laid side by side. */
export interface ChangedLine {
  readonly kind: 'same' | 'added' | 'removed';
  /** As it is: whoever shows it makes it visible. */
  readonly text: string;
}

/** Several lines on end, as the library `diff` tells them. */
interface Part {
  readonly value: string;
  readonly added: boolean;
  readonly removed: boolean;
}

/** `diffLines` of the library `diff`: handed in, as this folder has no library of its own. */
type DiffLines = (before: string, after: string, options: { maxEditLength: number }) => readonly Part[] | undefined;

/** Beyond so many changed lines the comparison is all of the old and all of the new: finding the least costs their square. */
const MOST_CHANGES = 400;

/**
 * Two texts line by line, for mails, the terminal and the page. Both are an agent's: two that have nothing in common
 * must not stop who looks at them.
 */
export function compareLines(before: string, after: string, diffLines: DiffLines): readonly ChangedLine[] {
  const parts = diffLines(before, after, { maxEditLength: MOST_CHANGES }) ?? [
    { value: before, added: false, removed: true },
    { value: after, added: true, removed: false },
  ];
  return parts.flatMap(({ value, added, removed }) =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text): ChangedLine => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text })),
  );
}

import { diffLines } from 'diff';
import type { Json } from '../../contract/json.ts';
import { compareLines, type ChangedLine } from '../../contract/line-changes.ts';

/** Lines that did not change and are far from any that did: how many. */
export interface Gap {
  readonly kind: 'gap';
  readonly lines: number;
}

/** Unchanged lines around a change that stay in sight. */
const AROUND = 3;

/** What did not change folded away, where it is longer than what would stand for it. */
export function foldSame(lines: readonly ChangedLine[]): readonly (ChangedLine | Gap)[] {
  const isNear = (at: number): boolean =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ kind }) => kind !== 'same');
  const folded: (ChangedLine | Gap)[] = [];
  for (const [at, line] of lines.entries()) {
    const last = folded.at(-1);
    if (isNear(at)) folded.push(line);
    else if (last?.kind === 'gap') folded.splice(-1, 1, { kind: 'gap', lines: last.lines + 1 });
    else folded.push({ kind: 'gap', lines: 1 });
  }
  return folded;
}

/** Lines of both values as indented JSON with keys in order; strings of several lines are cut where they break. */
export function diffJson(before: Json, after: Json): readonly ChangedLine[] {
  return compareLines(layOut(before), layOut(after), diffLines);
}

function layOut(value: Json): string {
  return `${JSON.stringify(sortKeys(value), null, 2)}\n`;
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}

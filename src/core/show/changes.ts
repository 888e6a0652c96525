import { diffLines } from 'diff';
import { comparable } from '../../contract/comparable.ts';
import type { Json } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';
import { isSealed } from '../seal-binding.ts';

export interface ChangedLine {
  readonly kind: 'same' | 'added' | 'removed';
  /** As it is: whoever shows it makes it visible. */
  readonly text: string;
}

/** Beyond so many changed lines the comparison is all of the old and all of the new: finding the least costs their square. */
const MOST_CHANGES = 400;

/** Two versions line by line, as indented JSON with keys in order. Pure; what is sealed stays so. */
export function changedLines(before: Material, now: Material): readonly ChangedLine[] {
  const [old, young] = [layOut(before, now), layOut(now, before)];
  const parts = diffLines(old, young, { maxEditLength: MOST_CHANGES }) ?? [
    { value: old, added: false, removed: true },
    { value: young, added: true, removed: false },
  ];
  return parts.flatMap(({ value, added, removed }) =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text): ChangedLine => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text })),
  );
}

function layOut(material: Material, other: Material): string {
  const isSameCall = JSON.stringify(tidy(material.arguments)) === JSON.stringify(tidy(other.arguments));
  return `${JSON.stringify(tidy(comparable(material, isSameCall)), null, 2)}\n`;
}

/** Keys in order; of what is sealed its tail, which differs wherever it was sealed anew. */
function tidy(value: Json): Json {
  if (isSealed(value)) return { $sealed: `(encrypted …${value.$sealed.slice(-12)})` };
  if (Array.isArray(value)) return (value as readonly Json[]).map(tidy);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, tidy(inner)]));
}

import { diffLines } from 'diff';
import { comparable } from './comparable.ts';
import type { Json } from '../../contract/json.ts';
import { compareLines, type ChangedLine } from '../text/line-changes.ts';
import type { Material } from '../../contract/review.ts';
import { isSealed } from '../seal-binding.ts';

/** Two versions line by line, as indented JSON with keys in order. Pure; what is sealed stays so. */
export function changedLines(before: Material, now: Material): readonly ChangedLine[] {
  return compareLines(layOut(before, now), layOut(now, before), diffLines);
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

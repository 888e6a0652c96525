import type { ReviewRow } from '../../contract/review.ts';

/** Whose reviews these are, each once. */
export function proposersOf(rows: readonly ReviewRow[]): readonly string[] {
  return [...new Set(rows.map(({ proposer }) => proposer.id))].toSorted();
}

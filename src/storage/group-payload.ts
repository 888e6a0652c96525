import { appendLeaves, type CompactRange } from '../core/log/range.ts';
import type { PreparedCommit } from './prepare.ts';

export interface GroupPayload {
  /** Argument of `holdpoint.commit_group`. */
  readonly json: string;
  /** The right edge of the log after it. */
  readonly range: CompactRange;
  /** Index of each commit's first entry. */
  readonly firsts: readonly number[];
}

/** Hashes a group onto the right edge of the log and writes down everything the database has to do for it. */
export function payloadOf(group: readonly PreparedCommit[], range: CompactRange): GroupPayload {
  const firsts: number[] = [];
  let next = range.size;
  for (const commit of group) {
    firsts.push(next);
    next += commit.leaves.length;
  }
  const leaves = group.flatMap((commit) => commit.leaves);
  const appended = appendLeaves(
    range,
    leaves.map((leaf) => leaf.hash),
  );
  const steps = group.flatMap((commit) => commit.step ?? []);
  const writesOf = (kind: 'reviews' | 'executions' | 'ends') =>
    group.flatMap(({ review, leaves: own }, i) =>
      review?.kind === kind ? { ...review.columns, last_index: (firsts[i] ?? 0) + own.length - 1 } : [],
    );
  const json = JSON.stringify({
    size: range.size,
    next: appended.range.size,
    root: hex(appended.root),
    peaks: appended.range.peaks.map(hex).join(''),
    steps,
    keys: group.flatMap(({ key, reviewId, leaves: own }, i) =>
      key === undefined ? [] : { key, review_id: reviewId, first: firsts[i], count: own.length },
    ),
    entries: leaves.map((leaf) => ({ r: leaf.reviewId, l: leaf.text, h: hex(leaf.hash) })),
    nodes: appended.nodes.map((node) => ({ v: node.level, i: node.index, h: hex(node.hash) })),
    reviews: writesOf('reviews'),
    executions: writesOf('executions'),
    ends: writesOf('ends'),
  });
  return { json, range: appended.range, firsts };
}

/** Reads the right edge as the database keeps it: hashes one after the other, in hex. */
export function rangeFrom(stored: { readonly size: number; readonly peaks: string }): CompactRange {
  const bytes = Buffer.from(stored.peaks, 'hex');
  const peaks = Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(i * 32, i * 32 + 32));
  return { size: stored.size, peaks };
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}

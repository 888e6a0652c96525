import type { AuditEntry, IndexedEntry } from '../../contract/audit.ts';
import { appendLeaves, hashLeaf, type CompactRange, type Hash } from '../../domain/proof/tree.ts';
import type { Leaf, PreparedCommit } from './prepare.ts';

/** The last entry of a review: its number within the review, and its index in the log. */
export interface ReviewTail {
  readonly n: number;
  readonly last: number;
}

export interface GroupPayload {
  /** Argument of `holdpoint.commit_group`. */
  readonly json: string;
  /** The right edge of the log after it. */
  readonly range: CompactRange;
  /** Each commit's entries, as they are appended. */
  readonly entries: readonly (readonly IndexedEntry[])[];
  /** The last entry after it of every review that it appends to. */
  readonly tails: ReadonlyMap<string, ReviewTail>;
}

/**
 * Hashes a group onto the right edge of the log and writes down everything the database has to do for it. `tailOf`: the
 * last entry of a review as far as this process knows; the database refuses the group where it is another.
 */
export function payloadOf(
  group: readonly PreparedCommit[],
  range: CompactRange,
  tailOf: (reviewId: string) => ReviewTail | undefined,
): GroupPayload {
  const tails = new Map<string, ReviewTail>();
  const firsts: number[] = [];
  const leaves: PlacedLeaf[] = [];
  const entries = group.map((commit) => {
    firsts.push(range.size + leaves.length);
    return commit.leaves.map((leaf): IndexedEntry => {
      const index = range.size + leaves.length;
      const placed = placeLeaf(leaf, index, tails, tailOf);
      leaves.push(placed);
      return { index, entry: placed.entry };
    });
  });
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
    entries: leaves.map(({ row, hash }) => ({ ...row, h: hex(hash) })),
    nodes: appended.nodes.map((node) => ({ v: node.level, i: node.index, h: hex(node.hash) })),
    reviews: writesOf('reviews'),
    executions: writesOf('executions'),
    ends: writesOf('ends'),
  });
  return { json, range: appended.range, entries, tails };
}

interface PlacedLeaf {
  readonly entry: AuditEntry;
  readonly hash: Hash;
  /** As the database takes it. */
  readonly row: { readonly l: string; readonly r?: string; readonly n?: number; readonly p?: number | null };
}

/** The leaf with its number within its review and the index of the one before; of no review, as it is. */
function placeLeaf(
  { entry, reviewId, text }: Leaf,
  index: number,
  tails: Map<string, ReviewTail>,
  tailOf: (reviewId: string) => ReviewTail | undefined,
): PlacedLeaf {
  const [head = '', middle = '', end = ''] = text;
  if (reviewId === null) return { entry, hash: hashLeaf(head), row: { l: head } };
  const before = tails.get(reviewId) ?? tailOf(reviewId);
  const n = (before?.n ?? 0) + 1;
  const previous = before?.last ?? null;
  tails.set(reviewId, { n, last: index });
  const l = `${head}${n}${middle}${previous}${end}`;
  return { entry: { ...entry, n, previous } as AuditEntry, hash: hashLeaf(l), row: { r: reviewId, n, p: previous, l } };
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

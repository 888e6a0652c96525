import { EMPTY_ROOT, hashNode, peaksOf, rootOfPeaks, type Hash, type TreeNode } from './tree.ts';

/**
 * The right edge of a tree: all that appending needs to know of it (at most log2(size) hashes). `peaks` are the roots
 * of its perfect subtrees, largest first.
 */
export interface CompactRange {
  readonly size: number;
  readonly peaks: readonly Hash[];
}

export const EMPTY_RANGE: CompactRange = { size: 0, peaks: [] };

export interface Appended {
  readonly range: CompactRange;
  readonly root: Hash;
  /** Perfect subtrees of height 1 and more that became complete, in the order they did. Leaves are not among them. */
  readonly nodes: readonly TreeNode[];
}

/** Appends leaf hashes. Throws a RangeError where the number of peaks does not fit the size. */
export function appendLeaves(range: CompactRange, leafHashes: readonly Hash[]): Appended {
  if (range.peaks.length !== peaksOf(range.size).length) throw new RangeError('peaks do not fit the size');
  const peaks = [...range.peaks];
  const nodes: TreeNode[] = [];
  let size = range.size;
  for (const leaf of leafHashes) {
    let hash = leaf;
    let level = 0;
    // Every trailing one bit of the old size is a subtree that the new leaf completes.
    for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = hashNode(peaks.pop() as Hash, hash);
      level += 1;
      nodes.push({ level, index: Math.floor(size / 2 ** level), hash });
    }
    peaks.push(hash);
    size += 1;
  }
  return { range: { size, peaks }, root: size === 0 ? EMPTY_ROOT : rootOfPeaks(peaks), nodes };
}

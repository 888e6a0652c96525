import { createHash } from 'node:crypto';
import type { AuditEntry } from '../../contract/audit.ts';
import { canonicalJson } from './digest.ts';

/**
 * Merkle tree hashing as RFC 6962 section 2.1 has it. A tree of `size` leaves is a list of perfect subtrees, largest
 * first, one per set bit of `size`; their roots are the *peaks*. Perfect subtrees never change once complete, so they
 * are what is stored: `level` is the height (0: leaf hashes), `index` the position among subtrees of that height.
 */
export type Hash = Uint8Array;

export interface NodeId {
  readonly level: number;
  readonly index: number;
}
export interface TreeNode extends NodeId {
  readonly hash: Hash;
}

const LEAF_PREFIX = Buffer.of(0);
const NODE_PREFIX = Buffer.of(1);

/** RFC 6962: `SHA-256(0x00 || leaf)`. Text counts as UTF-8. */
export function hashLeaf(leaf: Uint8Array | string): Hash {
  return createHash('sha256').update(LEAF_PREFIX).update(leaf).digest();
}

/** RFC 6962: `SHA-256(0x01 || left || right)`. */
export function hashNode(left: Hash, right: Hash): Hash {
  return createHash('sha256').update(NODE_PREFIX).update(left).update(right).digest();
}

/** Root of the empty tree: SHA-256 of the empty string. */
export const EMPTY_ROOT: Hash = createHash('sha256').digest();

/** Root of a tree from its peaks, largest first. */
export function rootOfPeaks(peaks: readonly Hash[]): Hash {
  return peaks.length === 0 ? EMPTY_ROOT : foldRight(peaks);
}

/** Hashes neighbouring subtrees together from the right, the way the right edge of an RFC 6962 tree is formed. */
export function foldRight(hashes: readonly Hash[]): Hash {
  return hashes.reduceRight((right, left) => hashNode(left, right));
}

/**
 * The perfect subtrees that make up leaves `[from, to)`, left to right. `from` must be a multiple of the largest of
 * them, which holds for every range an RFC 6962 proof names.
 */
export function subtreesOf(from: number, to: number): NodeId[] {
  const nodes: NodeId[] = [];
  for (let start = from; start < to;) {
    const level = heightOf(to - start);
    const width = 2 ** level;
    nodes.push({ level, index: start / width });
    start += width;
  }
  return nodes;
}

/** Exponent of the largest power of two that is at most `count`; exact up to 2^53, which `Math.log2` is not. */
export function heightOf(count: number): number {
  let height = 0;
  while (2 ** (height + 1) <= count) height += 1;
  return height;
}

/** Peaks of a tree of `size` leaves, largest first. */
export function peaksOf(size: number): NodeId[] {
  return subtreesOf(0, size);
}

export function hashesEqual(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0;
}

export function hashToBase64(hash: Hash): string {
  return Buffer.from(hash).toString('base64');
}

/** Undefined where the text is not the canonical base64 of 32 bytes. */
export function hashFromBase64(text: string): Hash | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === 32 && bytes.toString('base64') === text ? bytes : undefined;
}

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

/** A leaf of the log is the RFC 8785 form of one audit entry; its UTF-8 bytes are what is hashed. */
export function leafOf(entry: AuditEntry): string {
  return canonicalJson(entry);
}

export function hashEntry(entry: AuditEntry): Hash {
  return hashLeaf(leafOf(entry));
}

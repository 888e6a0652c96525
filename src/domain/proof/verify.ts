import { EMPTY_ROOT, hashesEqual, hashNode, heightOf, type Hash } from './tree.ts';

/**
 * Verification of RFC 6962 proofs by the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2. Every argument may come
 * from an attacker: nothing throws, and a proof that is longer or shorter than its tree allows is refused. Sizes stay
 * within 2^53, so halving is done by division rather than by 32-bit shifts.
 */
export function verifyInclusion(
  leafHash: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
  root: Hash,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leafHash, root, ...proof])) return false;
  let [fn, sn, hash] = [index, size - 1, leafHash];
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = hashNode(sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = hashNode(hash, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && hashesEqual(hash, root);
}

/** True where the tree of `newSize` with `newRoot` begins with the tree of `oldSize` with `oldRoot`. */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  proof: readonly Hash[],
  oldRoot: Hash,
  newRoot: Hash,
): boolean {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize) return false;
  if (!areHashes([oldRoot, newRoot, ...proof])) return false;
  if (oldSize === newSize) return proof.length === 0 && hashesEqual(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0 && hashesEqual(oldRoot, EMPTY_ROOT);

  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let [fn, sn, oldHash, newHash] = [oldSize - 1, newSize - 1, first, first];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  for (const node of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      oldHash = hashNode(node, oldHash);
      newHash = hashNode(node, newHash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newHash = hashNode(newHash, node);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && hashesEqual(oldHash, oldRoot) && hashesEqual(newHash, newRoot);
}

/** At most two to the 64 leaves, and nothing but SHA-256 hashes. */
function areHashes(hashes: readonly Hash[]): boolean {
  return hashes.length <= 66 && hashes.every((hash) => hash.length === 32);
}

const half = (value: number): number => Math.floor(value / 2);

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isPowerOfTwo(value: number): boolean {
  return 2 ** heightOf(value) === value;
}

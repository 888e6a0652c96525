import { EMPTY_ROOT, foldRight, hashesEqual, hashNode, heightOf, subtreesOf, type Hash, type NodeId } from './tree.ts';

/**
 * RFC 6962 sections 2.1.1 and 2.1.2: which stored nodes a proof is made of. A plan is a list of proof elements; each
 * is one perfect subtree, or several at the right edge that are folded into one hash. Plans are computed without
 * looking anything up, so that a store can read all nodes of a proof at once: O(log n) rows.
 */
export type ProofPlan = readonly (readonly NodeId[])[];

/** Where a perfect subtree's hash is; undefined means that the store is damaged. */
export type NodeLookup = (id: NodeId) => Hash | undefined;

/** Audit path of leaf `index` in the tree of the first `size` leaves, leaf to root. */
export function planInclusion(index: number, size: number): ProofPlan {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError('index is outside the tree');
  return descend(index, size, (from, to) => to - from > 1).passed.toReversed();
}

/** Proof that the tree of `newSize` leaves extends that of `oldSize`. Empty where there is nothing to prove. */
export function planConsistency(oldSize: number, newSize: number): ProofPlan {
  if (!isCount(oldSize) || !isCount(newSize) || oldSize > newSize) throw new RangeError('sizes are out of order');
  if (oldSize === 0 || oldSize === newSize) return [];
  const { from, to, passed } = descend(oldSize - 1, newSize, (_, end) => end !== oldSize);
  // The verifier knows the old root itself where the old tree is one perfect subtree at the left edge.
  return (from === 0 ? passed : [...passed, subtreesOf(from, to)]).toReversed();
}

/** From the root of `size` leaves towards one of them while `goesOn`: the subtree `[from, to)` it ends in, and those it passes. */
function descend(
  index: number,
  size: number,
  goesOn: (from: number, to: number) => boolean,
): { readonly from: number; readonly to: number; readonly passed: ProofPlan } {
  const passed: NodeId[][] = [];
  let [from, to] = [0, size];
  while (goesOn(from, to)) {
    const middle = from + splitOf(to - from);
    const isLeft = index < middle;
    passed.push(isLeft ? subtreesOf(middle, to) : subtreesOf(from, middle));
    [from, to] = isLeft ? [from, middle] : [middle, to];
  }
  return { from, to, passed };
}

/** Turns a plan into the proof's hashes. Undefined where a node is missing. */
export function resolvePlan(plan: ProofPlan, lookup: NodeLookup): Hash[] | undefined {
  const proof: Hash[] = [];
  for (const element of plan) {
    const hashes: Hash[] = [];
    for (const id of element) {
      const hash = lookup(id);
      if (hash === undefined) return undefined;
      hashes.push(hash);
    }
    proof.push(foldRight(hashes));
  }
  return proof;
}

/** The largest power of two below `count` (RFC 6962's k). */
function splitOf(count: number): number {
  return 2 ** heightOf(count - 1);
}

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

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  planConsistency,
  planInclusion,
  resolvePlan,
  verifyConsistency,
  verifyInclusion,
} from '../../src/domain/proof/merkle-proof.ts';
import {
  appendLeaves,
  EMPTY_RANGE,
  EMPTY_ROOT,
  hashFromBase64,
  hashLeaf,
  hashNode,
  type CompactRange,
  type Hash,
  type NodeId,
} from '../../src/domain/proof/tree.ts';

const hex = (hash: Hash) => Buffer.from(hash).toString('hex');
const keyOf = ({ level, index }: NodeId) => `${level}/${index}`;

/** RFC 6962 section 2.1, word for word: slow and obviously right. */
function naiveRoot(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0] as Hash;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return hashNode(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** RFC 6962 section 2.1.1, PATH(m, D[n]). */
function naivePath(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length === 1) return [];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

/** Builds a log in batches, keeping the nodes the way the store does. */
function build(leaves: readonly Hash[], batches: readonly number[] = [leaves.length]) {
  const nodes = new Map(leaves.map((hash, index) => [keyOf({ level: 0, index }), hash]));
  const roots: Hash[] = [EMPTY_ROOT];
  let range: CompactRange = EMPTY_RANGE;
  let at = 0;
  for (const batch of [...batches, leaves.length]) {
    const next = leaves.slice(at, at + batch);
    const appended = appendLeaves(range, next);
    for (const node of appended.nodes) nodes.set(keyOf(node), node.hash);
    at += next.length;
    range = appended.range;
    roots[at] = appended.root;
  }
  return { nodes, range, lookup: (id: NodeId) => nodes.get(keyOf(id)), root: roots[leaves.length] as Hash };
}

const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => hashLeaf(`leaf ${i}`));

describe('RFC 6962 reference values (certificate-transparency test data)', () => {
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  const leaves = inputs.map((input) => hashLeaf(Buffer.from(input, 'hex')));

  it.each(roots.map((root, size) => ({ root, size })))('root of $size leaves', ({ root, size }) => {
    expect(hex(appendLeaves(EMPTY_RANGE, leaves.slice(0, size)).root)).toBe(root);
  });

  it('inner nodes', () => {
    const { lookup } = build(leaves);
    expect(hex(lookup({ level: 1, index: 3 }) as Hash)).toBe(
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    );
    expect(hex(lookup({ level: 2, index: 1 }) as Hash)).toBe(
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    );
  });
});

describe('proof vectors of transparency-dev/merkle', () => {
  interface Vectors {
    consistency: {
      name: string;
      size1: number;
      size2: number;
      root1: string | null;
      root2: string | null;
      proof: string[] | null;
      wantErr: boolean;
    }[];
    inclusion: {
      name: string;
      leafIdx: number;
      treeSize: number;
      root: string | null;
      leafHash: string | null;
      proof: string[] | null;
      wantErr: boolean;
    }[];
  }
  const vectors = JSON.parse(readFileSync(new URL('./vectors/merkle-proofs.json', import.meta.url), 'utf8')) as Vectors;
  const bytes = (text: string | null) => Buffer.from(text ?? '', 'base64');
  const proofOf = (proof: string[] | null) => (proof ?? []).map(bytes);

  // Two differences: theirs proves nothing from an empty tree, where ours accepts the empty proof from the empty root;
  // and theirs takes roots of any length where the sizes are equal.
  const comparable = vectors.consistency.filter(
    (v) => v.size1 > 0 && v.name !== 'additional/sizes-are-equal-one-and-proof-is-empty',
  );

  it.each(comparable)('consistency $name', (v) => {
    const holds = verifyConsistency(v.size1, v.size2, proofOf(v.proof), bytes(v.root1), bytes(v.root2));
    expect(holds).toBe(!v.wantErr);
  });

  it.each(vectors.inclusion)('inclusion $name', (v) => {
    expect(verifyInclusion(bytes(v.leafHash), v.leafIdx, v.treeSize, proofOf(v.proof), bytes(v.root))).toBe(!v.wantErr);
  });
});

describe('against the naive tree', () => {
  const sizes = fc.integer({ min: 1, max: 130 });

  it('appending in any batches gives the naive root', () => {
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }), (size, batches) => {
        const leaves = leavesOf(size);
        expect(hex(build(leaves, batches).root)).toBe(hex(naiveRoot(leaves)));
      }),
    );
  });

  it('inclusion proofs are the RFC paths, verify, and verify nowhere else', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, pick, flip) => {
        const leaves = leavesOf(size);
        const index = pick % size;
        const proof = resolvePlan(planInclusion(index, size), build(leaves).lookup) as Hash[];
        const root = naiveRoot(leaves);
        expect(proof.map(hex)).toEqual(naivePath(index, leaves).map(hex));
        expect(verifyInclusion(leaves[index] as Hash, index, size, proof, root)).toBe(true);
        expect(verifyInclusion(hashLeaf('another'), index, size, proof, root)).toBe(false);
        const other = flip % (size + 1);
        if (other !== index) expect(verifyInclusion(leaves[index] as Hash, other, size, proof, root)).toBe(false);
        expect(verifyInclusion(leaves[index] as Hash, index, size, [...proof, root], root)).toBe(false);
      }),
    );
  });

  it('consistency proofs verify, and not for a changed history', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, pick, changed) => {
        const leaves = leavesOf(size);
        const oldSize = pick % (size + 1);
        const proof = resolvePlan(planConsistency(oldSize, size), build(leaves).lookup) as Hash[];
        const oldRoot = naiveRoot(leaves.slice(0, oldSize));
        const root = naiveRoot(leaves);
        expect(verifyConsistency(oldSize, size, proof, oldRoot, root)).toBe(true);
        if (oldSize === 0) return;
        const forged = leaves.with(changed % oldSize, hashLeaf('rewritten'));
        const forgedProof = resolvePlan(planConsistency(oldSize, size), build(forged).lookup) as Hash[];
        expect(verifyConsistency(oldSize, size, forgedProof, oldRoot, naiveRoot(forged))).toBe(false);
        expect(verifyConsistency(oldSize, size, proof, oldRoot, naiveRoot(forged))).toBe(false);
      }),
    );
  });

  it('a node that is missing gives no proof', () => {
    const { nodes } = build(leavesOf(8));
    nodes.delete('1/1');
    expect(resolvePlan(planInclusion(0, 8), (id) => nodes.get(keyOf(id)))).toBeUndefined();
  });

  it('hostile sizes and hashes neither throw nor verify', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), fc.array(fc.uint8Array({ maxLength: 40 })), (a, b, proof) => {
        expect(verifyInclusion(hashLeaf('x'), a, b, proof, hashLeaf('y'))).toBe(false);
        if (a !== 0 || b !== 0) expect(verifyConsistency(a, b, proof, hashLeaf('x'), hashLeaf('y'))).toBe(false);
      }),
    );
    expect(() => planInclusion(5, 5)).toThrow(RangeError);
    expect(() => planConsistency(6, 5)).toThrow(RangeError);
    expect(() => appendLeaves({ size: 3, peaks: [EMPTY_ROOT] }, [])).toThrow(RangeError);
    expect(hashFromBase64('AAAA')).toBeUndefined();
  });
});

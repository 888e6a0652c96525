import type { AuditEntry, IndexedEntry } from '../../contract/audit.ts';
import { StorageError, type AuditHead } from '../../ports/store.ts';
import {
  nodesOfPlan,
  planConsistency,
  planInclusion,
  resolvePlan,
  type ProofPlan,
} from '../../domain/proof/merkle-proof.ts';
import { hashToBase64, type NodeId } from '../../domain/proof/tree.ts';
import type { Query } from '../database/database.ts';

/** Reads of the audit log. Proofs take O(log n) rows. */
export interface LogReader {
  head(): Promise<AuditHead>;
  entries(from: number, limit: number): Promise<IndexedEntry[]>;
  entriesOf(reviewId: string): Promise<IndexedEntry[]>;
  /** Rejects with a RangeError where the log is not that long; so does the next. */
  inclusionProof(index: number, size: number): Promise<string[]>;
  consistencyProof(from: number, to: number): Promise<string[]>;
}

export function createLogReader(query: Query): LogReader {
  async function head(): Promise<AuditHead> {
    const [row] = await query<{ size: number; root: string }>(
      `SELECT size::float8 AS size, encode(root, 'hex') AS root FROM holdpoint.audit_head`,
    );
    if (row === undefined) throw new StorageError('storage_corrupt', 'The log has no head');
    return { size: row.size, root: hashToBase64(Buffer.from(row.root, 'hex')) };
  }

  async function prove(plan: ProofPlan, size: number): Promise<string[]> {
    const nodes = nodesOfPlan(plan);
    if (nodes.length === 0) return [];
    const found = await readNodes(query, nodes);
    const proof = resolvePlan(plan, ({ level, index }) => found.get(`${level}/${index}`));
    if (proof === undefined) {
      if (size > (await head()).size) throw new RangeError('the log is not that long');
      throw new StorageError('storage_corrupt', 'Nodes of the log are missing');
    }
    return proof.map(hashToBase64);
  }
  return {
    head,
    entries: async (from, limit) => {
      // ◆ `idx` alone would be the column of the answer, which no index is ordered by: the rest of the log would be sorted.
      const rows = await query<LeafRow>(
        'SELECT idx::float8 AS idx, leaf FROM holdpoint.audit_entries WHERE idx >= $1::bigint ORDER BY audit_entries.idx LIMIT $2::bigint',
        [from, limit],
      );
      return rows.map(readLeaf);
    },
    entriesOf: async (reviewId) => {
      const rows = await query<LeafRow>(
        'SELECT idx::float8 AS idx, leaf FROM holdpoint.audit_entries WHERE review_id = $1 ORDER BY n',
        [reviewId],
      );
      return rows.map(readLeaf);
    },
    inclusionProof: async (index, size) => prove(planInclusion(index, size), size),
    consistencyProof: async (from, to) => prove(planConsistency(from, to), to),
  };
}

interface LeafRow {
  idx: number;
  leaf: string;
}

function readLeaf({ idx, leaf }: LeafRow): IndexedEntry {
  return { index: idx, entry: JSON.parse(leaf) as AuditEntry };
}

async function readNodes(query: Query, nodes: readonly NodeId[]): Promise<Map<string, Uint8Array>> {
  const leaves = nodes.filter((node) => node.level === 0).map((node) => node.index);
  const inner = nodes.filter((node) => node.level > 0);
  const rows = await query<{ level: number; idx: number; hash: string }>(
    `SELECT 0 AS level, idx::float8 AS idx, encode(hash, 'hex') AS hash
       FROM holdpoint.audit_entries WHERE idx = ANY ($1::bigint[])
     UNION ALL
     SELECT n.level, n.idx::float8, encode(n.hash, 'hex')
       FROM unnest($2::smallint[], $3::bigint[]) AS w(level, idx)
       JOIN holdpoint.merkle_nodes n ON n.level = w.level AND n.idx = w.idx`,
    [leaves, inner.map((node) => node.level), inner.map((node) => node.index)],
  );
  return new Map(rows.map((row) => [`${row.level}/${row.idx}`, Buffer.from(row.hash, 'hex')]));
}

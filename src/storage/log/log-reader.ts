import type { AuditEntry, IndexedEntry } from '../../contract/audit.ts';
import { StorageError, type AuditHead, type Store, type StatementStore } from '../../ports/store.ts';
import { planConsistency, planInclusion, resolvePlan, type ProofPlan } from '../../domain/proof/merkle-proof.ts';
import { hashToBase64, type NodeId } from '../../domain/proof/tree.ts';
import type { Query } from '../database/database.ts';
import { isRare, RARE_AUDIT_TYPES } from '../../contract/audit-query.ts';
import type { DsseEnvelope } from '../../contract/envelope.ts';

type LogReads = Pick<
  Store,
  | 'head'
  | 'entries'
  | 'findEntries'
  | 'entriesOf'
  | 'inclusionProof'
  | 'consistencyProof'
  | 'checkpoint'
  | 'putCheckpoint'
>;

/** The audit log and its checkpoints. Proofs take O(log n) rows. */
export function createLogReader(query: Query): LogReads {
  async function head(): Promise<AuditHead> {
    const [row] = await query<{ size: number; root: string }>(
      `SELECT size::float8 AS size, encode(root, 'hex') AS root FROM holdpoint.audit_head`,
    );
    if (row === undefined) throw new StorageError('storage_corrupt', 'The log has no head');
    return { size: row.size, root: hashToBase64(Buffer.from(row.root, 'hex')) };
  }

  async function prove(plan: ProofPlan, size: number): Promise<string[]> {
    const nodes = plan.flat();
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
    findEntries: async ({ types, person, since, until }, { from, to, order }, limit) => {
      const rows = await query<LeafRow>(
        `SELECT idx::float8 AS idx, leaf FROM holdpoint.audit_entries
          WHERE idx >= $1::bigint AND idx < $2::bigint ${isRare(types) ? `AND ${IS_RARE}` : ''}
            AND ($3::text[] IS NULL OR ${fieldOf('type')} = ANY ($3::text[]))
            AND ($4::text IS NULL OR strpos(leaf, $4::text) > 0)
            AND ($5::text IS NULL OR left(${fieldOf('at')}, ${SECOND}) >= $5::text COLLATE "C")
            AND ($6::text IS NULL OR left(${fieldOf('at')}, ${SECOND}) <= $6::text COLLATE "C")
          ORDER BY audit_entries.idx ${order === 'asc' ? 'ASC' : 'DESC'} LIMIT $7::bigint`,
        [
          from,
          to,
          types ?? null,
          person === undefined ? null : JSON.stringify(person),
          second(since),
          second(until),
          limit,
        ],
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
    checkpoint: async () => {
      const [row] = await query<{ size: number; note: string }>(
        'SELECT size::float8 AS size, note FROM holdpoint.checkpoints ORDER BY checkpoints.size DESC LIMIT 1',
      );
      return row;
    },
    putCheckpoint: async (size, note) => {
      await query(
        `INSERT INTO holdpoint.checkpoints (size, note) VALUES ($1::bigint, $2)
         ON CONFLICT (size) DO UPDATE SET note = excluded.note`,
        [size, note],
      );
    },
  };
}

/** A field of a leaf. No string of a leaf holds an unescaped quotation mark, so what looks like the field is the field. */
const fieldOf = (name: string): string => `split_part(split_part(leaf, '"${name}":"', 2), '"', 1)`;

/** Word for word as the partial index has it. */
const IS_RARE = `${fieldOf('type')} IN (${RARE_AUDIT_TYPES.map((type) => `'${type}'`).join(', ')})`;

/** Characters of a time down to its second. */
const SECOND = '2026-04-01T12:00:00'.length;

function second(time: string | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString().slice(0, SECOND);
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

/** {@link StatementStore} over the `statements` and `statement_requests` tables. */
export function createStatementStore(query: Query): StatementStore {
  return {
    request: async (reviewId) => {
      await query('INSERT INTO holdpoint.statement_requests (review_id) VALUES ($1) ON CONFLICT DO NOTHING', [
        reviewId,
      ]);
    },
    requested: async (limit) => {
      const rows = await query<{ review_id: string }>(
        'SELECT review_id FROM holdpoint.statement_requests ORDER BY asked_at LIMIT $1::bigint',
        [limit],
      );
      return rows.map((row) => row.review_id);
    },
    answer: async (reviewId, statement) => {
      if (statement !== undefined) {
        await query(
          `INSERT INTO holdpoint.statements (review_id, envelope) VALUES ($1, $2)
           ON CONFLICT (review_id) DO UPDATE SET envelope = excluded.envelope`,
          [reviewId, JSON.stringify(statement)],
        );
      }
      // Second: a reader who sees the request gone finds the statement.
      await query('DELETE FROM holdpoint.statement_requests WHERE review_id = $1', [reviewId]);
    },
    read: async (reviewId) => {
      const [row] = await query<{ envelope: string | null; requested: boolean }>(
        `SELECT (SELECT envelope FROM holdpoint.statements WHERE review_id = $1) AS envelope,
                EXISTS (SELECT FROM holdpoint.statement_requests WHERE review_id = $1) AS requested`,
        [reviewId],
      );
      const envelope = row?.envelope ?? null;
      return {
        statement: envelope === null ? null : (JSON.parse(envelope) as DsseEnvelope),
        isRequested: row?.requested ?? false,
      };
    },
  };
}

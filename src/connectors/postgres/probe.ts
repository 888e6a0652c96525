import type { Json, JsonObject } from '../../contract/json.ts';
import { parseStorable } from '../../domain/json/storable.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import type { PreviewResult } from '../../ports/connector.ts';
import { analyzeModification, type PlainModification } from '../../domain/sql/analyze.ts';
import type { SqlAllowed } from '../../domain/sql/inspect.ts';
import { encodeParameters, quoteIdentifier, type SqlResult, type SqlSession } from './driver.ts';
import { inspectTables, quoteTable, refuseNames, type TouchedTables } from './tables.ts';

/** What a modification did, as seen from inside the transaction that ran it. */
export interface Probe {
  readonly affected: number;
  /** First rows: before the change (an INSERT: as inserted). */
  readonly sample: readonly JsonObject[];
  /** UPDATE: the same rows after it. */
  readonly sampleAfter: readonly JsonObject[];
  /** Rows that foreign keys carried the change to. */
  readonly cascades: readonly { readonly table: string; readonly deleted: number; readonly updated: number }[];
  /** Over the affected rows and the cascades; what a second run must find again. */
  readonly sourceHash: string;
  /** Rows of the statement's own RETURNING; null where it has none. */
  readonly returned: SqlResult | null;
}

const SAMPLE_ROWS = 5;
const RETURNED_ROWS = 1_001;
/** Names that we add; a statement that uses them itself ends as an ambiguity error. */
const ROW = '"holdpoint_row"';
const key = (index: number): string => `"holdpoint_key_${index}"`;

export interface PreparedProbe {
  readonly ok: true;
  readonly statement: PlainModification;
  readonly tables: TouchedTables;
  readonly sql: string;
}

/** What a preview and, with what it pinned, the execution run. Refuses whatever could do more than its text says. */
export async function prepareProbe(
  session: SqlSession,
  statement: ReturnType<typeof analyzeModification>,
  allowed: SqlAllowed | undefined,
): Promise<PreparedProbe | Extract<PreviewResult, { readonly ok: false }>> {
  if (!statement.ok) return statement;
  const shadow = await refuseNames(session, statement.names);
  if (shadow !== undefined) return shadow;
  const tables = await inspectTables(session, statement);
  if (!tables.ok) return tables;
  const sql = probeSql(statement, tables, allowed);
  if (sql !== undefined) return { ok: true, statement, tables, sql };
  return { ok: false, code: 'no_stable_key', message: 'An UPDATE needs a primary key that it does not change' };
}

/**
 * Wraps the statement in a query that counts and hashes the rows it affects, on the server: they never travel, however
 * many there are. The statement itself runs once, as the only data-modifying CTE, so the outer query still sees the
 * table as it was before. Row hashes are sorted: the order in which rows were met does not matter.
 *
 * Pinned are, by verb: DELETE – the rows as they were. UPDATE – the rows as they were (joined by primary key) and,
 * unless the statement depends on the time, as they became. INSERT – the columns that the statement fills, unless it
 * depends on the time; their number in any case.
 */
function probeSql(statement: PlainModification, tables: TouchedTables, allowed?: SqlAllowed): string | undefined {
  const row = `${quoteIdentifier(statement.reference)}.*`;
  const keys = statement.verb === 'update' ? tables.primaryKey : [];
  if (statement.verb === 'update' && (keys.length === 0 || keys.some((name) => statement.columns.includes(name)))) {
    return undefined;
  }
  const added = [
    `pg_catalog.to_jsonb(${row}) AS ${ROW}`,
    ...keys.map((name, i) => `${quoteIdentifier(statement.reference)}.${quoteIdentifier(name)} AS ${key(i)}`),
  ].join(', ');
  // A line break first: the statement may end in a comment.
  const modified = `${statement.text}\n${statement.returning ? ',' : 'RETURNING'} ${added}`;
  const sql = [
    `WITH holdpoint_done AS (${modified}),`,
    `holdpoint_rows AS (${affectedRows(statement, tables)}),`,
    `holdpoint_stats AS (SELECT ${statistics(statement)} FROM holdpoint_rows)`,
    'SELECT s.affected, s.before_hash, s.after_hash, s.before_sample, s.after_sample',
    statement.returning ? ', d.*' : '',
    'FROM holdpoint_stats s',
    statement.returning ? `LEFT JOIN (SELECT * FROM holdpoint_done LIMIT ${RETURNED_ROWS}) d ON true` : '',
  ].join('\n');
  return isFaithful(modified, statement, allowed) ? sql : undefined;
}

/** One row per affected row: `before`, `after` as jsonb, and what to order a sample by. */
function affectedRows(statement: PlainModification, tables: TouchedTables): string {
  switch (statement.verb) {
    case 'delete':
      return `SELECT ${ROW} AS before, NULL::pg_catalog.jsonb AS after FROM holdpoint_done`;
    case 'insert': {
      const left = `ARRAY[${tables.insertedColumns.map(textLiteral).join(', ')}]::pg_catalog.text[]`;
      return `SELECT (SELECT coalesce(pg_catalog.jsonb_object_agg(e.key, e.value), '{}')
          FROM pg_catalog.jsonb_each(${ROW}) e WHERE e.key = ANY (${left})) AS before,
        NULL::pg_catalog.jsonb AS after FROM holdpoint_done`;
    }
    case 'update': {
      const join = tables.primaryKey.map((name, i) => `o.${quoteIdentifier(name)} = d.${key(i)}`).join(' AND ');
      return `SELECT pg_catalog.to_jsonb(o.*) AS before, d.${ROW} AS after FROM holdpoint_done d
        LEFT JOIN ${statement.only ? 'ONLY ' : ''}${quoteTable(statement.table)} o ON ${join}`;
    }
  }
}

function statistics(statement: PlainModification): string {
  const hash = (column: string): string =>
    `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(pg_catalog.string_agg(
      pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(coalesce(${column}::pg_catalog.text, ''), 'UTF8')), 'hex'),
      '' ORDER BY pg_catalog.sha256(pg_catalog.convert_to(coalesce(${column}::pg_catalog.text, ''), 'UTF8'))), ''), 'UTF8')), 'hex')`;
  const sample = (column: string): string =>
    `(SELECT pg_catalog.jsonb_agg(f.${column}) FROM (SELECT * FROM holdpoint_rows
        ORDER BY before LIMIT ${SAMPLE_ROWS}) f)`;
  const { verb, names } = statement;
  const before = verb === 'insert' && !names.timeless ? `''` : hash('before');
  const after = verb === 'update' && names.timeless ? hash('after') : `''`;
  return [
    `pg_catalog.count(*) AS affected`,
    `${before} AS before_hash`,
    `${after} AS after_hash`,
    `${sample('before')} AS before_sample`,
    `${verb === 'update' ? sample('after') : 'NULL'} AS after_sample`,
  ].join(', ');
}

/**
 * A second line of defence: the rewritten text must still parse as the same verb on the same table, with only our columns
 * added.
 */
function isFaithful(modified: string, statement: PlainModification, allowed?: SqlAllowed): boolean {
  const again = analyzeModification(modified, allowed);
  return (
    again.ok &&
    again.verb === statement.verb &&
    again.table.schema === statement.table.schema &&
    again.table.name === statement.table.name &&
    again.reference === statement.reference &&
    again.returning
  );
}

function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Runs the statement inside the session's open transaction and says what it did. Throws {@link DriverError}. */
export async function runProbe(
  session: SqlSession,
  { statement, tables, sql }: PreparedProbe,
  params: readonly (string | null)[],
): Promise<Probe> {
  const counted = await countChanges(session, tables);
  const result = await session.query(sql, params);
  const [affected, beforeHash, afterHash, before, after] = result.rows[0] ?? [];
  const count = Number(affected);
  const cascades = cascadesOf(counted, await countChanges(session, tables), statement, tables, count);
  return {
    affected: count,
    sample: rowsOf(before, tables.columns),
    sampleAfter: rowsOf(after, tables.columns),
    cascades,
    sourceHash: digestOf({
      verb: statement.verb,
      table: tables.target.name,
      affected: count,
      before: beforeHash ?? '',
      after: afterHash ?? '',
      cascades: cascades as unknown as Json,
    }),
    returned: statement.returning ? returnedRows(result, tables, statement) : null,
  };
}

interface Changes {
  readonly deleted: number;
  readonly updated: number;
}

/**
 * What this session did to each table that foreign keys lead to. The server counts; the numbers may include earlier
 * transactions of the session, so only differences mean something.
 */
async function countChanges(session: SqlSession, tables: TouchedTables): Promise<ReadonlyMap<string, Changes>> {
  if (tables.cascades.length === 0) return new Map();
  const result = await session.query(
    `SELECT o::text, pg_catalog.pg_stat_get_xact_tuples_deleted(o), pg_catalog.pg_stat_get_xact_tuples_updated(o)
       FROM pg_catalog.unnest($1::pg_catalog.oid[]) o`,
    encodeParameters([tables.cascades.map(({ oid }) => oid)]),
  );
  return new Map(
    result.rows.map(([oid, deleted, updated]) => [String(oid), { deleted: Number(deleted), updated: Number(updated) }]),
  );
}

function cascadesOf(
  before: ReadonlyMap<string, Changes>,
  after: ReadonlyMap<string, Changes>,
  statement: PlainModification,
  tables: TouchedTables,
  affected: number,
): Probe['cascades'] {
  const difference = (oid: string, verb: 'delete' | 'update', field: keyof Changes): number => {
    // A table that refers to itself: what the statement did by itself is no cascade.
    const own = oid === tables.target.oid && statement.verb === verb ? affected : 0;
    return (after.get(oid)?.[field] ?? 0) - (before.get(oid)?.[field] ?? 0) - own;
  };
  return tables.cascades.map(({ oid, name }) => ({
    table: name,
    deleted: difference(oid, 'delete', 'deleted'),
    updated: difference(oid, 'update', 'updated'),
  }));
}

/** Cuts our columns off again: five in front, and the row and its keys behind. */
function returnedRows(result: SqlResult, tables: TouchedTables, statement: PlainModification): SqlResult {
  const end = result.columns.length - 1 - (statement.verb === 'update' ? tables.primaryKey.length : 0);
  const found = Number(result.rows[0]?.[0]) > 0;
  return {
    ...result,
    columns: result.columns.slice(5, end),
    rows: found ? result.rows.map((row) => row.slice(5, end)) : [],
  };
}

/** `jsonb` forgets the order of columns; people look for the one they know in its place. */
function rowsOf(text: string | null | undefined, columns: readonly string[]): readonly JsonObject[] {
  const parsed = text === null || text === undefined ? undefined : parseStorable(text);
  if (parsed?.ok !== true || !Array.isArray(parsed.value)) return [];
  return (parsed.value as readonly JsonObject[]).map((row) =>
    Object.fromEntries(columns.flatMap((name) => (Object.hasOwn(row, name) ? [[name, row[name] as Json]] : []))),
  );
}

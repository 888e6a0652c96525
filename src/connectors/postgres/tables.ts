import { analyzeSelect, type PlainModification } from '../../domain/sql/analyze.ts';
import type { SqlNames, TableName } from '../../domain/sql/inspect.ts';
import { encodeParameters, quoteIdentifier, type SqlSession } from './driver.ts';

/** What a modification would touch, as the server's catalog tells it. */
export interface TouchedTables {
  readonly ok: true;
  /** `name` is for people, `sql` is quoted. */
  readonly target: { readonly oid: string; readonly name: string; readonly sql: string };
  /** Tables that foreign keys carry the change to (`ON DELETE CASCADE` and the like). */
  readonly cascades: readonly { readonly oid: string; readonly name: string }[];
  /** In the table's own order. */
  readonly columns: readonly string[];
  readonly primaryKey: readonly string[];
  /** Columns that get their value from the statement: what an INSERT's evidence can pin. */
  readonly insertedColumns: readonly string[];
}
export interface TableRefusal {
  readonly ok: false;
  readonly code:
    | 'table_not_found'
    | 'not_a_table'
    | 'system_table'
    | 'triggers'
    | 'rules'
    | 'volatile_function'
    | 'default_not_allowed'
    | 'type_not_allowed'
    | 'superuser_role';
  readonly message: string;
}

const refuse = (code: TableRefusal['code'], message: string): TableRefusal => ({ ok: false, code, message });

/** `"schema"."name"`, as SQL and as `to_regclass` read it. */
export function quoteTable({ schema, name }: TableName): string {
  return schema === null ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/**
 * Looks for everything that could make a statement do more than its text says: triggers, rules, views, foreign tables,
 * and volatile functions behind columns, constraints, indexes and policies; on the table, its partitions and wherever
 * foreign keys carry the change.
 */
export async function inspectTables(
  session: SqlSession,
  statement: PlainModification,
): Promise<TouchedTables | TableRefusal> {
  const others = await findNonTables(session, statement);
  if (others !== undefined) return others;
  const result = await session.query(TOUCHED, [quoteTable(statement.table), statement.verb]);
  const touched = result.rows.map(([oid, schema, name, kind, cascade, own, triggers, rules, functions]) => ({
    oid: String(oid),
    schema,
    name: `${schema}.${name}`,
    sql: quoteTable({ schema: String(schema), name: String(name) }),
    kind,
    cascade: cascade === 't',
    own: own === 't',
    triggers: triggers === 't',
    rules: rules === 't',
    functions: functions === 't',
  }));
  const target = touched[0];
  if (target === undefined || !target.own) return refuse('table_not_found', 'the table does not exist');
  for (const table of touched) {
    if (table.schema === 'pg_catalog' || table.schema === 'information_schema') {
      return refuse('system_table', `${table.name} belongs to the system`);
    }
    if (table.kind !== 'r' && table.kind !== 'p') return refuse('not_a_table', `${table.name} is not a plain table`);
    if (table.triggers) return refuse('triggers', `${table.name} has triggers`);
    if (table.rules) return refuse('rules', `${table.name} has rules`);
    if (table.functions) return refuse('volatile_function', `${table.name} calls a volatile function`);
  }
  const columns = await session.query(COLUMNS, [target.oid]);
  const inserted = statement.verb === 'insert' ? insertedColumns(statement, columns.rows) : [];
  if (!Array.isArray(inserted)) return inserted as TableRefusal;
  return {
    ok: true,
    target: { oid: target.oid, name: target.name, sql: target.sql },
    cascades: touched.filter(({ cascade }) => cascade).map(({ oid, name }) => ({ oid, name })),
    columns: columns.rows.map(([name]) => String(name)),
    primaryKey: columns.rows.filter(([, , , , key]) => key === 't').map(([name]) => String(name)),
    insertedColumns: inserted,
  };
}

/**
 * Columns that the statement fills. Those it leaves to the server must have a default without effects: a rolled back
 * INSERT would still use up a sequence's numbers, which a hostile proposer could repeat until none are left.
 */
function insertedColumns(
  statement: PlainModification,
  columns: readonly (readonly (string | null)[])[],
): readonly string[] | TableRefusal {
  const inserted: string[] = [];
  for (const [name, expression, identity, generated] of columns) {
    const column = String(name);
    const listed = statement.columns.length > 0 && statement.columns.includes(column);
    if (listed) {
      inserted.push(column);
      continue;
    }
    if (identity !== '') return refuse('default_not_allowed', `${column} takes its value from a sequence`);
    const hasDefault = expression !== null && generated === '';
    if (hasDefault && !analyzeSelect(`SELECT ${expression}`).ok) {
      return refuse('default_not_allowed', `the default of ${column} is not allow-listed`);
    }
    if (statement.columns.length === 0 && expression === null) inserted.push(column);
  }
  return inserted;
}

/** Relations that are only read must be tables too: a view could hide functions, a foreign table leads elsewhere. */
async function findNonTables(session: SqlSession, statement: PlainModification): Promise<TableRefusal | undefined> {
  // A name that the catalog does not know is one of the statement's own CTEs, or the statement will fail anyway.
  const found = await session.query(
    `SELECT c.relname FROM pg_catalog.unnest($1::text[]) AS n(name)
       JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(n.name)
      WHERE c.relkind NOT IN ('r', 'p', 'm') LIMIT 1`,
    encodeParameters([statement.names.tables.map(quoteTable)]),
  );
  const name = found.rows[0]?.[0];
  return name === undefined ? undefined : refuse('not_a_table', `${name} is not a plain table`);
}

/** On a server, a superuser would turn any gap in our checks into full access. PGlite has no other role. */
export async function refuseSuperuser(session: SqlSession): Promise<TableRefusal | undefined> {
  const result = await session.query('SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user');
  return result.rows[0]?.[0] === 'f'
    ? undefined
    : refuse('superuser_role', 'previews need a role that is not a superuser');
}

/** Refuses a statement with a name that may mean more than what was allowed. */
export async function refuseNames(session: SqlSession, names: SqlNames): Promise<TableRefusal | undefined> {
  return (await refuseShadow(session, names)) ?? (await refuseAllowed(session, names));
}

/** What policy allows counts only as what it says: enum types, and functions of a user's own that are not volatile. */
async function refuseAllowed(
  session: SqlSession,
  { allowedTypes, allowedFunctions }: SqlNames,
): Promise<TableRefusal | undefined> {
  if (allowedTypes.length + allowedFunctions.length === 0) return undefined;
  const parts = (paths: readonly (readonly string[])[], at: -1 | -2) => paths.map((path) => path.at(at) ?? null);
  const result = await session.query(
    ALLOWED,
    encodeParameters([
      allowedTypes.map((path) => path.map(quoteIdentifier).join('.')),
      parts(allowedFunctions, -2),
      parts(allowedFunctions, -1),
    ]),
  );
  const [kind, name] = result.rows[0] ?? [];
  if (kind === undefined) return undefined;
  return kind === 'type'
    ? refuse('type_not_allowed', `the policy allows ${name}, but that is not an enum type`)
    : refuse('volatile_function', `the policy allows ${name}, but that is volatile or built in`);
}

const ALLOWED = `
  SELECT 'type', n.name FROM pg_catalog.unnest($1::text[]) AS n(name)
   WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type t WHERE t.oid = pg_catalog.to_regtype(n.name) AND t.typtype = 'e')
  UNION ALL
  SELECT 'function', n.name FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS n(schema, name)
   WHERE EXISTS (
     SELECT 1 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
      WHERE p.proname = n.name AND (p.provolatile = 'v' OR s.nspname = 'pg_catalog')
        AND coalesce(s.nspname = n.schema, s.nspname = ANY (pg_catalog.current_schemas(true))))
  LIMIT 1`;

/**
 * Refuses a statement with a name that the search path could lead to a user's own volatile function instead of the
 * built-in one.
 */
async function refuseShadow(session: SqlSession, names: SqlNames): Promise<TableRefusal | undefined> {
  const { functions, columns, operators } = names;
  const result = await session.query(SHADOWS, encodeParameters([functions, columns, operators]));
  const name = result.rows[0]?.[0];
  return name ? refuse('volatile_function', `${name} may mean a volatile function of this database`) : undefined;
}

const SHADOWS = `
  WITH own AS (
    SELECT n.oid FROM pg_catalog.pg_namespace n
     WHERE n.nspname = ANY (pg_catalog.current_schemas(false)) AND n.nspname <> 'pg_catalog'
  )
  SELECT p.proname::text FROM pg_catalog.pg_proc p
   WHERE p.provolatile = 'v' AND p.proname = ANY ($1::text[]) AND p.pronamespace IN (SELECT oid FROM own)
  UNION ALL
  SELECT p.proname::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_type t ON t.oid = p.proargtypes[0]
   WHERE p.provolatile = 'v' AND p.proname = ANY ($2::text[]) AND t.typtype IN ('c', 'p')
     AND p.pronargs - p.pronargdefaults <= 1
     AND p.pronamespace IN (SELECT oid FROM own UNION SELECT 'pg_catalog'::pg_catalog.regnamespace::oid)
  UNION ALL
  SELECT o.oprname::text FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
   WHERE p.provolatile = 'v' AND o.oprname = ANY ($3::text[]) AND o.oprnamespace IN (SELECT oid FROM own)
  LIMIT 1`;

/**
 * Follows inheritance and foreign keys from the table. What a delete does to a referencing table is a delete
 * (CASCADE) or an update (SET NULL, SET DEFAULT); from there it goes on.
 */
const TOUCHED = `
  WITH RECURSIVE edges (parent, child, op, next, cascade) AS (
    SELECT inhparent, inhrelid, op, op, false
      FROM pg_catalog.pg_inherits, (VALUES ('insert'), ('update'), ('delete')) ops (op)
    UNION ALL
    SELECT confrelid, conrelid, 'delete', CASE confdeltype WHEN 'c' THEN 'delete' ELSE 'update' END, true
      FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')
    UNION ALL
    SELECT confrelid, conrelid, 'update', 'update', true
      FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confupdtype IN ('c', 'n', 'd')
  ), touched (oid, op, cascade) AS (
    SELECT pg_catalog.to_regclass($1)::pg_catalog.oid, $2::text, false
    UNION
    SELECT e.child, e.next, t.cascade OR e.cascade FROM touched t JOIN edges e ON e.parent = t.oid AND e.op = t.op
  ), tables AS (
    -- A table can be both: one that refers to itself cascades into itself.
    SELECT oid, pg_catalog.bool_or(cascade) AS cascade, pg_catalog.bool_or(NOT cascade) AS own FROM touched GROUP BY oid
  )
  SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text, t.cascade, t.own,
    EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
    EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid),
    EXISTS (
      SELECT 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
       WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.provolatile = 'v' AND (
         (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
           AND d.objid IN (SELECT a.oid FROM pg_catalog.pg_attrdef a WHERE a.adrelid = c.oid))
         OR (d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
           AND d.objid IN (SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid))
         OR (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND d.objid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid))
         OR (d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
           AND d.objid IN (SELECT y.oid FROM pg_catalog.pg_policy y WHERE y.polrelid = c.oid))))
    FROM tables t JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   ORDER BY c.oid = pg_catalog.to_regclass($1) DESC, n.nspname, c.relname`;

const COLUMNS = `
  SELECT a.attname::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
    EXISTS (SELECT 1 FROM pg_catalog.pg_index i
             WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
    FROM pg_catalog.pg_attribute a
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

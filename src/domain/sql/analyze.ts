import { isTree, SqlInspector, tableOf, type SqlAllowed, type SqlNames, type TableName } from './inspect.ts';
import { parseStatement, refuseSql, writeTree, type ParsedStatement, type SqlRefusal, type Tree } from './parser.ts';
import { isAnalyze, refuseParameters, refuseUnrunnable } from './runnable.ts';

export interface PlainSelect {
  readonly ok: true;
  /** The statement alone, without a closing semicolon. */
  readonly text: string;
  readonly names: SqlNames;
}

/**
 * One SELECT (or VALUES, or TABLE) that only reads: no INTO, no row locks, no data-modifying CTE, and nothing outside
 * the allow-list. Judged on PostgreSQL's own parse tree, never on the text.
 */
export function analyzeSelect(sql: string, allowed?: SqlAllowed): PlainSelect | SqlRefusal {
  const parsed = parseStatement(sql);
  if (!parsed.ok) return parsed;
  if (parsed.kind !== 'SelectStmt') return refuseSql('not_a_select', 'the SQL is not a SELECT');
  const inspector = new SqlInspector(allowed);
  const refusal = inspector.inspect(parsed.tree);
  return refusal ?? { ok: true, text: parsed.text, names: inspector.names() };
}

export interface PlainModification {
  readonly ok: true;
  readonly verb: 'insert' | 'update' | 'delete';
  readonly text: string;
  /** `EXPLAIN ANALYZE` stands before it: it runs, and the answer is its plan. */
  readonly explained: boolean;
  readonly table: TableName;
  /** What the statement calls the table: its alias, or its name without the schema. */
  readonly reference: string;
  /** `ONLY`: without tables that inherit from it. */
  readonly only: boolean;
  /** Columns that an INSERT names or an UPDATE assigns, in order. Empty: an INSERT that names none. */
  readonly columns: readonly string[];
  /** The statement has a RETURNING of its own. */
  readonly returning: boolean;
  readonly names: SqlNames;
}

const VERBS = { InsertStmt: 'insert', UpdateStmt: 'update', DeleteStmt: 'delete' } as const;
type ModificationKind = keyof typeof VERBS;

/** Fields of a modification and how each is inspected; others (`ON CONFLICT DO UPDATE`, say) are refused. */
const MODIFICATION_FIELDS = {
  InsertStmt: ['relation', 'cols', 'selectStmt', 'onConflictClause', 'returningClause', 'withClause', 'override'],
  UpdateStmt: ['relation', 'targetList', 'whereClause', 'fromClause', 'returningClause', 'withClause'],
  DeleteStmt: ['relation', 'usingClause', 'whereClause', 'returningClause', 'withClause'],
} as const satisfies Record<ModificationKind, readonly string[]>;

/** One INSERT, UPDATE or DELETE, explained or not, that can be run and rolled back to see what it would do. */
export function analyzeModification(sql: string, allowed?: SqlAllowed): PlainModification | SqlRefusal {
  const whole = parseStatement(sql);
  if (!whole.ok) return whole;
  const explained = whole.kind === 'ExplainStmt';
  const parsed = explained ? explainedStatement(whole) : whole;
  if (!parsed.ok) return parsed;
  const { kind, body } = parsed;
  if (!isModification(kind)) return refuseSql('not_a_modification', 'the SQL is not an INSERT, UPDATE or DELETE');
  const inspector = new SqlInspector(allowed);
  const refusal = inspectModification(kind, body, inspector);
  if (refusal !== undefined) return refusal;
  const relation = body['relation'] as Tree;
  const table = tableOf(relation);
  const alias = isTree(relation['alias']) ? relation['alias']['aliasname'] : undefined;
  return {
    ok: true,
    verb: VERBS[kind],
    text: parsed.text,
    explained,
    table,
    reference: typeof alias === 'string' ? alias : table.name,
    only: relation['inh'] !== true,
    columns: targetColumns(kind === 'InsertStmt' ? body['cols'] : kind === 'UpdateStmt' ? body['targetList'] : []),
    returning: body['returningClause'] !== undefined,
    names: inspector.names(),
  };
}

/** Where a modification can begin. */
const BEGINNINGS = /\b(?:with|insert|update|delete)\b/gi;
/** Comments may hold such words too. */
const MOST_BEGINNINGS = 20;

/** The statement that `EXPLAIN ANALYZE` runs, as if it stood alone. */
function explainedStatement({ body, text }: ParsedStatement): ParsedStatement | SqlRefusal {
  if (!isAnalyze(body)) {
    return refuseSql('not_a_modification', 'EXPLAIN without ANALYZE plans a statement and does not run it');
  }
  const query = isTree(body['query']) ? writeTree(body['query']) : '';
  let left = MOST_BEGINNINGS;
  for (const { index } of text.matchAll(BEGINNINGS)) {
    if (left === 0) break;
    left -= 1;
    const parsed = parseStatement(text.slice(index));
    // The rest of the text means the same as the part of the whole: it is that part.
    if (parsed.ok && writeTree(parsed.tree) === query) return parsed;
  }
  return refuseSql('not_a_modification', 'what EXPLAIN ANALYZE would run is not an INSERT, UPDATE or DELETE');
}

/** Any single statement that can run inside Holdpoint's transaction, with as many parameters as are given. */
export function analyzeStatement(
  sql: string,
  given: number,
): { readonly ok: true; readonly text: string } | SqlRefusal {
  const parsed = parseStatement(sql);
  if (!parsed.ok) return parsed;
  return refuseUnrunnable(parsed) ?? refuseParameters(parsed, given) ?? { ok: true, text: parsed.text };
}

function isModification(kind: string): kind is ModificationKind {
  return Object.hasOwn(VERBS, kind);
}

function inspectModification(kind: ModificationKind, body: Tree, inspector: SqlInspector): SqlRefusal | undefined {
  const fields: readonly string[] = MODIFICATION_FIELDS[kind];
  for (const [field, value] of Object.entries(body)) {
    if (!fields.includes(field)) return refuseSql('construct_not_allowed', `${field} of ${kind} is not allowed`);
    const refusal = inspectField(field, value, inspector);
    if (refusal !== undefined) return refusal;
  }
  if (kind === 'InsertStmt' && body['selectStmt'] === undefined) {
    return refuseSql('construct_not_allowed', 'DEFAULT VALUES is not allowed');
  }
  return undefined;
}

function inspectField(field: string, value: unknown, inspector: SqlInspector): SqlRefusal | undefined {
  if (field === 'relation') return inspector.inspectNode('RangeVar', value as Tree);
  if (field === 'withClause') return inspector.inspectNode('WithClause', value as Tree);
  if (field === 'onConflictClause') return inspectConflict(value as Tree);
  if (field === 'returningClause') {
    const { exprs, ...others } = value as Tree;
    if (Object.keys(others).length > 0) return refuseSql('construct_not_allowed', 'RETURNING WITH is not allowed');
    return inspector.inspect(exprs);
  }
  return inspector.inspect(value);
}

const INDEX_FIELDS = new Set(['name', 'ordering', 'nulls_ordering', 'location']);

/** `ON CONFLICT DO NOTHING`, with nothing but column names or a constraint's name. */
function inspectConflict(clause: Tree): SqlRefusal | undefined {
  const refusal = refuseSql('construct_not_allowed', 'ON CONFLICT allows DO NOTHING alone');
  const { action, infer, location: _, ...others } = clause;
  if (action !== 'ONCONFLICT_NOTHING' || Object.keys(others).length > 0) return refusal;
  if (infer === undefined) return undefined;
  const { indexElems, conname: __, location: ___, ...conditions } = infer as Tree;
  if (Object.keys(conditions).length > 0) return refusal;
  const elements = Array.isArray(indexElems) ? (indexElems as readonly Tree[]) : [];
  const plain = elements.every(
    (element) =>
      isTree(element['IndexElem']) && Object.keys(element['IndexElem']).every((field) => INDEX_FIELDS.has(field)),
  );
  return plain ? undefined : refusal;
}

function targetColumns(targets: unknown): readonly string[] {
  if (!Array.isArray(targets)) return [];
  return (targets as readonly Tree[]).flatMap((target) => {
    const name = isTree(target['ResTarget']) ? target['ResTarget']['name'] : undefined;
    return typeof name === 'string' ? [name] : [];
  });
}

import type { PreviewResult } from '../../ports/connector.ts';
import { isTree, type TableName } from '../../domain/sql/inspect.ts';
import { parseStatement, type Tree } from '../../domain/sql/parser.ts';
import { refuseOutside } from '../../domain/sql/runnable.ts';
import type { SqlSession } from './driver.ts';
import { quoteTable } from './tables.ts';

/**
 * What the server does not look up when it reads a statement that is not planned: whether the relations that it names are
 * there, and whether it can run in a transaction, which for some depends on what they are.
 */
export async function refuseNamed(session: SqlSession, sql: string): Promise<PreviewResult | undefined> {
  const parsed = parseStatement(sql);
  if (!parsed.ok) return undefined;
  const { kind, body } = parsed;
  if (kind === 'DropSubscriptionStmt') {
    const found = await session.query(SLOT, [String(body['subname'])]);
    if (found.rows.length === 0) return undefined;
    return invalid(`${refuseOutside('DROP SUBSCRIPTION').message}, unless its slot_name is set to NONE first`);
  }
  for (const name of requiredRelations(kind, body)) {
    const found = await session.query(RELATION, [quoteTable(name)]);
    const relkind = found.rows[0]?.[0];
    if (relkind === undefined) {
      const shown = name.schema === null ? name.name : `${name.schema}.${name.name}`;
      return invalid(`42P01: relation "${shown}" does not exist`);
    }
    const isEach = kind === 'ClusterStmt' || kind === 'ReindexStmt';
    if (isEach && (relkind === 'p' || relkind === 'I')) {
      const verb = kind === 'ClusterStmt' ? 'CLUSTER' : 'REINDEX';
      return invalid(refuseOutside(`${verb} of a partitioned table or index`).message);
    }
  }
  return undefined;
}

const SLOT = `SELECT 1 FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
  WHERE d.datname = pg_catalog.current_database() AND s.subname = $1 AND s.subslotname IS NOT NULL`;
const RELATION = 'SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)';

function invalid(message: string): PreviewResult {
  return { ok: false, code: 'invalid_call', message, pointer: '/sql' };
}

const ON_RELATIONS = new Set([
  'AlterTableStmt',
  'ClusterStmt',
  'CopyStmt',
  'CreateTrigStmt',
  'IndexStmt',
  'LockStmt',
  'RefreshMatViewStmt',
  'ReindexStmt',
  'RenameStmt',
  'RuleStmt',
  'TruncateStmt',
]);
const RELATION_TYPES = new Set(['TABLE', 'VIEW', 'MATVIEW', 'SEQUENCE', 'INDEX', 'FOREIGN_TABLE']);

function requiredRelations(kind: string, body: Tree): readonly TableName[] {
  if (body['missing_ok'] === true) return [];
  if (ON_RELATIONS.has(kind)) {
    const { relation, relations = [] } = body as { readonly relation?: Tree; readonly relations?: readonly Tree[] };
    return [relation, ...relations.map(({ RangeVar: one }) => one)].flatMap((one) => {
      if (!isTree(one) || one['catalogname'] !== undefined) return [];
      const { schemaname: schema, relname: name } = one;
      return typeof name === 'string' ? [{ schema: typeof schema === 'string' ? schema : null, name }] : [];
    });
  }
  if (kind !== 'DropStmt' || !RELATION_TYPES.has(String(body['removeType']).replace('OBJECT_', ''))) return [];
  return (body['objects'] as readonly Tree[]).flatMap(({ List: list }) => {
    const items = isTree(list) ? (list['items'] as readonly { readonly String?: Tree }[]) : [];
    const [name, schema, ...others] = items.map((item) => String(item.String?.['sval'])).toReversed();
    return name === undefined || others.length > 0 ? [] : [{ schema: schema ?? null, name }];
  });
}

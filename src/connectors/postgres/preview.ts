import type { PreviewResult } from '../../ports/connector.ts';
import type { Fact } from '../../contract/call.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { PostgresTargetRequest } from '../../domain/render/postgres.ts';
import { analyzeModification, type PlainModification } from '../../domain/sql/analyze.ts';
import { isSealed } from '../../domain/seal-binding.ts';
import { clipRow, clipValue, redact } from '../answer.ts';
import { failureOf, sentenceOf } from './answer.ts';
import {
  beginTransaction,
  DriverError,
  encodeParameters,
  inSession,
  type SessionLimits,
  type SqlDriver,
  type SqlSession,
} from './driver.ts';
import { refuseNamed } from './named.ts';
import { prepareProbe, runProbe, type Probe } from './probe.ts';
import { refuseSuperuser, type TouchedTables } from './tables.ts';

/**
 * Has the server read the statement, then runs it and rolls it back, to say what it would do, if it is an INSERT, UPDATE or
 * DELETE. Refuses whatever could do more than a rollback undoes; the call is then held without a preview. What the server
 * cannot even read is no call.
 */
export async function previewStatement(
  driver: SqlDriver,
  limits: SessionLimits,
  request: PostgresTargetRequest,
  tool: Pick<ToolDefinition, 'redact' | 'allow'>,
): Promise<PreviewResult> {
  return inSession(driver, limits, async (session) => {
    await beginTransaction(session, limits, request.mode === 'select' ? 'READ ONLY' : 'READ WRITE');
    const unreadable = await session.describe(request.sql).then(() => undefined, invalidOf);
    if (unreadable !== undefined) return unreadable;
    const unrunnable = await refuseNamed(session, request.sql);
    if (unrunnable !== undefined) return unrunnable;
    if (request.mode === 'select') {
      return { ok: false, code: 'nothing_to_preview', message: 'A SELECT changes nothing' } as const;
    }
    const statement = analyzeModification(request.sql, tool.allow);
    if (!statement.ok) return { ok: false, code: statement.code, message: statement.message } as const;
    if (request.params.some(isSealed)) {
      return { ok: false, code: 'sealed_arguments', message: 'A parameter is sealed' } as const;
    }
    return previewIn(session, driver.embedded, statement, request, tool);
  }).catch(refusalOf);
}

async function previewIn(
  session: SqlSession,
  embedded: boolean,
  statement: PlainModification,
  request: PostgresTargetRequest,
  { redact: pointers, allow }: Pick<ToolDefinition, 'redact' | 'allow'>,
): Promise<PreviewResult> {
  const superuser = embedded ? undefined : await refuseSuperuser(session);
  if (superuser !== undefined) return superuser;
  const prepared = await prepareProbe(session, statement, allow);
  if (!prepared.ok) return prepared;
  const { tables } = prepared;
  const total = await countRows(session, tables.target, statement);
  const probe = await runProbe(session, prepared, encodeParameters(request.params));
  // Deferred constraints would fail at COMMIT, after the yes.
  await session.query('SET CONSTRAINTS ALL IMMEDIATE');
  await session.query('ROLLBACK');
  return { ok: true, facts: factsOf(statement, tables, probe, total, pointers), sourceHash: probe.sourceHash };
}

/** Feature, data, schema and syntax: about the text of the statement, whatever the tables hold. */
const ABOUT_THE_TEXT = /^(?:0A|22|3F|42)/;

function invalidOf(error: unknown): PreviewResult {
  if (!(error instanceof DriverError) || error.kind !== 'refused' || !ABOUT_THE_TEXT.test(error.sqlState ?? '')) {
    throw error;
  }
  const { sqlState, message } = error;
  return { ok: false, code: 'invalid_call', message: sentenceOf(sqlState, message), pointer: '/sql' };
}

const VERBS = { insert: 'inserted', update: 'updated', delete: 'deleted' } as const;
/** Up to this size on disk a table is counted; above it the planner's estimate does. */
const COUNTED_BYTES = 64 * 1024 * 1024;

interface Total {
  readonly rows: number;
  readonly estimated: boolean;
}

async function countRows(
  session: SqlSession,
  target: TouchedTables['target'],
  statement: PlainModification,
): Promise<Total | null> {
  const size = await session.query(
    `SELECT pg_catalog.pg_relation_size($1::pg_catalog.oid), c.reltuples::pg_catalog.int8
       FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.oid`,
    [target.oid],
  );
  const [bytes, estimate] = size.rows[0] ?? [];
  if (Number(bytes) > COUNTED_BYTES) return Number(estimate) < 0 ? null : { rows: Number(estimate), estimated: true };
  const counted = await session.query(`SELECT pg_catalog.count(*) FROM ${statement.only ? 'ONLY ' : ''}${target.sql}`);
  return { rows: Number(counted.rows[0]?.[0]), estimated: false };
}

function factsOf(
  statement: PlainModification,
  tables: TouchedTables,
  probe: Probe,
  total: Total | null,
  pointers: readonly string[] | undefined,
): readonly Fact[] {
  const verb = VERBS[statement.verb];
  const runs = { name: 'runs', label: 'EXPLAIN ANALYZE runs the statement', value: statement.verb.toUpperCase() };
  const facts: Fact[] = [
    ...(statement.explained ? [runs] : []),
    { name: 'affected_rows', label: `Rows that would be ${verb}`, value: probe.affected },
    { name: 'table', label: 'Table', value: tables.target.name },
  ];
  if (total !== null) {
    const label = total.estimated ? 'Rows in the table (estimate)' : 'Rows in the table';
    facts.push({ name: 'table_rows', label, value: total.rows });
  }
  if (tables.cascades.length > 0) {
    const label = 'Tables that foreign keys propagate the change to';
    facts.push({ name: 'cascades', label, value: clipValue(probe.cascades) });
  }
  facts.push({
    name: 'sample',
    label: statement.verb === 'update' ? `First rows, before` : `First rows that would be ${verb}`,
    value: sampleOf(probe.sample, pointers),
  });
  if (statement.verb === 'update') {
    facts.push({ name: 'sample_after', label: 'The same rows, after', value: sampleOf(probe.sampleAfter, pointers) });
  }
  return facts;
}

/** Redacted as the rows of an answer would be, before anything is shortened. */
function sampleOf(rows: readonly JsonObject[], pointers: readonly string[] | undefined): Json {
  const redacted = redact({ rows: rows as Json }, pointers) as { readonly rows?: Json };
  return Array.isArray(redacted.rows) ? (redacted.rows as readonly JsonObject[]).map(clipRow) : [];
}

function refusalOf(error: unknown): PreviewResult {
  if (error instanceof DriverError && error.kind === 'lost') {
    return { ok: false, code: 'preview_timeout', message: 'The preview took too long' };
  }
  const { code, message } = failureOf(error);
  return { ok: false, code, message };
}

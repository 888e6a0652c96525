import type { ConnectorResult, ExecuteInput } from '../../ports/connector.ts';
import type { Json } from '../../contract/json.ts';
import type { PostgresTargetRequest } from '../../domain/render/postgres.ts';
import { analyzeSelect } from '../../domain/sql/analyze.ts';
import { redact } from '../redact.ts';
import { failed } from '../results.ts';
import { encodeParameters, type SqlDriver, type SqlSession } from './driver.ts';
import { failureOf } from './statement.ts';
import { findShadow } from './tables.ts';
import { RowCollector } from './values.ts';

const BATCH = 100;
const LOCK_MS = 1_000;

/**
 * Runs one plain SELECT through a cursor, in a read-only transaction that is rolled back. The cursor takes nothing but
 * a SELECT, and rows are fetched only until the limit: `{rows, rowCount, truncated?}`.
 */
export async function runSelect(
  driver: SqlDriver,
  limits: { readonly statementMs: number; readonly signal: AbortSignal },
  request: PostgresTargetRequest,
  { tool, sendBy }: ExecuteInput,
): Promise<ConnectorResult> {
  const select = analyzeSelect(request.sql);
  if (!select.ok) return failed('invalid_call', select.message);
  let session: SqlSession | undefined;
  try {
    session = await driver.open({ ...limits, lockMs: LOCK_MS });
    if (Date.now() > sendBy) return failed('target_unreachable', 'The session stood too late; nothing was sent');
    await session.query('BEGIN READ ONLY');
    const shadow = await findShadow(session, select.names);
    if (shadow !== undefined) return failed('invalid_call', `${shadow} may mean a volatile function of this database`);
    const cursor = `DECLARE holdpoint NO SCROLL CURSOR FOR ${select.text}`;
    await session.query(cursor, encodeParameters(request.params));
    const collector = await fetchRows(session);
    await session.query('ROLLBACK');
    const body = {
      rows: collector.rows as Json,
      rowCount: collector.rows.length,
      ...(collector.truncated ? { truncated: true } : {}),
    };
    return { status: 'executed', body: redact(body, tool.redact) };
  } catch (error) {
    return failureOf(error);
  } finally {
    await session?.close();
  }
}

async function fetchRows(session: SqlSession): Promise<RowCollector> {
  const collector = new RowCollector();
  for (;;) {
    const batch = await session.query(`FETCH FORWARD ${BATCH} FROM holdpoint`);
    if (!collector.add(batch) || batch.rows.length < BATCH) return collector;
  }
}

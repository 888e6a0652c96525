import type { Json } from '../../contract/json.ts';
import { callTimeoutMs } from '../../domain/call-timeout.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import { renderPostgresRequest, type PostgresTargetRequest } from '../../domain/render/postgres.ts';
import { isSealed } from '../../domain/seal-binding.ts';
import { analyzeModification, analyzeSelect, analyzeStatement } from '../../domain/sql/analyze.ts';
import type { Connector, ConnectorResult, ExecuteInput } from '../../ports/connector.ts';
import { failed, redact, NO_PREVIEW, TOO_LATE } from '../answer.ts';
import { answerOf, commitFailureOf, failureOf, final, RowCollector, TRUNCATED } from './answer.ts';
import {
  beginTransaction,
  DriverError,
  encodeParameters,
  inSession,
  type SessionLimits,
  type SqlDriver,
  type SqlSession,
} from './driver.ts';
import { previewStatement } from './preview.ts';
import { prepareProbe, runProbe } from './probe.ts';
import { refuseNames } from './tables.ts';

const PREVIEW_MS = 5_000;
/** Longest that a preview or a read waits for a lock. */
const LOCK_MS = 1_000;
/** Rows that a read fetches at once. */
const BATCH = 100;

interface PostgresConnectorOptions {
  readonly driver: SqlDriver;
  /** Role of its own for reads; may be the same driver. */
  readonly selectDriver: SqlDriver;
  /** Connection strings and passwords, for scrubbing. */
  secrets(): readonly string[];
  readonly timeoutMs: number;
}

/** Runs SQL: reads in a transaction that is rolled back, everything else in one that is committed once. */
export function createPostgresConnector(options: PostgresConnectorOptions): Connector {
  const { driver, selectDriver, secrets, timeoutMs } = options;
  return {
    timeoutMs,
    secrets,
    async close() {
      await driver.close();
      if (selectDriver !== driver) await selectDriver.close();
    },

    async reach(signal) {
      const limits = { statementMs: PREVIEW_MS, lockMs: LOCK_MS, signal };
      try {
        for (const one of new Set([driver, selectDriver])) await (await one.open(limits)).close();
        return undefined;
      } catch (error) {
        return failureOf(error);
      }
    },

    async preview({ tool, arguments: args, signal }) {
      if (tool.preview === undefined || !('builtin' in tool.preview)) return NO_PREVIEW;
      const rendered = renderPostgresRequest(tool, args);
      if (!rendered.ok)
        return { ok: false, code: 'invalid_call', message: rendered.errors.map(({ message }) => message).join('; ') };
      const limits = { statementMs: Math.min(PREVIEW_MS, timeoutMs), lockMs: LOCK_MS, signal };
      const runsOn = rendered.value.mode === 'select' ? selectDriver : driver;
      return previewStatement(runsOn, limits, rendered.value, tool);
    },

    async execute(input) {
      const request = openedRequest(input);
      if (request === undefined) return failed('invalid_call');
      const ms = callTimeoutMs(input.tool, timeoutMs);
      const signal = AbortSignal.timeout(ms);
      if (request.mode === 'select') {
        const limits = { statementMs: Math.min(PREVIEW_MS, ms), lockMs: LOCK_MS, signal };
        return runSelect(selectDriver, limits, request, input);
      }
      return executeOnce(driver, { statementMs: ms, lockMs: ms, signal }, request, input);
    },
  };
}

/** Renders again with sealed values opened; everything but the opened parameters must equal what was approved. */
function openedRequest(input: ExecuteInput): PostgresTargetRequest | undefined {
  const rendered = renderPostgresRequest(input.tool, input.arguments);
  const approved = input.target.request as unknown as PostgresTargetRequest;
  if (!rendered.ok) return undefined;
  const { mode, sql, params } = rendered.value;
  const same = mode === approved.mode && sql === approved.sql && params.length === approved.params.length;
  const sameParams = params.every((value, i) => {
    const shown = approved.params[i] as Json;
    return isSealed(shown) ? !isSealed(value) : digestOf(value) === digestOf(shown);
  });
  return same && sameParams ? rendered.value : undefined;
}

async function executeOnce(
  driver: SqlDriver,
  limits: SessionLimits,
  request: PostgresTargetRequest,
  input: ExecuteInput,
): Promise<ConnectorResult> {
  const parsed = analyzeStatement(request.sql, request.params.length);
  if (!parsed.ok) return failed('invalid_call', parsed.message);
  let committing = false;
  return inSession(driver, limits, async (session) => {
    if (Date.now() > input.sendBy) return TOO_LATE;
    const pinned = input.evidence?.sourceHash ?? null;
    const statement = pinned === null ? null : analyzeModification(request.sql, input.tool.allow);
    // What is explained runs twice, and must not meet other rows the second time.
    const isolation = statement?.ok === true && statement.explained ? 'repeatable read' : undefined;
    await beginTransaction(session, limits, 'READ WRITE', isolation);
    const done =
      statement === null
        ? await runPlain(session, parsed.text, request, input)
        : await runPinned(session, statement, request, input);
    if (done.status !== 'executed') return done;
    committing = true;
    const ended = await session.query('COMMIT');
    // A transaction that failed unnoticed answers COMMIT with ROLLBACK.
    return ended.command === 'COMMIT' ? done : failed('statement_failed');
  }).catch((error: unknown) => {
    if (committing) return commitFailureOf(error);
    // What did not end in its own time would not do so the next time.
    const isTooSlow = error instanceof DriverError && error.kind === 'lost' && limits.signal.aborted;
    return isTooSlow ? final(failureOf(error)) : failureOf(error);
  });
}

async function runPlain(
  session: SqlSession,
  sql: string,
  request: PostgresTargetRequest,
  { tool }: ExecuteInput,
): Promise<ConnectorResult> {
  const result = await session.query(sql, encodeParameters(request.params));
  const returned = result.columns.length === 0 ? null : result;
  return { status: 'executed', body: answerOf(result.rowCount, returned, tool.redact) };
}

/**
 * Runs what was previewed and compares before it commits. Any difference is drift: the caller rolls back. Of what is
 * explained the answer is the plan, so it is taken back and runs again as it was written.
 */
async function runPinned(
  session: SqlSession,
  statement: ReturnType<typeof analyzeModification>,
  request: PostgresTargetRequest,
  input: ExecuteInput,
): Promise<ConnectorResult> {
  const prepared = await prepareProbe(session, statement, input.tool.allow);
  if (!prepared.ok) return failed('drifted');
  const { explained } = prepared.statement;
  if (explained) await session.query('SAVEPOINT holdpoint');
  const probe = await runProbe(session, prepared, encodeParameters(request.params));
  if (probe.sourceHash !== input.evidence?.sourceHash) return failed('drifted');
  if (!explained) return { status: 'executed', body: answerOf(probe.affected, probe.returned, input.tool.redact) };
  await session.query('ROLLBACK TO holdpoint');
  return runPlain(session, request.sql, request, input);
}

/**
 * Runs one plain SELECT through a cursor, in a read-only transaction that is rolled back. The cursor takes nothing but
 * a SELECT, and rows are fetched only until the limit: `{rows, rowCount, truncated?, advice?}`.
 */
async function runSelect(
  driver: SqlDriver,
  limits: SessionLimits,
  request: PostgresTargetRequest,
  { tool, sendBy }: ExecuteInput,
): Promise<ConnectorResult> {
  const select = analyzeSelect(request.sql, tool.allow);
  if (!select.ok) return failed('invalid_call', select.message);
  return inSession(driver, limits, async (session): Promise<ConnectorResult> => {
    if (Date.now() > sendBy) return TOO_LATE;
    await beginTransaction(session, limits, 'READ ONLY');
    const shadow = await refuseNames(session, select.names);
    if (shadow !== undefined) return failed('invalid_call', shadow.message);
    const cursor = `DECLARE holdpoint NO SCROLL CURSOR FOR ${select.text}`;
    await session.query(cursor, encodeParameters(request.params));
    const { rows, truncated } = await fetchRows(session);
    await session.query('ROLLBACK');
    const body = { rows: rows as Json, rowCount: rows.length, ...(truncated ? TRUNCATED : {}) };
    return { status: 'executed', body: redact(body, tool.redact) };
  }).catch(failureOf);
}

async function fetchRows(session: SqlSession): Promise<RowCollector> {
  const collector = new RowCollector();
  for (;;) {
    const batch = await session.query(`FETCH FORWARD ${BATCH} FROM holdpoint`);
    if (!collector.add(batch) || batch.rows.length < BATCH) return collector;
  }
}

import type { ConnectorResult } from '../../ports/connector.ts';
import type { JsonObject } from '../../contract/json.ts';
import { redact } from '../redact.ts';
import { failed, outcomeUnknown } from '../results.ts';
import { wellFormed } from '../json-text.ts';
import { DriverError, type SqlResult } from './driver.ts';
import { RowCollector } from './values.ts';

/** The answer of a statement: `{rowCount, rows?, truncated?}`. */
export function answerOf(
  rowCount: number | null,
  returned: SqlResult | null,
  pointers: readonly string[] | undefined,
): JsonObject {
  const collector = new RowCollector();
  if (returned !== null) collector.add(returned);
  const body: JsonObject = {
    rowCount,
    ...(returned === null ? {} : { rows: collector.rows }),
    ...(collector.truncated ? { truncated: true } : {}),
  };
  return redact(body, pointers) as JsonObject;
}

/**
 * What an error before COMMIT means: nothing happened, because nothing was committed. The message is the server's
 * first line; its detail, which quotes rows, is not kept.
 */
export function failureOf(error: unknown): ConnectorResult {
  if (!(error instanceof DriverError)) return failed('statement_failed');
  switch (error.kind) {
    case 'refused':
      return failed('statement_failed', `${error.sqlState ?? ''} ${wellFormed(error.message).slice(0, 500)}`.trim());
    case 'unreachable':
      return failed('target_unreachable');
    case 'too_large':
      return failed('response_too_large', 'The answer was larger than allowed; the statement was rolled back');
    case 'lost':
      return failed('upstream_failed', 'The connection ended before COMMIT; the statement was rolled back');
  }
}

/** What an error of COMMIT itself means: only the server's own word counts. */
export function commitFailureOf(error: unknown): ConnectorResult {
  if (error instanceof DriverError && error.kind === 'refused') return failureOf(error);
  return outcomeUnknown('The connection was lost around COMMIT');
}

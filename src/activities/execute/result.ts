import type { Json } from '../../contract/json.ts';
import { LIMITS } from '../../contract/review.ts';
import type { ExecutionOutcome } from '../../contract/store.ts';
import type { ConnectorResult } from '../ports.ts';

/**
 * What is stored of a connector's answer: scrubbed of credentials and opened values, at most 256 KiB. `at`: ISO 8601.
 */
export function outcomeOfResult(result: ConnectorResult, at: string, scrub: (value: Json) => Json): ExecutionOutcome {
  const body = 'body' in result && result.body !== undefined ? clipBody(scrub(result.body)) : undefined;
  return {
    ...(body === undefined ? {} : { body }),
    ...('upstreamStatus' in result && result.upstreamStatus !== undefined
      ? { upstreamStatus: result.upstreamStatus }
      : {}),
    error: result.status === 'executed' ? null : { code: result.code, message: scrubText(result.message, scrub) },
    finishedAt: at,
  };
}

function scrubText(message: string, scrub: (value: Json) => Json): string {
  const clean = scrub(message);
  return (typeof clean === 'string' ? clean : '').slice(0, 2_000);
}

/** Connectors bound their answers; this is the last line, so that no row can outgrow what a query may return. */
function clipBody(body: Json): Json {
  const size = Buffer.byteLength(JSON.stringify(body), 'utf8');
  return size <= LIMITS.responseBody ? body : { $truncated: true, bytes: size };
}

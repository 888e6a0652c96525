import type { Json } from '../../contract/json.ts';
import { LIMITS } from '../../contract/constants.ts';
import type { ExecutionOutcome } from '../../domain/ledger.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import { storable } from './storable.ts';

/**
 * What is stored of a connector's answer: scrubbed of credentials and opened values, at most 256 KiB. `at`: ISO 8601.
 */
export function outcomeOfResult(result: ConnectorResult, at: string, scrub: (value: Json) => Json): ExecutionOutcome {
  const body = 'body' in result && result.body !== undefined ? clipBody(scrub(storable(result.body))) : undefined;
  return {
    ...(body === undefined ? {} : { body }),
    ...('upstreamStatus' in result && result.upstreamStatus !== undefined
      ? { upstreamStatus: result.upstreamStatus }
      : {}),
    error: result.status === 'executed' ? null : { code: result.code, message: scrubText(result.message, scrub) },
    finishedAt: at,
  };
}

/** The bare fact, for where the database refuses everything beside it. */
export function bareOutcome(outcome: ExecutionOutcome): ExecutionOutcome {
  const { body, error, ...fact } = outcome;
  return {
    ...fact,
    ...(body === undefined ? {} : { body: { $omitted: 'not_storable' } }),
    error: error === null ? null : { code: error.code, message: '' },
  };
}

function scrubText(message: string, scrub: (value: Json) => Json): string {
  // Scrubbed before it is cut, so that no secret is cut beyond recognition; made storable after, for half a character.
  const clean = scrub(storable(message));
  return typeof clean === 'string' ? (storable(clean.slice(0, 2_000)) as string) : '';
}

/** Connectors bound their answers; this is the last line, so that no row can outgrow what a query may return. */
function clipBody(body: Json): Json {
  const size = Buffer.byteLength(JSON.stringify(body), 'utf8');
  return size <= LIMITS.responseBody ? body : { $truncated: true, bytes: size };
}

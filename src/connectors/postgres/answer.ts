import pg from 'pg';
import type { Json, JsonObject } from '../../contract/json.ts';
import { numberOf } from '../../contract/exact-number.ts';
import { parseStorable, storableText } from '../../domain/json/storable.ts';
import type { ConnectorResult } from '../../ports/connector.ts';
import { failed, notNow, outcomeUnknown, redact, type FailedResult } from '../answer.ts';
import { credentialFailure } from '../credential.ts';
import { DriverError, type SqlResult } from './driver.ts';

/** Element types of the built-in array types that are told apart (`pg_type.dat`). */
const ELEMENT_OF: Readonly<Record<number, number>> = {
  1000: 16,
  1005: 21,
  1007: 23,
  1016: 20,
  1021: 700,
  1022: 701,
  1009: 25,
  1015: 1043,
  1014: 1042,
  1231: 1700,
  1182: 1082,
  1115: 1114,
  1185: 1184,
  2951: 2950,
  199: 114,
  3807: 3802,
};

/** The published types describe another version of it. */
const arrayParser = pg.types.arrayParser as unknown as {
  create(text: string, transform: (item: string | null) => Json): { parse(): readonly Json[] };
};

/** Integers and floating-point numbers keep their digits as numbers; everything else keeps PostgreSQL's text. */
function decodeValue(text: string | null, typeOid: number): Json {
  if (text === null) return null;
  switch (typeOid) {
    case 16:
      return text === 't';
    case 20:
    case 21:
    case 23:
    case 26:
    case 700:
    case 701:
      // Not `NaN` and `Infinity`.
      return /[0-9]/.test(text) ? numberOf(text) : text;
    case 114:
    case 3802: {
      const parsed = parseStorable(text);
      return parsed.ok ? parsed.value : storableText(text);
    }
    default: {
      const element = ELEMENT_OF[typeOid];
      // An array that does not count from 1 (`[0:2]={…}`) is more than its elements.
      if (element === undefined || text.startsWith('[')) return storableText(text);
      return arrayParser.create(text, (item) => decodeValue(item, element)).parse();
    }
  }
}

/** Most rows, and bytes of JSON, that an answer keeps. */
const ROW_LIMIT = 1_000;
const ROWS_BYTES_LIMIT = 200 * 1024;
/** Bytes of one value: a larger one must not cost the rest of its row, and the rows after it. */
const CELL_BYTES_LIMIT = ROWS_BYTES_LIMIT / 2;

/** As {@link decodeValue}; of a value that is too large its size. Nothing of it: a cut could leave half of a secret. */
function decodeCell(text: string | null, typeOid: number): Json {
  const bytes = Buffer.byteLength(text ?? '');
  return bytes > CELL_BYTES_LIMIT ? { $omitted: 'response_too_large', bytes } : decodeValue(text, typeOid);
}

/** What an answer says that does not hold every row. */
export const TRUNCATED = {
  truncated: true,
  advice: 'Only the first rows are kept, at most 1,000 and 200 KiB. Ask for less: add a LIMIT, or name fewer columns.',
} as const;

/** Gathers rows as objects until a limit is reached. */
export class RowCollector {
  readonly rows: JsonObject[] = [];
  truncated = false;
  #bytes = 0;

  /** False: full. */
  add(result: SqlResult): boolean {
    const names = uniqueNames(result.columns.map(({ name }) => name));
    for (const row of result.rows) {
      const object = Object.fromEntries(
        row.map((text, i) => [names[i] ?? String(i), decodeCell(text, result.columns[i]?.typeOid ?? 0)]),
      );
      this.#bytes += JSON.stringify(object).length;
      if (this.rows.length >= ROW_LIMIT || this.#bytes > ROWS_BYTES_LIMIT) {
        this.truncated = true;
        return false;
      }
      this.rows.push(object);
    }
    return true;
  }
}

/** `id, id` → `id, id_2`: a statement may name two columns alike, an object cannot. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let n = 2; taken.has(unique); n += 1) unique = `${name}_${n}`;
    taken.add(unique);
    return unique;
  });
}

/** The answer of a statement: `{rowCount, rows?, truncated?, advice?}`. */
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
    ...(collector.truncated ? TRUNCATED : {}),
  };
  return redact(body, pointers) as JsonObject;
}

/**
 * What an error before COMMIT means: nothing happened, because nothing was committed. The message is the server's
 * first line; its detail, which quotes rows, is not kept.
 */
export function failureOf(error: unknown): FailedResult {
  if (!(error instanceof DriverError)) return credentialFailure(error) ?? failed('statement_failed');
  switch (error.kind) {
    case 'refused':
      return (isPassing(error.sqlState) ? notNow : failed)(
        'statement_failed',
        sentenceOf(error.sqlState, error.message),
      );
    case 'unreachable':
      return notNow('target_unreachable', error.message);
    case 'too_large':
      return failed('response_too_large', 'The answer was larger than allowed; the statement was rolled back');
    case 'lost':
      return notNow('upstream_failed', 'The connection ended before COMMIT; the statement was rolled back');
  }
}

/** The server's own sentence, after its SQLSTATE. */
export function sentenceOf(sqlState: string | null, message: string): string {
  const sentence = storableText(message).slice(0, 500);
  return sqlState === null ? sentence : `${sqlState}: ${sentence}`;
}

/**
 * Conditions that pass by themselves (serialization failures, deadlocks, locks, a server that is out of room, shutting down
 * or starting up); any other error would come again.
 */
function isPassing(sqlState: string | null): boolean {
  return sqlState !== null && (/^(?:40|53|57P)/.test(sqlState) || sqlState === '55P03');
}

/** The same failure, which trying again would not help. */
export function final({ isDeferrable: _not, ...failure }: FailedResult): FailedResult {
  return failure;
}

/** What an error of COMMIT itself means: only the server's own word counts, and it settles the call. */
export function commitFailureOf(error: unknown): ConnectorResult {
  if (error instanceof DriverError && error.kind === 'refused') return final(failureOf(error));
  return outcomeUnknown('The connection was lost around COMMIT');
}

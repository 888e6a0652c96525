import type { Delivery, DeliveryPage, DeliveryQuery, DeliveryState } from '../../contract/delivery.ts';
import type { Query } from '../database/database.ts';
import { storableText } from '../database/text.ts';

const DEFAULT_LIMIT = 50;

interface FoundRow {
  destination: string;
  idx: number;
  ord: number;
  review_id: string;
  event: string;
  at: string;
  state: DeliveryState;
  attempts: number;
  code: string | null;
  http_status: number | null;
  tried_at: Date | null;
  settled_at: Date | null;
}

/** One page, newest first. Undefined: Holdpoint did not make this cursor. */
export async function listDeliveries(query: Query, wanted: DeliveryQuery): Promise<DeliveryPage | undefined> {
  const { cursor, limit = DEFAULT_LIMIT } = wanted;
  const after = cursor === undefined ? null : decodeCursor(cursor);
  if (after === undefined) return undefined;
  const parameters: unknown[] = [];
  const bind = (value: unknown): string => `$${parameters.push(value)}`;
  const conditions: string[] = ['true'];
  if (wanted.destination !== undefined) conditions.push(`destination = ${bind(storableText(wanted.destination))}`);
  if (wanted.reviewId !== undefined) conditions.push(`review_id = ${bind(wanted.reviewId)}`);
  if (wanted.state !== undefined) conditions.push(`state = ${bind(wanted.state)}`);
  if (after !== null) {
    const place = `(${bind(after.idx)}::bigint, ${bind(after.destination)}::text, ${bind(after.ord)}::smallint)`;
    conditions.push(`(idx, destination, ord) < ${place}`);
  }
  const rows = await query<FoundRow>(
    `SELECT destination, idx::float8 AS idx, ord, review_id, event, at, state, attempts, code, http_status, tried_at,
            settled_at
       FROM holdpoint.deliveries WHERE ${conditions.join(' AND ')}
      ORDER BY deliveries.idx DESC, deliveries.destination DESC, deliveries.ord DESC LIMIT ${bind(limit + 1)}::bigint`,
    parameters,
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    deliveries: shown.map(readDelivery),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null,
  };
}

function readDelivery(row: FoundRow): Delivery {
  return {
    sequence: row.idx,
    destination: row.destination,
    event: row.event,
    reviewId: row.review_id,
    state: row.state,
    attempts: row.attempts,
    code: row.code,
    httpStatus: row.http_status,
    at: row.at,
    triedAt: row.tried_at?.toISOString() ?? null,
    settledAt: row.settled_at?.toISOString() ?? null,
  };
}

type Place = Pick<FoundRow, 'idx' | 'destination' | 'ord'>;

function encodeCursor({ idx, destination, ord }: Place): string {
  return Buffer.from(JSON.stringify([idx, destination, ord])).toString('base64url');
}

function decodeCursor(cursor: string): Place | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [idx, destination, ord] = value as unknown[];
  if (!isIndex(idx) || !isIndex(ord) || ord > 1_000 || typeof destination !== 'string') return undefined;
  return { idx, destination: storableText(destination), ord };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

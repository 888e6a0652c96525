import type { Delivery, DeliveryPage, DeliveryQuery } from '../../contract/delivery.ts';
import type { Dated, Query } from '../database/database.ts';
import { storableText } from '../../domain/json/storable.ts';

const DEFAULT_LIMIT = 50;

type FoundRow = Dated<Delivery, 'triedAt' | 'settledAt'> & { readonly ord: number };

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
    const place = `(${bind(after.sequence)}::bigint, ${bind(after.destination)}::text, ${bind(after.ord)}::smallint)`;
    conditions.push(`(idx, destination, ord) < ${place}`);
  }
  const rows = await query<FoundRow>(
    `SELECT destination, idx::float8 AS sequence, ord, review_id AS "reviewId", event, at, state, attempts, code,
            http_status AS "httpStatus", tried_at AS "triedAt", settled_at AS "settledAt"
       FROM holdpoint.deliveries WHERE ${conditions.join(' AND ')}
      ORDER BY deliveries.idx DESC, deliveries.destination DESC, deliveries.ord DESC LIMIT ${bind(limit + 1)}::bigint`,
    parameters,
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    deliveries: shown.map(({ ord: _, triedAt, settledAt, ...row }) => ({
      ...row,
      triedAt: triedAt?.toISOString() ?? null,
      settledAt: settledAt?.toISOString() ?? null,
    })),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null,
  };
}

type Place = Pick<FoundRow, 'sequence' | 'destination' | 'ord'>;

function encodeCursor({ sequence, destination, ord }: Place): string {
  return Buffer.from(JSON.stringify([sequence, destination, ord])).toString('base64url');
}

function decodeCursor(cursor: string): Place | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [sequence, destination, ord] = value as unknown[];
  if (!isIndex(sequence) || !isIndex(ord) || ord > 1_000 || typeof destination !== 'string') return undefined;
  return { sequence, destination: storableText(destination), ord };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

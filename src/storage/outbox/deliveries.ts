import type { DeliveryStore, PersonTold, PlannedDelivery, Settlement, WaitingDelivery } from '../../ports/outbox.ts';
import { StorageError } from '../../ports/store.ts';
import type { Database, Dated, Query } from '../database/database.ts';
import { listDeliveries } from './list-deliveries.ts';

/** Storage of what is told. See {@link DeliveryStore}. */
export function createDeliveryStore(database: Pick<Database, 'query' | 'transaction'>): DeliveryStore {
  const { query } = database;
  return {
    ...createMentions(database),
    cursor: async () => {
      const [row] = await query<{ next: number }>('SELECT next::float8 AS next FROM holdpoint.delivery_cursor');
      if (row === undefined) throw new StorageError('storage_corrupt', 'Deliveries have no cursor');
      return row.next;
    },
    skipToEnd: async () => {
      await query(`UPDATE holdpoint.delivery_cursor SET next = h.size FROM holdpoint.audit_head h WHERE next < h.size`);
    },
    fanOut: (from, to, planned) => fanOut(query, from, to, planned),
    enroll: (names) => enroll(query, names),
    disable: async (name, code) => {
      await query('UPDATE holdpoint.destinations SET disabled_code = $2 WHERE name = $1', [name, code]);
    },
    enable: async (names) => {
      await query(
        `UPDATE holdpoint.destinations SET disabled_code = NULL, since = h.size FROM holdpoint.audit_head h
          WHERE disabled_code IS NOT NULL AND name = ANY ($1::text[])`,
        [names],
      );
    },
    lease: async (name, token, forMs) => {
      const rows = await query(
        `INSERT INTO holdpoint.destinations (name, lease_token, lease_until, looked_at)
         VALUES ($1, $2, now() + $3::float8 * interval '1 millisecond', now())
         ON CONFLICT (name) DO UPDATE
           SET lease_token = excluded.lease_token, lease_until = excluded.lease_until, looked_at = excluded.looked_at
         WHERE destinations.lease_until IS NULL OR destinations.lease_until <= now()
            OR destinations.lease_token = excluded.lease_token
         RETURNING name`,
        [name, token, forMs],
      );
      return rows.length > 0;
    },
    release: async (name, token, pauseMs) => {
      await query(
        `UPDATE holdpoint.destinations SET lease_token = NULL, lease_until = now() + $3::float8 * interval '1 millisecond'
          WHERE name = $1 AND lease_token = $2`,
        [name, token, pauseMs],
      );
    },
    due: async (limit) => {
      const rows = await query<{ destination: string }>(
        `SELECT w.destination
           FROM (SELECT destination, min(created_at) AS created_at FROM holdpoint.deliveries
                  WHERE state = 'waiting' GROUP BY destination) w
           LEFT JOIN holdpoint.destinations d ON d.name = w.destination
          WHERE d.lease_until IS NULL OR d.lease_until <= now()
          ORDER BY coalesce(d.looked_at, w.created_at) LIMIT $1::bigint`,
        [limit],
      );
      return rows.map((row) => row.destination);
    },
    waiting: async (destination, limit) => {
      const rows = await query<Dated<Omit<WaitingDelivery, 'destination'>, 'createdAt'>>(
        `SELECT idx::float8 AS sequence, ord AS ordinal, review_id AS "reviewId", event, at, vote::json AS vote,
                created_at AS "createdAt", attempts
           FROM holdpoint.deliveries
          WHERE destination = $1 AND state = 'waiting' ORDER BY deliveries.idx, deliveries.ord LIMIT $2::bigint`,
        [destination, limit],
      );
      return rows.map((row) => ({ ...row, destination, createdAt: row.createdAt.toISOString() }));
    },
    settle: (destination, keys, settlement) => settle(query, destination, keys, settlement),
    settleAll: async (destination, { state, code, httpStatus }) => {
      await query(
        `UPDATE holdpoint.deliveries SET state = $2, code = $3, http_status = $4::integer, settled_at = now(),
                mentioned = NULL, mentioned_at = NULL
          WHERE destination = $1 AND state = 'waiting'`,
        [destination, state, code, httpStatus],
      );
    },
    told: async (destination, since) => {
      const rows = await query<{ settled_at: Date }>(
        `SELECT settled_at FROM holdpoint.deliveries
          WHERE destination = $1 AND counted AND settled_at > $2::timestamptz ORDER BY settled_at`,
        [destination, since],
      );
      return rows.map((row) => row.settled_at.getTime());
    },
    list: (wanted) => listDeliveries(query, wanted),
    recall: async (destination, reviewId) => {
      const [row] = await query<{ value: string }>(
        'SELECT value FROM holdpoint.channel_memory WHERE destination = $1 AND review_id = $2',
        [destination, reviewId],
      );
      return row?.value;
    },
    remember: async (destination, reviewId, value) => {
      await query(
        `INSERT INTO holdpoint.channel_memory (destination, review_id, value) VALUES ($1, $2, $3)
         ON CONFLICT (destination, review_id) DO UPDATE SET value = excluded.value, written_at = now()`,
        [destination, reviewId, value],
      );
    },
    prune: (before) => prune(query, before),
  };
}

/** One statement: the rows are written where, and only where, the cursor moves. */
async function fanOut(query: Query, from: number, to: number, planned: readonly PlannedDelivery[]): Promise<boolean> {
  const rows = planned.map((row) => ({ ...row, vote: row.vote === null ? null : JSON.stringify(row.vote) }));
  const moved = await query(
    `WITH moved AS (UPDATE holdpoint.delivery_cursor SET next = $2::bigint WHERE next = $1::bigint RETURNING next),
     written AS (
       INSERT INTO holdpoint.deliveries (destination, idx, ord, review_id, event, at, vote)
       SELECT p.destination, p.sequence, p.ordinal, p."reviewId", p.event, p.at, p.vote
         FROM moved, jsonb_to_recordset($3::text::jsonb) AS p(destination text, sequence bigint, ordinal smallint,
              "reviewId" text, event text, at text, vote text)
       ON CONFLICT DO NOTHING)
     SELECT next FROM moved`,
    [from, to, JSON.stringify(rows)],
  );
  return moved.length > 0;
}

/** By name, in which order others lock them too. */
async function enroll(query: Query, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  await query(
    `INSERT INTO holdpoint.destinations (name, since)
     SELECT n.name, h.size FROM (SELECT unnest($1::text[]) AS name ORDER BY 1) n, holdpoint.audit_head h
     ON CONFLICT (name) DO UPDATE SET since = excluded.since WHERE destinations.since IS NULL`,
    [names],
  );
  const rows = await query<{ name: string; since: number; disabled_code: string | null }>(
    'SELECT name, since::float8 AS since, disabled_code FROM holdpoint.destinations WHERE name = ANY ($1::text[])',
    [names],
  );
  return new Map(rows.map((row) => [row.name, row.disabled_code === null ? row.since : Number.POSITIVE_INFINITY]));
}

/** The first row of what was told together stands for the message in the rate limit. */
async function settle(
  query: Query,
  destination: string,
  keys: readonly { readonly sequence: number; readonly ordinal: number }[],
  { state, code, httpStatus, counted, mentioned }: Settlement,
): Promise<void> {
  await query(
    `UPDATE holdpoint.deliveries d
        SET state = $4, code = $5, http_status = $6::integer, attempts = d.attempts + 1, tried_at = now(),
            settled_at = CASE WHEN $4 = 'waiting' THEN NULL ELSE now() END, counted = $7 = 'counted' AND k.n = 1,
            mentioned = CASE WHEN k.n = 1 THEN $8::text[] END,
            mentioned_at = CASE WHEN k.n = 1 AND $8::text[] IS NOT NULL THEN now() END
       FROM unnest($2::bigint[], $3::smallint[]) WITH ORDINALITY AS k(idx, ord, n)
      WHERE d.destination = $1 AND d.idx = k.idx AND d.ord = k.ord AND d.state = 'waiting'`,
    [
      destination,
      keys.map((key) => key.sequence),
      keys.map((key) => key.ordinal),
      state,
      code,
      httpStatus,
      counted ? 'counted' : 'free',
      mentioned.length === 0 ? null : mentioned,
    ],
  );
}

async function prune(query: Query, before: string): Promise<void> {
  await query('DELETE FROM holdpoint.deliveries WHERE settled_at < $1::timestamptz', [before]);
  await query(
    `DELETE FROM holdpoint.channel_memory m USING holdpoint.reviews r
      WHERE m.written_at < $1::timestamptz AND r.review_id = m.review_id AND r.ended_at < $1::timestamptz`,
    [before],
  );
  await query(`DELETE FROM holdpoint.destinations WHERE since IS NULL AND looked_at < $1::timestamptz`, [before]);
}

/** Storage of who is called by name in messages to others. See {@link DeliveryStore}. */
export function createMentions({
  query,
  transaction,
}: Pick<Database, 'query' | 'transaction'>): Pick<DeliveryStore, 'mentions' | 'mention'> {
  return {
    mentions: async (reviewer, since) => {
      const rows = await query<{ mentioned_at: Date; state: string }>(
        `SELECT mentioned_at, state FROM holdpoint.deliveries
          WHERE mentioned_at > $2::timestamptz AND $1 = ANY (mentioned) ORDER BY mentioned_at`,
        [reviewer, since],
      );
      return rows.map((row) => (row.state === 'waiting' ? 'under_way' : row.mentioned_at.getTime()));
    },
    mention: (destination, { sequence, ordinal }, people, since, choose) =>
      transaction(async (send) => {
        const mailboxes = people.map(({ mailbox }) => mailbox);
        // Who is about to mail prolongs the lease first, so waits here, and then reads what is written below.
        await send('SELECT name FROM holdpoint.destinations WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE', [
          mailboxes,
        ]);
        const chosen = choose(await readTold(send, people, since, [destination, sequence, ordinal]));
        await send(
          `UPDATE holdpoint.deliveries SET mentioned = $4::text[], mentioned_at = now()
            WHERE destination = $1 AND idx = $2::bigint AND ord = $3::smallint AND state = 'waiting'`,
          [destination, sequence, ordinal, chosen],
        );
        return chosen;
      }),
  };
}

/** What an earlier attempt at the same message noted is not counted. */
async function readTold(
  send: Query,
  people: readonly { readonly reviewer: string; readonly mailbox: string }[],
  since: string,
  own: readonly [destination: string, sequence: number, ordinal: number],
): Promise<readonly PersonTold[]> {
  const rows = await send<{ reviewer: string; mails: number; mentions: number; waits: boolean }>(
    `SELECT p.reviewer,
            (SELECT count(*)::float8 FROM holdpoint.deliveries m
              WHERE m.destination = p.mailbox AND m.counted AND m.settled_at > $3::timestamptz) AS mails,
            (SELECT count(*)::float8 FROM holdpoint.deliveries s
              WHERE s.mentioned_at > $3::timestamptz AND p.reviewer = ANY (s.mentioned)
                AND (s.destination, s.idx, s.ord) <> ($4::text, $5::bigint, $6::smallint)) AS mentions,
            EXISTS (SELECT FROM holdpoint.deliveries w
                     WHERE w.destination = p.mailbox AND w.state = 'waiting') AS waits
       FROM unnest($1::text[], $2::text[]) AS p(reviewer, mailbox)`,
    [people.map(({ reviewer }) => reviewer), people.map(({ mailbox }) => mailbox), since, ...own],
  );
  return rows.map(({ reviewer, mails, mentions, waits }) => ({
    reviewer,
    told: mails + mentions,
    mailWaits: waits,
  }));
}

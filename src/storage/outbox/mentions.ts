import type { DeliveryStore, PersonTold } from '../../contract/delivery.ts';
import type { Database, Query } from '../database/database.ts';

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

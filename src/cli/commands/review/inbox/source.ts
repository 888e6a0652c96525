import type { Holdpoint } from '../../../../client/index.ts';
import type { ReviewRow } from '../../../../contract/review.ts';
import type { Connection } from '../../connect.ts';
import type { InboxRow } from './model.ts';
import type { Descriptions } from './plain-words.ts';

/** Rows of one page. */
const PAGE = 100;

export interface Listing {
  readonly rows: readonly InboxRow[];
  readonly more: boolean;
}

/** So many pages: first what waits for this reviewer, then approved calls that have not run, then the rest, each by deadline. */
export async function readInbox(client: Holdpoint, pages: number): Promise<Listing> {
  const [mine, notRun, all] = await Promise.all([
    readPages(client, { approver: 'me' }, pages),
    readPages(client, { execution: 'not_started' }, pages),
    readPages(client, { status: ['pending', 'changes_requested'] }, pages),
  ]);
  const ids = new Set(mine.rows.map(({ reviewId }) => reviewId));
  const rest = all.rows.filter(({ reviewId }) => !ids.has(reviewId));
  return {
    rows: [
      ...mine.rows.map((row) => ({ row, mine: true })),
      ...[...notRun.rows, ...rest].map((row) => ({ row, mine: false })),
    ],
    more: mine.more || notRun.more || all.more,
  };
}

async function readPages(
  client: Holdpoint,
  filter: Parameters<Holdpoint['reviews']['list']>[0],
  pages: number,
): Promise<{ readonly rows: readonly ReviewRow[]; readonly more: boolean }> {
  const rows: ReviewRow[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < pages; page += 1) {
    const next: Awaited<ReturnType<Holdpoint['reviews']['list']>> = await client.reviews.list({
      ...filter,
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    rows.push(...next.reviews);
    cursor = next.nextCursor;
    if (cursor === null) break;
  }
  return { rows, more: cursor !== null };
}

/** What the policy in force says of its tools; empty where it does not tell: then tools go by their names. */
export async function readDescriptions(connection: Connection, signal: AbortSignal): Promise<Descriptions> {
  const answer = (await connection.read('/v1/tools', signal)) as
    | { readonly tools?: readonly { readonly tool: string; readonly description: string | null }[] }
    | undefined;
  const named = (answer?.tools ?? []).flatMap(({ tool, description }) =>
    typeof description === 'string' ? [[tool, description] as const] : [],
  );
  return new Map(named);
}

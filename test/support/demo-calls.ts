import type { Holdpoint } from './holdpoint.ts';

export function tokenOf(holdpoint: Holdpoint, reviewer: string): string {
  const found = holdpoint.access().reviewers.find(({ id }) => id === reviewer);
  if (found === undefined) throw new Error(`no reviewer ${reviewer}`);
  return found.token;
}

/** The demo's call: inactive users are to be deleted. Resolves once it can be decided. */
export async function proposeDelete(
  holdpoint: Holdpoint,
  args: { readonly sql: string; readonly params: readonly string[] | undefined } = {
    sql: 'DELETE FROM users\nWHERE inactive_since < $1',
    params: ['2024-01-01'],
  },
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const response = await fetch(`${holdpoint.url}/v1/execute`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${holdpoint.access().agents[0]?.key ?? ''}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      service: 'postgres',
      tool: 'postgres.execute',
      arguments: args,
      reason: 'Clean-up of accounts that nobody has used since 2023.',
      ...more,
    }),
  });
  const { reviewId } = (await response.json()) as { readonly reviewId: string };
  const until = performance.now() + 60_000;
  for (;;) {
    const read = await fetch(`${holdpoint.url}/v1/reviews/${reviewId}`, {
      headers: { authorization: `Bearer ${tokenOf(holdpoint, 'ops-1')}` },
    });
    const review = (await read.json()) as { readonly call?: { readonly digest: string | null } };
    if (read.ok && typeof review.call?.digest === 'string') return reviewId;
    if (performance.now() > until) throw new Error(`no digest of ${reviewId}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

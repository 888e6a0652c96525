import { findLost } from '../../../activities/sweep.ts';
import type { UnsettledState } from '../../../ports/recovery.ts';
import type { Store } from '../../../ports/store.ts';
import { createReviewLookups } from '../../compose/lookups.ts';
import type { TemporalConnections } from '../../compose/temporal.ts';
import type { Io } from '../../ui/io.ts';
import { confirm } from '../../ui/prompt.ts';
import { renderTable } from '../../ui/table.ts';
import { visible } from '../../ui/visible.ts';
import type { GlobalOptions } from '../action.ts';

export interface RecoveryOptions extends GlobalOptions {
  readonly yes?: boolean;
}

interface Lost {
  readonly reviewId: string;
  readonly becomes: string;
  readonly tool: string | null;
  readonly proposer: string | null;
}

const BECOMES: Readonly<Record<UnsettledState, string>> = {
  open: 'aborted',
  claimed: 'outcome_unknown',
  unknown: 'restarted',
};

/** What sweeps would settle as lost with this Temporal. */
export async function listLost(store: Store, temporal: TemporalConnections, now: () => number): Promise<Lost[]> {
  const { isRunning } = createReviewLookups(temporal, null);
  const lost: Lost[] = [];
  for (const { reviewId, state } of await findLost({ store, isRunning, clock: { now } })) {
    const stored = await store.readReview(reviewId);
    lost.push({
      reviewId,
      becomes: BECOMES[state],
      tool: stored?.review.call.tool ?? null,
      proposer: stored?.review.proposer.id ?? null,
    });
  }
  return lost;
}

/** Shows them, then asks, unless `yes`. */
export async function confirmLost(
  io: Io,
  lost: readonly Lost[],
  question: string,
  { yes = false }: RecoveryOptions,
): Promise<void> {
  const head = ['review', 'becomes', 'tool', 'proposer'];
  const rows = lost.map(({ reviewId, becomes, tool, proposer }) => [
    reviewId,
    becomes,
    visible(tool ?? ''),
    visible(proposer ?? ''),
  ]);
  if (rows.length > 0) io.print(...renderTable(io, head, rows, [0, 1]), '');
  io.print(`${lost.length} ${lost.length === 1 ? 'review' : 'reviews'} would be lost.`);
  if (!yes) await confirm(io, question, 'Pass --yes.');
}

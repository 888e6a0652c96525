import { findLost } from '../../../activities/lost-reviews.ts';
import type { UnsettledState } from '../../../ports/recovery.ts';
import type { Store } from '../../../ports/store.ts';
import { createReviewLookups, type TemporalConnections } from '../../compose/temporal.ts';
import {
  createTemporalBinding,
  describeIdentity,
  isSameTemporal,
  readTemporalIdentity,
} from '../../compose/temporal-binding.ts';
import { StartError } from '../../start-error.ts';
import type { Io } from '../../ui/io.ts';
import { confirm } from '../../ui/prompt.ts';
import { renderTable } from '../../ui/table.ts';
import { visible } from '../../../domain/text/visible.ts';
import type { GlobalOptions } from '../action.ts';
import { withDatabaseAndTemporal } from '../installation.ts';

export interface RecoveryOptions extends GlobalOptions {
  readonly yes?: boolean;
}

/**
 * `holdpoint temporal rebind`: binds the database to the Temporal that the environment names. Its workers then settle the
 * reviews that this Temporal does not have.
 */
export async function rebind(io: Io, options: RecoveryOptions): Promise<void> {
  await withDatabaseAndTemporal(io, async (store, temporal) => {
    const [here, bound] = await Promise.all([readTemporalIdentity(temporal), store.recovery.binding()]);
    if (bound !== undefined && isSameTemporal(bound, here)) {
      io.data({ rebound: false, bound });
      io.print(`The database is already bound to this Temporal: ${describeIdentity(here)}.`);
      return;
    }
    const lost = await listLost(store, temporal, () => io.now());
    io.print(
      `bound to: ${bound === undefined ? 'none' : describeIdentity(bound)}`,
      `to bind:  ${describeIdentity(here)} (${temporal.namespace})`,
      '',
    );
    await confirmLost(io, lost, 'Bind the database to this Temporal?', options);
    await store.recovery.rebind(
      here,
      lost.map(({ reviewId }) => reviewId),
    );
    io.data({ rebound: true, bound: here, before: bound ?? null, lost });
    io.print('Bound. Workers that start now settle the reviews listed.');
  });
}

/**
 * `holdpoint reviews sweep`: approves that the listed reviews are settled as lost. The workers settle them in their next
 * sweep: only they have the database rights to do so.
 *
 * @throws StartError `temporal_changed`: with another Temporal, every review looks lost
 */
export async function sweep(io: Io, options: RecoveryOptions): Promise<void> {
  await withDatabaseAndTemporal(io, async (store, temporal) => {
    const { isKnown } = createReviewLookups(temporal, null);
    const bound = await createTemporalBinding(temporal, store.recovery, isKnown).check();
    if (!bound) {
      throw new StartError(
        'temporal_changed',
        'The database is not bound to a Temporal yet. Start a gate worker first.',
      );
    }
    const { halt } = await store.recovery.status();
    const lost = await listLost(store, temporal, () => io.now());
    if (halt !== null) io.print(`halted since ${halt.at}`, '');
    await confirmLost(io, lost, 'Settle them as lost?', options);
    await store.recovery.approveLost(lost.map(({ reviewId }) => reviewId));
    io.data({ approved: lost, haltedAt: halt?.at ?? null });
    io.print('Approved. The workers settle them in their next sweep, within a minute.');
  });
}

interface Lost {
  readonly reviewId: string;
  readonly becomes: string;
  readonly tool: string | null;
  readonly proposer: string | null;
}

const BECOMES: Readonly<Record<UnsettledState, string>> = {
  open: 'aborted',
  deferred: 'aborted',
  claimed: 'outcome_unknown',
  unknown: 'restarted',
};

/** The reviews that sweeps on this Temporal would settle as lost. */
async function listLost(store: Store, temporal: TemporalConnections, now: () => number): Promise<Lost[]> {
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

/** Lists them, then asks, unless `yes`. */
async function confirmLost(
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

import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fateOf, findForgotten, settleRan, type Forgotten } from '../../../activities/restored-reviews.ts';
import { digestOf } from '../../../domain/proof/digest.ts';
import { checkpointKeysOf, type Checkpoint } from '../../../domain/proof/checkpoint.ts';
import { visible } from '../../../domain/text/visible.ts';
import type { Store } from '../../../ports/store.ts';
import { loadKeys } from '../../../storage/keys/index.ts';
import { compareKept, replaceKept } from '../../../storage/log/checkpointer.ts';
import { readClaimJournal } from '../../../storage/log/claim-journal.ts';
import { checkpointKeyOf } from '../../compose/keys.ts';
import { createReviewLookups, type ReviewLookups } from '../../compose/temporal.ts';
import { createTemporalBinding } from '../../compose/temporal-binding.ts';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { renderTable } from '../../ui/table.ts';
import type { GlobalOptions } from '../action.ts';
import { dataDirOf, keysDirOf, withDatabaseAndTemporal } from '../installation.ts';

export interface RestoreOptions extends GlobalOptions {
  readonly also?: readonly string[];
}

export interface AcceptOptions extends RestoreOptions {
  readonly lookedAt?: readonly string[];
  readonly by: string;
  readonly why: string;
}

/** What a restored database is compared with. */
interface Comparison {
  readonly store: Store;
  readonly lookups: ReviewLookups;
  /** Data directories whose checkpoint the log does not extend, with that checkpoint. */
  readonly rolledBack: readonly { readonly file: string; readonly kept: Checkpoint }[];
  readonly forgotten: readonly Forgotten[];
  readonly keys: ReturnType<typeof keptKeys>;
}

/** `holdpoint restore check`: exits with 1 while there is something to look at. */
export async function check(io: Io, options: RestoreOptions): Promise<void> {
  await compare(io, options, async ({ rolledBack, forgotten }) => {
    report(io, forgotten, rolledBack.length);
    if (rolledBack.length > 0) throw new Exit('refused');
  });
}

/**
 * `holdpoint restore accept`: settles what ran, ends workflows that cannot go on, records who accepted it and why, and
 * signs the log as it stands. Every review that is listed has to be named.
 *
 * @throws CliError `nothing_rolled_back`, `not_looked_at`
 */
export async function accept(io: Io, { by, why, lookedAt = [], ...options }: AcceptOptions): Promise<void> {
  await compare(io, options, async ({ store, lookups, rolledBack, forgotten, keys }) => {
    if (rolledBack.length === 0) {
      throw new CliError('refused', 'nothing_rolled_back', 'The log extends every checkpoint that was kept.');
    }
    const missing = forgotten.filter(({ reviewId }) => !lookedAt.includes(reviewId));
    if (missing.length > 0) {
      throw new CliError(
        'refused',
        'not_looked_at',
        `These reviews have not been named: ${missing.map(({ reviewId }) => reviewId).join(' ')}`,
        '`restore check` says what became of them. Look at each at its target, then name it: --looked-at rev_… rev_…',
      );
    }
    const at = new Date(io.now()).toISOString();
    for (const one of forgotten) {
      if (fateOf(one) !== 'outcome_unknown') continue;
      if (await settleRan(store, keys.deploymentId, one, { token: randomUUID(), at })) continue;
      throw new CliError(
        'refused',
        'not_settled',
        `${one.reviewId} could not be settled. Run \`restore check\` again.`,
      );
    }
    await store.recovery.approveLost(forgotten.map(({ reviewId }) => reviewId));
    for (const { reviewId, isRunning } of forgotten) {
      if (isRunning) await lookups.terminate(reviewId, 'the database was restored from a backup');
    }
    const { size } = await store.head();
    await store.commit({
      entries: [
        {
          schemaVersion: 1,
          type: 'restored',
          deploymentId: keys.deploymentId,
          at,
          by,
          why,
          lostAfter: size,
          lostUntil: Math.max(...rolledBack.map(({ kept }) => kept.size)),
          lookedAt: digestOf(forgotten.map(({ reviewId }) => reviewId).toSorted()),
        },
      ],
    });
    for (const { file } of rolledBack) await replaceKept({ ...keys, file, store });
    io.data({ accepted: forgotten.map(describe) });
    io.print('Accepted. The execute workers go on within a second; sweeps settle the rest within a minute.');
  });
}

async function compare(io: Io, { also = [] }: RestoreOptions, use: (comparison: Comparison) => Promise<void>) {
  const directories = [dataDirOf(io), ...also.map((directory) => resolve(io.cwd, directory))];
  const keys = keptKeys(io);
  await withDatabaseAndTemporal(io, async (store, temporal) => {
    const lookups = createReviewLookups(temporal, null);
    await createTemporalBinding(temporal, store.recovery, lookups.isKnown).check();
    const rolledBack: { file: string; kept: Checkpoint }[] = [];
    for (const file of directories.map((directory) => join(directory, 'checkpoint'))) {
      const compared = await compareKept({ ...keys, file, store });
      if (compared?.isExtended === false) rolledBack.push({ file, kept: compared.kept });
    }
    const journal = directories.flatMap((directory) => readClaimJournal(join(directory, 'journal')));
    const forgotten = rolledBack.length === 0 ? [] : await findForgotten({ ...lookups, store, journal });
    await use({ store, lookups, rolledBack, forgotten, keys });
  });
}

/** The execute worker's: only it signs checkpoints. */
function keptKeys(io: Io) {
  const keys = loadKeys(keysDirOf(io), ['execute']);
  const { deploymentId, keys: trusted } = keys.trust.current();
  return { deploymentId, key: checkpointKeyOf(keys), trusted: checkpointKeysOf(trusted) };
}

function describe(one: Forgotten) {
  const { reviewId, what, seenIn, tool, ledger } = one;
  return { reviewId, what, seenIn, tool, ledger, becomes: fateOf(one) };
}

function report(io: Io, forgotten: readonly Forgotten[], rolledBack: number): void {
  const rows = forgotten.map(describe);
  io.data({ rolledBack: rolledBack > 0, reviews: rows });
  if (rolledBack === 0) return io.print('The log extends every checkpoint that was kept: nothing was rolled back.');
  const head = ['review', 'since the backup', 'seen in', 'the database says', 'becomes', 'tool'];
  const cells = rows.map(({ reviewId, what, seenIn, tool, ledger, becomes }) => [
    reviewId,
    what,
    seenIn,
    ledger ?? 'unknown',
    becomes,
    visible(tool ?? ''),
  ]);
  if (cells.length > 0) io.print(...renderTable(io, head, cells, [0, 1]), '');
  io.print(`${rows.length} ${rows.length === 1 ? 'review has' : 'reviews have'} to be looked at.`);
}

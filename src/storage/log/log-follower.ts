import { StorageError, type Store } from '../../ports/store.ts';
import type { AuditEntry } from '../../contract/audit.ts';
import type { Checkpoint } from '../../domain/proof/checkpoint.ts';
import {
  appendLeaves,
  EMPTY_RANGE,
  EMPTY_ROOT,
  hashEntry,
  hashesEqual,
  type CompactRange,
  type Hash,
} from '../../domain/proof/tree.ts';
import type { ReviewTail } from '../commit/prepare.ts';

export interface LogFollower {
  /**
   * Hashes the log up to a checkpoint; the first time all of it, later what is new.
   *
   * @throws StorageError `storage_corrupt` where the entries do not hash to its root; `database_unavailable`
   */
  advance(to: Checkpoint): Promise<void>;
  /** Undefined where the log has nothing of the review, or entries that do not follow one another. */
  tailOf(reviewId: string): ReviewTail | undefined;
}

const PAGE = 1_000;

/**
 * Knows the last entry of every review, from leaves that were hashed here and give the root of a signed checkpoint. An
 * attacker with the database can hide rows from a query, label them as another review's, or append a second history of
 * a review; none of that goes through here unseen. Keeps about 150 bytes a review.
 */
export function createLogFollower(store: Pick<Store, 'entries'>): LogFollower {
  let range: CompactRange = EMPTY_RANGE;
  let root: Hash = EMPTY_ROOT;
  /** Null: its entries do not follow one another. */
  const tails = new Map<string, ReviewTail | null>();

  function note(index: number, entry: AuditEntry): void {
    if (!('reviewId' in entry)) return;
    const before = tails.get(entry.reviewId);
    const { n } = entry;
    const follows =
      n !== undefined &&
      before !== null &&
      n === (before?.n ?? 0) + 1 &&
      (entry.previous ?? null) === (before?.last ?? null);
    tails.set(entry.reviewId, follows ? { n, last: index } : null);
  }

  async function readUpTo(size: number): Promise<void> {
    while (range.size < size) {
      const page = await store.entries(range.size, Math.min(PAGE, size - range.size));
      if (page.length === 0) throw new StorageError('storage_corrupt', 'Entries of the log are missing');
      for (const [i, { index, entry }] of page.entries()) {
        if (index !== range.size + i) throw new StorageError('storage_corrupt', 'Entries of the log are missing');
        note(index, entry);
      }
      ({ range, root } = appendLeaves(
        range,
        page.map(({ entry }) => hashEntry(entry)),
      ));
    }
  }

  return {
    advance: async (to) => {
      try {
        await readUpTo(to.size);
        if (range.size === to.size && !hashesEqual(root, to.root))
          throw new StorageError('storage_corrupt', 'The entries of the log do not hash to its root');
      } catch (error) {
        // What was read in vain must not count: from the beginning the next time.
        [range, root] = [EMPTY_RANGE, EMPTY_ROOT];
        tails.clear();
        throw error;
      }
    },
    tailOf: (reviewId) => tails.get(reviewId) ?? undefined,
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { IndexedEntry } from '../../contract/audit.ts';
import { StorageError, type Commit, type CommitResult } from '../../ports/store.ts';
import type { CompactRange } from '../../domain/proof/tree.ts';
import type { Database, Query } from '../database/database.ts';
import { payloadOf, rangeFrom, type ReviewTail, prepareCommit, type PreparedCommit } from './prepare.ts';
import { readLedgerRow, type StoredLedgerRow } from './ledger-row.ts';

const MAX_GROUP = 64;
const MAX_GROUP_SIZE = 4_000_000;
/** So often is the cached head tried before the head is locked for certain. */
const OPTIMISTIC_TRIES = 3;
/** A ledger row that another transaction holds is asked for again after so many ms, and so often. */
const BUSY_MS = 25;
const BUSY_TRIES = 40;
/** Reviews whose last entry is remembered. */
const MAX_TAILS = 20_000;

type GroupAnswer =
  | { kind: 'stale'; size: number; peaks: string; tails: Record<string, ReviewTail | null> }
  | {
      kind: 'refused';
      seen: SeenCommit[];
      refused: (
        | { reviewId: string; outdated: boolean; row: StoredLedgerRow | null }
        | { reviewId?: undefined; freezeId: string }
      )[];
      /** Reviews whose ledger rows another transaction holds. */
      busy: string[];
    }
  | { kind: 'written'; rows: Record<string, StoredLedgerRow> | null };

interface SeenCommit {
  key: string;
  first: number;
  count: number;
  row: StoredLedgerRow | null;
}

interface Waiting {
  readonly commit: PreparedCommit;
  readonly asked: Commit;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
  /** How often its ledger row was held by another transaction. */
  busy: number;
}

export interface GroupCommit {
  commit(commit: Commit): Promise<CommitResult>;
  /** Resolves once nothing is under way. */
  idle(): Promise<void>;
}

/**
 * Concurrent commits share one round trip and one transaction, and each stands or falls alone: a refused transition
 * leaves the group before anything is written, and where the database refuses a whole group, its commits are tried
 * one by one, so that only the poisoned one fails.
 *
 * @param onAppended told the entries that are durable, in the order of the log and before those who asked for it.
 * @param onWritten told each commit that this process has written, once, however often it was asked for.
 */
export function createGroupCommit(
  database: Database,
  onAppended: (entries: readonly IndexedEntry[]) => void,
  onWritten: (commit: Commit) => void,
): GroupCommit {
  let queue: Waiting[] = [];
  let running: Promise<void> | undefined;
  const postponed = new Set<NodeJS.Timeout>();
  let head: CompactRange | undefined;
  // What is not here is taken for new; the database names the last entry where it is not.
  const tails = new LRUCache<string, ReviewTail>({ max: MAX_TAILS });

  async function drain(): Promise<void> {
    // One turn of the event loop: whatever was asked for in this one joins the group.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      const [group, rest] = takeGroup(queue);
      queue = rest;
      await settle(group);
    }
    running = undefined;
  }

  async function settle(group: readonly Waiting[]): Promise<void> {
    try {
      await write(group);
    } catch (error) {
      head = undefined;
      tails.clear();
      const code = error instanceof StorageError ? error.code : undefined;
      if (code === 'write_refused' && group.length > 1) {
        for (const waiting of group) await settle([waiting]);
        return;
      }
      // With the database away, whoever waits is told now: not one time-out after the other.
      const waitingToo = code === 'database_unavailable' ? queue.splice(0) : [];
      for (const waiting of [...group, ...waitingToo]) waiting.reject(error);
    }
  }

  async function write(group: readonly Waiting[]): Promise<void> {
    let left = group;
    for (let tries = 0; left.length > 0; tries += 1) {
      const base: CompactRange | undefined = head;
      const attempt =
        tries < OPTIMISTIC_TRIES
          ? await tryOnce(database.query, left, base ?? (await readHead(database.query)), tails)
          : await database.transaction(async (query) => tryOnce(query, left, await lockHead(query), tails));
      left = conclude(left, attempt);
    }
  }

  /** Acts on one answer; returns the commits that have to be tried again. */
  function conclude(group: readonly Waiting[], { payload, answer }: Attempt): readonly Waiting[] {
    switch (answer.kind) {
      case 'stale':
        head = rangeFrom(answer);
        for (const [reviewId, tail] of Object.entries(answer.tails)) remember(reviewId, tail);
        return group;
      case 'refused':
        return group.filter((waiting) => !refuse(waiting, answer) && !postpone(waiting, answer.busy));
      case 'written': {
        head = payload.range;
        for (const [reviewId, tail] of payload.tails) remember(reviewId, tail);
        onAppended(payload.entries.flat());
        for (const [i, { commit, resolve }] of group.entries()) {
          const row = commit.step === undefined ? undefined : answer.rows?.[commit.step.review_id];
          const indices = (payload.entries[i] ?? []).map(({ index }) => index);
          resolve({ ok: true, row: row === undefined ? null : readLedgerRow(row), indices });
        }
        for (const { asked } of group) onWritten(asked);
        return [];
      }
      default:
        return answer satisfies never;
    }
  }

  /**
   * Takes a commit whose ledger row is held by another transaction out of its group, for a while: an objection that is
   * being stored, or a login that keeps its transaction open, which must not delay other commits. False: it is not.
   */
  function postpone(waiting: Waiting, busy: readonly string[]): boolean {
    if (waiting.commit.step === undefined || !busy.includes(waiting.commit.step.review_id)) return false;
    waiting.busy += 1;
    if (waiting.busy > BUSY_TRIES) {
      waiting.reject(new StorageError('database_unavailable', 'Another transaction holds the ledger row'));
      return true;
    }
    const again = setTimeout(() => {
      postponed.delete(again);
      enqueue(waiting);
    }, BUSY_MS);
    postponed.add(again);
    return true;
  }

  function enqueue(waiting: Waiting): void {
    queue.push(waiting);
    running ??= drain();
  }

  function isBusy(): boolean {
    return running !== undefined || postponed.size > 0;
  }

  function remember(reviewId: string, tail: ReviewTail | null): void {
    if (tail === null) tails.delete(reviewId);
    else tails.set(reviewId, tail);
  }

  return {
    commit: (commit) =>
      new Promise((resolve, reject) => {
        enqueue({ commit: prepareCommit(commit), asked: commit, resolve, reject, busy: 0 });
      }),
    idle: async () => {
      while (isBusy()) await (running ?? sleep(BUSY_MS));
    },
  };
}

interface Attempt {
  readonly payload: ReturnType<typeof payloadOf>;
  readonly answer: GroupAnswer;
}

async function tryOnce(
  query: Query,
  group: readonly Waiting[],
  base: CompactRange,
  tails: Pick<LRUCache<string, ReviewTail>, 'get'>,
): Promise<Attempt> {
  const payload = payloadOf(
    group.map(({ commit }) => commit),
    base,
    (reviewId) => tails.get(reviewId),
  );
  const [row] = await query<{ answer: GroupAnswer }>('SELECT holdpoint.commit_group($1::text, $2::bytea) AS answer', [
    payload.json,
    payload.texts,
  ]);
  if (row === undefined) throw new StorageError('storage_corrupt', 'The commit function gave no answer');
  return { payload, answer: row.answer };
}

async function readHead(query: Query): Promise<CompactRange> {
  const [row] = await query<{ size: number; peaks: string }>(
    `SELECT size::float8 AS size, encode(peaks, 'hex') AS peaks FROM holdpoint.audit_head`,
  );
  if (row === undefined) throw new StorageError('storage_corrupt', 'The log has no head');
  return rangeFrom(row);
}

async function lockHead(query: Query): Promise<CompactRange> {
  const [row] = await query<{ head: { size: number; peaks: string } }>('SELECT holdpoint.lock_head() AS head');
  if (row === undefined) throw new StorageError('storage_corrupt', 'The log has no head');
  return rangeFrom(row.head);
}

/** Answers a commit that stands in the way of its group; false where this one does not. */
function refuse({ commit, resolve }: Waiting, { seen, refused }: Extract<GroupAnswer, { kind: 'refused' }>): boolean {
  const before = commit.key === undefined ? undefined : seen.find(({ key }) => key === commit.key);
  if (before !== undefined) {
    const indices = Array.from({ length: before.count }, (_, i) => before.first + i);
    resolve({
      ok: true,
      row: commit.step === undefined || before.row === null ? null : readLedgerRow(before.row),
      indices,
    });
    return true;
  }
  const { step, freeze } = commit;
  if (refused.some((no) => no.reviewId === undefined && no.freezeId === freeze?.freeze_id)) {
    resolve({ ok: false, why: 'refused', row: null });
    return true;
  }
  const no = step && refused.find(({ reviewId }) => reviewId === step.review_id);
  if (no?.reviewId === undefined) return false;
  const row = no.row === null ? null : readLedgerRow(no.row);
  const same = step?.to === 'open' && row !== null && row.proposalDigest === step['proposal_digest'];
  resolve(same ? { ok: false, why: 'existing', row } : { ok: false, why: no.outdated ? 'outdated' : 'refused', row });
  return true;
}

/** The next group, first come first served; whatever shares a lane with something before it waits for the next one. */
function takeGroup(queue: readonly Waiting[]): [Waiting[], Waiting[]] {
  const group: Waiting[] = [];
  const rest: Waiting[] = [];
  const lanes = new Set<string>();
  let size = 0;
  for (const waiting of queue) {
    const { commit } = waiting;
    const full = group.length >= MAX_GROUP || (group.length > 0 && size + commit.size > MAX_GROUP_SIZE);
    const fits = !full && !commit.lanes.some((lane) => lanes.has(lane));
    (fits ? group : rest).push(waiting);
    if (fits) size += commit.size;
    for (const lane of commit.lanes) lanes.add(lane);
  }
  return [group, rest];
}

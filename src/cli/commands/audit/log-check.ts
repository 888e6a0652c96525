import type { KeyObject } from 'node:crypto';
import { HoldpointError, type Holdpoint } from '../../../client/index.ts';
import type { IndexedEntry } from '../../../contract/audit.ts';
import type { TrustFile } from '../../../contract/envelope.ts';
import { checkpointKeysOf, originOf, verifyCheckpoint, type Checkpoint } from '../../../domain/proof/checkpoint.ts';
import {
  appendLeaves,
  EMPTY_RANGE,
  EMPTY_ROOT,
  hashEntry,
  hashesEqual,
  hashToBase64,
  type CompactRange,
  type Hash,
} from '../../../domain/proof/tree.ts';
import type { Store } from '../../../ports/store.ts';

/** Why a log does not verify. */
export const LOG_FAULTS = {
  checkpoint_missing: 'the log has entries but no checkpoint',
  checkpoint_not_trusted: 'the checkpoint of this log is not signed by a trusted key, or belongs to another log',
  since_not_trusted: 'the checkpoint given with --since is not signed by a trusted key, or belongs to another log',
  entries_missing: 'the log is shorter than its own checkpoint: entries were cut off',
  entries_out_of_order: 'an index is missing or appears twice',
  foreign_entry: 'an entry belongs to another deployment',
  entries_changed: 'the entries do not match the signed checkpoint: edited, deleted or reordered',
  rolled_back: 'the log is shorter than the checkpoint you kept: truncated, or an old copy was restored',
  forked: 'the log has as many entries as the checkpoint you kept, but different ones: it was forked',
  history_changed: 'the log does not extend the checkpoint you kept: earlier entries were edited, deleted or forked',
} as const;
export type LogFault = keyof typeof LOG_FAULTS;

export interface LogSource {
  entries(): AsyncIterable<IndexedEntry>;
  /** C2SP note; undefined if the log has none yet. */
  checkpoint(): Promise<string | undefined>;
}

export interface LogTrust {
  readonly deploymentId: string;
  readonly origin: string;
  readonly keys: readonly KeyObject[];
}

export function logTrustOf({ deploymentId, keys }: TrustFile): LogTrust {
  return { deploymentId, origin: originOf(deploymentId), keys: checkpointKeysOf(keys) };
}

export interface LogReport {
  readonly faults: readonly LogFault[];
  /** Entries read. */
  readonly entries: number;
  /** Root over all entries read, base64. */
  readonly root: string;
  /** What the verified checkpoint covers; null if none verified. */
  readonly checkpointSize: number | null;
  /** Entries after the checkpoint: recorded, but not signed yet. */
  readonly unsigned: number;
  readonly since: { readonly size: number } | null;
  /** Index of the first entry that is wrong by itself, if any. */
  readonly at: number | null;
}

/**
 * Hashes every entry and compares with what was signed: the log's own checkpoint, and one that the caller kept. The
 * source may be the attacker: nothing is believed that a trusted key did not sign.
 */
export async function checkLog(source: LogSource, trust: LogTrust, sinceNote: string | undefined): Promise<LogReport> {
  const faults = new Set<LogFault>();
  // Read before the entries: what is recorded meanwhile is then newer than the checkpoint, not missing from it.
  const note = await source.checkpoint();
  const own = note === undefined ? undefined : verifyCheckpoint(note, trust.origin, trust.keys);
  if (note !== undefined && own === undefined) faults.add('checkpoint_not_trusted');
  const since = sinceNote === undefined ? undefined : verifyCheckpoint(sinceNote, trust.origin, trust.keys);
  if (sinceNote !== undefined && since === undefined) faults.add('since_not_trusted');

  const sizes = new Set([own?.size, since?.size].filter((size) => size !== undefined));
  const read = await readAll(source, trust.deploymentId, sizes, faults);
  if (note === undefined && read.range.size > 0) faults.add('checkpoint_missing');
  if (own !== undefined) compareOwn(own, read, faults);
  if (since !== undefined) compareKept(since, read, faults);
  return {
    faults: [...faults],
    entries: read.range.size,
    root: hashToBase64(read.root),
    checkpointSize: own?.size ?? null,
    unsigned: Math.max(0, read.range.size - (own?.size ?? 0)),
    since: since === undefined ? null : { size: since.size },
    at: read.at,
  };
}

interface ReadLog {
  readonly range: CompactRange;
  readonly root: Hash;
  /** Roots of the tree at the sizes asked for, as far as the log reaches. */
  readonly roots: ReadonlyMap<number, Hash>;
  readonly at: number | null;
}

async function readAll(
  source: LogSource,
  deploymentId: string,
  sizes: ReadonlySet<number>,
  faults: Set<LogFault>,
): Promise<ReadLog> {
  let range: CompactRange = EMPTY_RANGE;
  let root: Hash = EMPTY_ROOT;
  let at: number | null = null;
  const roots = new Map<number, Hash>([[0, EMPTY_ROOT]]);
  for await (const { index, entry } of source.entries()) {
    if (index !== range.size) {
      faults.add('entries_out_of_order');
      // Later entries have no place in the tree, and a source whose indices do not count up could go on for ever.
      return { range, root, roots, at: at ?? range.size };
    }
    if (entry.deploymentId !== deploymentId) {
      faults.add('foreign_entry');
      at ??= index;
    }
    ({ range, root } = appendLeaves(range, [hashEntry(entry)]));
    if (sizes.has(range.size)) roots.set(range.size, root);
  }
  return { range, root, roots, at };
}

function compareOwn(checkpoint: Checkpoint, read: ReadLog, faults: Set<LogFault>): void {
  const root = read.roots.get(checkpoint.size);
  if (root === undefined) faults.add('entries_missing');
  else if (!hashesEqual(root, checkpoint.root)) faults.add('entries_changed');
}

function compareKept(since: Checkpoint, read: ReadLog, faults: Set<LogFault>): void {
  const root = read.roots.get(since.size);
  if (root === undefined) faults.add('rolled_back');
  else if (!hashesEqual(root, since.root)) faults.add(read.range.size === since.size ? 'forked' : 'history_changed');
}

const PAGE = 1_000;
/** Answers of an api whose log has no signed checkpoint yet. */
const NO_CHECKPOINT: ReadonlySet<string> = new Set(['not_found', 'worker_unavailable']);

/** The log as the api serves it. */
export function logOverHttp(client: Holdpoint): LogSource {
  return {
    entries: () => client.audit.allEntries({ limit: PAGE }),
    checkpoint: async () => {
      try {
        return (await client.audit.checkpoint()).checkpoint;
      } catch (error) {
        if (error instanceof HoldpointError && NO_CHECKPOINT.has(error.code)) return undefined;
        throw error;
      }
    },
  };
}

/** The log in the database itself. */
export function logOverStore(store: Pick<Store, 'entries' | 'checkpoint'>): LogSource {
  return {
    async *entries(): AsyncIterable<IndexedEntry> {
      for (let from = 0; ; from += PAGE) {
        const page = await store.entries(from, PAGE);
        yield* page;
        if (page.length < PAGE) return;
      }
    },
    checkpoint: async () => (await store.checkpoint())?.note,
  };
}

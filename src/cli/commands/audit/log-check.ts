import type { KeyObject } from 'node:crypto';
import type { IndexedEntry } from '../../../contract/audit.ts';
import { verifyCheckpoint, type Checkpoint } from '../../../domain/proof/checkpoint.ts';
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

/** Why a log does not verify. */
export type LogFault =
  /** The log offers no checkpoint although it has entries. */
  | 'checkpoint_missing'
  /** No trusted key signed the log's checkpoint, or it is another log's. */
  | 'checkpoint_not_trusted'
  /** No trusted key signed the checkpoint that `--since` names, or it is another log's. */
  | 'since_not_trusted'
  /** The log has fewer entries than its own checkpoint covers: truncated. */
  | 'entries_missing'
  /** An index is missing or there twice. */
  | 'entries_out_of_order'
  /** An entry of another deployment. */
  | 'foreign_entry'
  /** The entries do not hash to the checkpoint: edited, deleted or reordered. */
  | 'entries_changed'
  /** Shorter than the checkpoint you hold: truncated, or an old copy was restored. */
  | 'rolled_back'
  /** As long as the checkpoint you hold, with other entries. */
  | 'forked'
  /** Longer than the checkpoint you hold, and does not extend it: edited, deleted or forked before it. */
  | 'history_changed';

export interface LogSource {
  entries(): AsyncIterable<IndexedEntry>;
  /** C2SP note; undefined where the log has none yet. */
  checkpoint(): Promise<string | undefined>;
}

export interface LogTrust {
  readonly deploymentId: string;
  readonly origin: string;
  readonly keys: readonly KeyObject[];
}

export interface LogReport {
  readonly faults: readonly LogFault[];
  /** Entries read. */
  readonly entries: number;
  /** Root over all entries read, base64. */
  readonly root: string;
  /** What the verified checkpoint covers; null where none verified. */
  readonly checkpointSize: number | null;
  /** Entries behind the checkpoint: recorded, but not signed yet. */
  readonly unsigned: number;
  readonly since: { readonly size: number } | null;
  /** Index of the first entry found wrong by itself, where one was. */
  readonly at: number | null;
}

/**
 * Hashes every entry and compares with what was signed: the log's own checkpoint, and one that the caller kept. The
 * source may be the attacker: it is believed in nothing that a trusted key did not sign.
 */
export async function checkLog(source: LogSource, trust: LogTrust, sinceNote: string | undefined): Promise<LogReport> {
  const faults = new Set<LogFault>();
  // Before the entries: what is recorded meanwhile is then newer than the checkpoint, and not missing from it.
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
      // What comes after it hangs in the air; and indices that do not count up could go on for ever.
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

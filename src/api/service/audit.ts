import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';
import { PIECE, readPiece, type Scan } from './scan.ts';
import type { AuditPage, CheckpointResponse } from '../../contract/api.ts';
import {
  isRare,
  type AuditFilter,
  type AuditKeys,
  type ConsistencyResponse,
  type EntriesQuery,
  type InclusionResponse,
} from '../../contract/audit-query.ts';
import type { IndexedEntry, AuditEntry } from '../../contract/audit.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { ENTRY } from '../../domain/lifecycle.ts';
import { entryWords } from '../../domain/words.ts';
import type { EntryFilter } from '../../ports/store.ts';
import { defined } from '../../contract/defined.ts';

const DEFAULT_LIMIT = 200;
/** Rows that one request looks through: a filter that fits little still answers soon. */
const MOST_LOOKED_THROUGH = 5_000;
/** Entries that the database looks through at once, and of how many rows that has the cost. */
const STRETCH = { entries: 10_000, cost: 250 } as const;

type Reads = Pick<ServiceContext, 'store'>;
type Scans = Pick<ServiceContext, 'store' | 'scans'>;

/**
 * One page of the log. With a filter a page may hold less than asked for, or nothing, and still have a `nextFrom`: that
 * much of the log was looked through.
 */
export async function auditEntries(context: Scans, query: EntriesQuery, scan: Scan): Promise<AuditPage> {
  const { from, limit = DEFAULT_LIMIT, order = 'asc', ...filter } = query;
  const fits = entryMatcher(filter);
  const wanted = storedFilter(filter);
  const found: IndexedEntry[] = [];
  const step = order === 'asc' ? 1 : -1;
  const end = wanted === undefined && order === 'asc' ? Infinity : (await context.store.head()).size;
  let at = from ?? (order === 'asc' ? 0 : end - 1);
  let lookedThrough = 0;
  while (lookedThrough < MOST_LOOKED_THROUGH && at >= 0) {
    const size = fits === undefined ? Math.min(PIECE, limit - found.length) : PIECE;
    const chunk = await readChunk(context, scan, { reviewId: filter.reviewId, wanted, at, end, size, order });
    for (const indexed of chunk.entries) {
      if (fits !== undefined && !fits(indexed.entry)) continue;
      found.push(indexed);
      const next = indexed.index + step;
      if (found.length === limit) return { entries: found, nextFrom: next < 0 ? null : next };
    }
    if (chunk.isLast) return { entries: found, nextFrom: null };
    at = chunk.next;
    lookedThrough += chunk.cost;
  }
  return { entries: found, nextFrom: at < 0 ? null : at };
}

/** Every entry that fits, in order, page by page, up to where the log ended when it was asked. */
export async function* exportEntries(
  context: Scans,
  filter: AuditFilter,
  scan: Scan,
): AsyncGenerator<readonly IndexedEntry[]> {
  const fits = entryMatcher(filter) ?? (() => true);
  const wanted = storedFilter(filter);
  const { size: end } = await context.store.head();
  for (let at = 0; at < end;) {
    const { reviewId } = filter;
    const chunk = await readChunk(context, scan, { reviewId, wanted, at, end, size: PIECE, order: 'asc' });
    yield chunk.entries.filter(({ index, entry }) => index < end && fits(entry));
    if (chunk.isLast) return;
    at = chunk.next;
  }
}

/** What of a filter the database can ask; undefined: nothing, or no more than which review. */
function storedFilter({ reviewId, type, person, since, until }: AuditFilter): EntryFilter | undefined {
  if (reviewId !== undefined || [type, person, since, until].every((part) => part === undefined)) return undefined;
  return defined({ types: type?.split(','), person, since, until });
}

/** Latest signed checkpoint. Throws `worker_unavailable` where none was ever signed. */
export async function auditCheckpoint({ store }: Reads): Promise<CheckpointResponse> {
  const latest = await store.checkpoint();
  if (latest === undefined) {
    throw new ProblemError('worker_unavailable', { detail: 'No checkpoint has been signed yet.' });
  }
  return { size: latest.size, checkpoint: latest.note };
}

/** The keys that checkpoints and envelopes verify with, as this process knows them. */
export function auditKeys({ settings, trustedKeys }: ServiceContext): AuditKeys {
  return { deploymentId: settings.current().deploymentId, keys: [...trustedKeys()] };
}

/** Both throw `invalid_request` where the log is not that long. */
export async function inclusionProofs(
  { store }: Reads,
  size: number,
  indices: readonly number[],
): Promise<InclusionResponse> {
  const proofs = indices.map(async (index) => ({ index, inclusion: [...(await store.inclusionProof(index, size))] }));
  return { size, proofs: await withinLog(Promise.all(proofs), '/size') };
}

export async function consistencyProof({ store }: Reads, from: number, to: number): Promise<ConsistencyResponse> {
  // A proof of the same tree is empty, whether the log is that long or not.
  if (from === to && to > (await store.head()).size) throw notThatLong('/to');
  return { from, to, proof: [...(await withinLog(store.consistencyProof(from, to), '/to'))] };
}

async function withinLog<T>(proof: Promise<T>, parameter: keyof typeof WITHIN): Promise<T> {
  try {
    return await proof;
  } catch (error) {
    throw error instanceof RangeError ? notThatLong(parameter) : error;
  }
}

const WITHIN = {
  '/size': 'must be at most the size of the log, and above every index',
  '/to': 'must be at most the size of the log, and not below from',
} as const;

function notThatLong(pointer: keyof typeof WITHIN): ProblemError {
  return new ProblemError('invalid_request', { errors: [{ pointer, message: WITHIN[pointer], in: 'query' }] });
}

interface Chunk {
  readonly entries: readonly IndexedEntry[];
  readonly isLast: boolean;
  readonly next: number;
  /** As many rows. */
  readonly cost: number;
}

interface ChunkWanted {
  readonly reviewId: ReviewId | undefined;
  readonly wanted: EntryFilter | undefined;
  readonly at: number;
  /** Size of the log, where it was asked. */
  readonly end: number;
  readonly size: number;
  readonly order: 'asc' | 'desc';
}

/** The entries of one review are few and have an index of their own; they are one chunk. The last one for a caller who is gone. */
async function readChunk(context: Scans, scan: Scan, chunk: ChunkWanted): Promise<Chunk> {
  const { reviewId, wanted, at, size, order } = chunk;
  if (wanted !== undefined) return findChunk(context, scan, wanted, chunk);
  const { store } = context;
  const read = async (piece: () => Promise<readonly IndexedEntry[]>) => (await readPiece(context, scan, piece)) ?? [];
  if (reviewId !== undefined) {
    const all = await read(() => store.entriesOf(reviewId));
    const entries = order === 'asc' ? all.filter(({ index }) => index >= at) : all.filter(({ index }) => index <= at);
    return { entries: order === 'asc' ? entries : entries.toReversed(), isLast: true, next: at, cost: 0 };
  }
  if (order === 'asc') {
    const entries = await read(() => store.entries(at, size));
    return { entries, isLast: entries.length < size, next: at + entries.length, cost: PIECE };
  }
  const low = Math.max(0, at - size + 1);
  const entries = await read(() => store.entries(low, at - low + 1));
  return { entries: entries.toReversed(), isLast: low === 0, next: low - 1, cost: PIECE };
}

/** The database looks through a stretch, and hands out what may fit: a piece at most, and then the rest is next. */
async function findChunk(
  context: Scans,
  scan: Scan,
  wanted: EntryFilter,
  { at, end, order }: ChunkWanted,
): Promise<Chunk> {
  const length = isRare(wanted.types) ? end : STRETCH.entries;
  const [from, to] = order === 'asc' ? [at, Math.min(end, at + length)] : [Math.max(0, at - length + 1), at + 1];
  const find = () => context.store.findEntries(wanted, { from, to, order }, PIECE);
  const entries = await readPiece(context, scan, find, STRETCH.cost);
  if (entries === undefined) return { entries: [], isLast: true, next: at, cost: 0 };
  // A stretch with more than a piece was not looked through to its end.
  const last = entries.length === PIECE ? entries.at(-1)?.index : undefined;
  const next = order === 'asc' ? (last ?? to - 1) + 1 : (last ?? from) - 1;
  const cost = last === undefined ? STRETCH.cost : PIECE;
  return { entries, isLast: order === 'asc' ? next >= end : next < 0, next, cost };
}

/** Whether an entry fits a filter; undefined where every entry does. */
export function entryMatcher(filter: AuditFilter): ((entry: AuditEntry) => boolean) | undefined {
  const { reviewId, type, person, since, until, q } = filter;
  if ([reviewId, type, person, since, until, q].every((part) => part === undefined)) return undefined;
  const types = type === undefined ? undefined : new Set<string>(type.split(','));
  const [from, to] = [since, until].map((time) => (time === undefined ? undefined : Date.parse(time)));
  const words =
    q
      ?.toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '') ?? [];
  return (entry) => {
    const at = Date.parse(entry.at);
    return (
      (reviewId === undefined || ('reviewId' in entry && entry.reviewId === reviewId)) &&
      (types === undefined || types.has(entry.type)) &&
      (person === undefined || peopleOf(entry).includes(person)) &&
      (from === undefined || at >= from) &&
      (to === undefined || at < to) &&
      hasWords(entry, words)
    );
  };
}

function hasWords(entry: AuditEntry, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = textOf(entry).toLowerCase();
  return words.every((word) => text.includes(word));
}

/**
 * What an entry holds and what the page says of it. Without the names of its fields and the deployment's, which every
 * entry has.
 */
function textOf(entry: AuditEntry): string {
  const { deploymentId: _same, ...own } = entry;
  const held = Object.values(own).flatMap((value) =>
    typeof value === 'string' ? [value] : Array.isArray(value) ? value : [],
  );
  return [ENTRY[entry.type].label, entryWords(entry), ...held].join('\n');
}

/** Everybody whom an entry names, the one who acted first. */
export function peopleOf(entry: AuditEntry): readonly string[] {
  if (entry.type === 'proposed') return [entry.proposer, ...(entry.owner === null ? [] : [entry.owner])];
  if (entry.type === 'notified') return entry.recipients;
  if ('reviewer' in entry) return [entry.reviewer];
  return 'by' in entry ? [entry.by] : [];
}

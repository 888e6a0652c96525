import type { AuditEntry, IndexedEntry } from '../../contract/audit.ts';
import type { Review } from '../../contract/review.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import type { Commit, ReviewWrite } from '../../ports/store.ts';
import type { FreezeWrite } from '../../ports/freezes.ts';
import { leafOf, appendLeaves, hashLeaf, type CompactRange, type Hash } from '../../domain/proof/tree.ts';
import { stepOf, type Step } from './ledger-row.ts';
import { approversOf, openLevelOf } from '../../domain/eligibility.ts';
import { listRowOf } from '../reviews/review-row.ts';
import { storableJson, storableTime } from '../database/text.ts';
import { storableText } from '../../domain/json/storable.ts';

/** One entry, ready to append; its place in the log and in its review are still to come. */
export interface Leaf {
  readonly entry: AuditEntry;
  readonly reviewId: string | null;
  /**
   * Its canonical form: whole, or of a review's entry what stands before the number within the review, between that and
   * the index of the entry before, and after it.
   */
  readonly text: readonly string[];
}

type Columns = Readonly<Record<string, unknown>> & { readonly review_id: string };
/** A freeze as `commit_group` takes it. */
interface FreezeStep {
  readonly to: 'freeze' | 'lift';
  readonly freeze_id: string;
  readonly envelope?: string;
  readonly n?: number;
}

interface PreparedReview {
  readonly kind: 'reviews' | 'executions' | 'ends';
  readonly columns: Columns;
  /** Long texts, in the order of their lengths (bytes) in `columns`. They go beside the JSON, which would escape them again. */
  readonly texts: readonly string[];
}

/** A commit with everything computed that does not depend on the head of the log. */
export interface PreparedCommit {
  readonly key: string | undefined;
  readonly reviewId: string | null;
  readonly step: Step | undefined;
  readonly leaves: readonly Leaf[];
  readonly review: PreparedReview | undefined;
  readonly freeze: FreezeStep | undefined;
  /** Commits that share one of these must not be in the same group: the second has to see what the first did. */
  readonly lanes: readonly string[];
  /** Characters to send, roughly. */
  readonly size: number;
}

/** Throws a TypeError where the commit is not JSON. */
export function prepareCommit(commit: Commit): PreparedCommit {
  const key = commit.key === undefined ? undefined : storableText(commit.key);
  const step = commit.ledger === undefined ? undefined : stepOf(commit.ledger);
  const leaves = commit.entries.map(leafFor);
  const review = commit.review === undefined ? undefined : prepareReview(commit.review);
  const touched = [step?.review_id, review?.columns.review_id, ...leaves.map((leaf) => leaf.reviewId)];
  const reviewId = touched.find((id) => typeof id === 'string') ?? null;
  const lanes = [step?.review_id, review?.columns.review_id].filter((id) => id !== undefined).map((id) => `r ${id}`);
  const freeze = commit.freeze === undefined ? undefined : prepareFreeze(commit.freeze);
  if (freeze !== undefined) lanes.push(`f ${freeze.freeze_id}`);
  if (key !== undefined) lanes.push(`k ${key}`);
  const texts = [...Object.values(step ?? {}), ...Object.values(review?.columns ?? {}).flat()];
  const sizes = [
    ...leaves.flatMap((leaf) => leaf.text.map((part) => part.length)),
    ...texts.map((text) => (typeof text === 'string' ? text.length : 0)),
    ...(review?.texts ?? []).map(({ length }) => length),
  ];
  const size = sizes.reduce((sum, part) => sum + part, 0);
  return { key, reviewId, step, leaves, review, freeze, lanes, size };
}

function prepareFreeze(write: FreezeWrite): FreezeStep {
  const { to, freezeId: freeze_id } = write;
  return write.to === 'freeze'
    ? { to, freeze_id, envelope: JSON.stringify(write.envelope) }
    : { to, freeze_id, n: write.n };
}

function leafFor(given: AuditEntry): Leaf {
  try {
    return cutLeaf(given);
  } catch {
    // RFC 8785 refuses lone surrogates; an identity that an attacker chose may hold one.
    return cutLeaf(storableJson(given));
  }
}

/** No string of a leaf holds an unescaped quotation mark, so what looks like one of the two keys is one. */
const PLACES = /(?<=,"n":)0(?=,)|(?<=,"previous":)0(?=,)/;

function cutLeaf(entry: AuditEntry): Leaf {
  if (!('reviewId' in entry)) return { entry, reviewId: null, text: [leafOf(entry)] };
  return { entry, reviewId: entry.reviewId, text: leafOf({ ...entry, n: 0, previous: 0 }).split(PLACES) };
}

function prepareReview(write: ReviewWrite): PreparedReview {
  switch (write.kind) {
    case 'state':
      return prepareState(write);
    case 'execution':
      return {
        kind: 'executions',
        columns: {
          review_id: write.reviewId,
          execution_status: write.execution.status,
          execution: JSON.stringify(write.execution),
        },
        texts: [],
      };
    case 'end':
      return { kind: 'ends', columns: { review_id: write.reviewId, status: write.status, at: write.at }, texts: [] };
    default:
      return write satisfies never;
  }
}

function prepareState(write: Extract<ReviewWrite, { kind: 'state' }>): PreparedReview {
  const { review } = write;
  const { execution, ...rest } = review;
  const open = openLevelOf(review);
  const approvers = open === undefined ? [] : approversOf(open);
  const byRevision = new Map(write.materials.map((material) => [material.revision, material]));
  const state = JSON.stringify(rest);
  const envelopes = write.envelopes.map((envelope) => JSON.stringify(envelope));
  const materials = [...byRevision.values()].map((material) => JSON.stringify(material));
  const columns = {
    review_id: review.reviewId,
    status: review.status,
    class: review.class,
    gate: review.gate,
    kind: review.kind,
    service: storableText(review.call.service),
    tool: storableText(review.call.tool),
    proposer: storableText(review.proposer.id),
    thread_id: review.threadId === null ? null : storableText(review.threadId),
    group_name: review.group === null ? null : storableText(review.group),
    sort_at: sortTimeOf(review),
    ended_at: hasEnded(review.status) ? (storableTime(review.resolvedAt) ?? new Date().toISOString()) : null,
    execution_status: execution.status,
    execution: JSON.stringify(execution),
    settles_execution: write.settlesExecution ?? false,
    list_row: JSON.stringify(listRowOf(review)),
    state: Buffer.byteLength(state),
    revision: review.revision,
    envelopes: envelopes.map((text) => Buffer.byteLength(text)),
    materials: materials.map((text) => Buffer.byteLength(text)),
    revisions: [...byRevision.keys()],
    approvers: approvers.map(({ group }) => storableText(group)),
    approvers_from: approvers.map(({ from }) => storableTime(from) ?? '-infinity'),
  };
  return { kind: 'reviews', columns, texts: [state, ...envelopes, ...materials] };
}

/** What lists are ordered by: the deadline, and the end of time where there is none. */
function sortTimeOf(review: Pick<Review, 'expiresAt'>): string {
  return storableTime(review.expiresAt) ?? 'infinity';
}

/** The last entry of a review: its number within the review, and its index in the log. */
export interface ReviewTail {
  readonly n: number;
  readonly last: number;
}

export interface GroupPayload {
  /** Arguments of `holdpoint.commit_group`. */
  readonly json: string;
  readonly texts: Buffer;
  /** The right edge of the log after it. */
  readonly range: CompactRange;
  /** Each commit's entries, as they are appended. */
  readonly entries: readonly (readonly IndexedEntry[])[];
  /** The last entry after it of every review that it appends to. */
  readonly tails: ReadonlyMap<string, ReviewTail>;
}

/**
 * Hashes a group onto the right edge of the log and writes down everything the database has to do for it. `tailOf`: the
 * last entry of a review as far as this process knows; the database refuses the group where it is another.
 */
export function payloadOf(
  group: readonly PreparedCommit[],
  range: CompactRange,
  tailOf: (reviewId: string) => ReviewTail | undefined,
): GroupPayload {
  const tails = new Map<string, ReviewTail>();
  const firsts: number[] = [];
  const leaves: PlacedLeaf[] = [];
  const entries = group.map((commit) => {
    firsts.push(range.size + leaves.length);
    return commit.leaves.map((leaf): IndexedEntry => {
      const index = range.size + leaves.length;
      const placed = placeLeaf(leaf, index, tails, tailOf);
      leaves.push(placed);
      return { index, entry: placed.entry };
    });
  });
  const appended = appendLeaves(
    range,
    leaves.map((leaf) => leaf.hash),
  );
  const steps = group.flatMap((commit) => commit.step ?? []);
  const freezes = group.flatMap((commit) => commit.freeze ?? []);
  const writesOf = (kind: 'reviews' | 'executions' | 'ends') =>
    group.flatMap(({ review, leaves: own }, i) =>
      review?.kind === kind ? { ...review.columns, last_index: (firsts[i] ?? 0) + own.length - 1 } : [],
    );
  const json = JSON.stringify({
    size: range.size,
    next: appended.range.size,
    root: hex(appended.root),
    peaks: appended.range.peaks.map(hex).join(''),
    steps,
    keys: group.flatMap(({ key, reviewId, leaves: own }, i) =>
      key === undefined ? [] : { key, review_id: reviewId, first: firsts[i], count: own.length },
    ),
    entries: leaves.map(({ row, hash }) => ({ ...row, h: hex(hash) })),
    nodes: appended.nodes.map((node) => ({ v: node.level, i: node.index, h: hex(node.hash) })),
    reviews: writesOf('reviews'),
    executions: writesOf('executions'),
    ends: writesOf('ends'),
    ...(freezes.length === 0 ? {} : { freezes }),
  });
  const texts = Buffer.from(group.flatMap(({ review }) => review?.texts ?? []).join(''));
  return { json, texts, range: appended.range, entries, tails };
}

interface PlacedLeaf {
  readonly entry: AuditEntry;
  readonly hash: Hash;
  /** As the database takes it. */
  readonly row: { readonly l: string; readonly r?: string; readonly n?: number; readonly p?: number | null };
}

/** The leaf with its number within its review and the index of the one before; of no review, as it is. */
function placeLeaf(
  { entry, reviewId, text }: Leaf,
  index: number,
  tails: Map<string, ReviewTail>,
  tailOf: (reviewId: string) => ReviewTail | undefined,
): PlacedLeaf {
  const [head = '', middle = '', end = ''] = text;
  if (reviewId === null) return { entry, hash: hashLeaf(head), row: { l: head } };
  const before = tails.get(reviewId) ?? tailOf(reviewId);
  const n = (before?.n ?? 0) + 1;
  const previous = before?.last ?? null;
  tails.set(reviewId, { n, last: index });
  const l = `${head}${n}${middle}${previous}${end}`;
  return { entry: { ...entry, n, previous } as AuditEntry, hash: hashLeaf(l), row: { r: reviewId, n, p: previous, l } };
}

/** Reads the right edge as the database keeps it: hashes one after the other, in hex. */
export function rangeFrom(stored: { readonly size: number; readonly peaks: string }): CompactRange {
  const bytes = Buffer.from(stored.peaks, 'hex');
  const peaks = Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(i * 32, i * 32 + 32));
  return { size: stored.size, peaks };
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}

import type { AuditEntry } from '../../contract/audit.ts';
import type { Review } from '../../contract/review.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import type { Commit, ReviewWrite } from '../../ports/store.ts';
import { leafOf } from '../../domain/proof/tree.ts';
import { stepOf, type Step } from './ledger-row.ts';
import { approversOf, openLevelOf } from '../../domain/eligibility.ts';
import { listRowOf } from '../reviews/review-row.ts';
import { storableJson, storableText, storableTime } from '../database/text.ts';

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
export type PreparedReview =
  | {
      readonly kind: 'reviews';
      readonly columns: Columns & {
        readonly state: string;
        readonly execution: string;
        readonly settles_execution: boolean;
      };
    }
  | { readonly kind: 'executions'; readonly columns: Columns & { readonly execution: string } }
  | { readonly kind: 'ends'; readonly columns: Columns };

/** A commit with everything computed that does not depend on the head of the log. */
export interface PreparedCommit {
  readonly key: string | undefined;
  readonly reviewId: string | null;
  /** Every review that it touches. */
  readonly reviewIds: readonly string[];
  readonly step: Step | undefined;
  readonly leaves: readonly Leaf[];
  readonly review: PreparedReview | undefined;
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
  const reviewIds = [...new Set(touched.filter((id) => typeof id === 'string'))];
  const reviewId = reviewIds[0] ?? null;
  const lanes = [step?.review_id, review?.columns.review_id].filter((id) => id !== undefined).map((id) => `r ${id}`);
  if (key !== undefined) lanes.push(`k ${key}`);
  const texts = [...Object.values(step ?? {}), ...Object.values(review?.columns ?? {}).flat()];
  const sizes = [
    ...leaves.flatMap((leaf) => leaf.text.map((part) => part.length)),
    ...texts.map((text) => (typeof text === 'string' ? text.length : 0)),
  ];
  const size = sizes.reduce((sum, part) => sum + part, 0);
  return { key, reviewId, reviewIds, step, leaves, review, lanes, size };
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
      return { kind: 'reviews', columns: stateColumns(write) };
    case 'execution':
      return {
        kind: 'executions',
        columns: {
          review_id: write.reviewId,
          execution_status: write.execution.status,
          execution: JSON.stringify(write.execution),
        },
      };
    case 'end':
      return { kind: 'ends', columns: { review_id: write.reviewId, status: write.status, at: write.at } };
    default:
      return write satisfies never;
  }
}

function stateColumns(
  write: Extract<ReviewWrite, { kind: 'state' }>,
): Extract<PreparedReview, { kind: 'reviews' }>['columns'] {
  const { review } = write;
  const { execution, ...state } = review;
  const open = openLevelOf(review);
  const approvers = open === undefined ? [] : approversOf(open);
  const materials = new Map(write.materials.map((material) => [material.revision, material]));
  return {
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
    state: JSON.stringify(state),
    envelopes: write.envelopes.map((envelope) => JSON.stringify(envelope)),
    materials: [...materials.values()].map((material) => JSON.stringify(material)),
    revisions: [...materials.keys()],
    approvers: approvers.map(({ group }) => storableText(group)),
    approvers_from: approvers.map(({ from }) => storableTime(from) ?? '-infinity'),
  };
}

/** What lists are ordered by: the deadline, and the end of time where there is none. */
function sortTimeOf(review: Pick<Review, 'expiresAt'>): string {
  return storableTime(review.expiresAt) ?? 'infinity';
}

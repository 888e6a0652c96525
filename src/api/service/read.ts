import type { StartedReview } from '../gate-client.ts';
import { principalKey, type Principal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';
import type { WaitOptions } from './types.ts';
import { watchReview } from './hub.ts';
import type { ListQuery, ListResponse } from '../../contract/api.ts';
import { decisionIdOf, type ReviewId } from '../../contract/ids.ts';
import { NOT_STARTED, type Review, type ReviewRow } from '../../contract/review.ts';
import { findShortfall, voterOf, waitsFor } from '../../domain/eligibility.ts';
import { isFinal, STATUS } from '../../domain/lifecycle.ts';
import { nextClaimAt } from '../../domain/deferral.ts';
import { findFreeze } from '../../domain/policy/assess.ts';
import { withShownDigest } from '../../domain/gate/shown.ts';
import { explainReasons } from '../../domain/policy/explain-reasons.ts';
import { withRelated } from '../../domain/related.ts';
import { viewForAgent, viewRowForAgent } from '../../domain/show/agent-view.ts';
import type { ListFilter, Store, StoredReview } from '../../ports/store.ts';
import { defined } from '../../contract/defined.ts';

const DEFAULT_LIMIT = 50;

/** The review as the principal may read it. Throws `not_found`, also for what it may not see. */
export async function readVisible(context: ServiceContext, principal: Principal, reviewId: ReviewId): Promise<Review> {
  const stored = await context.store.readReview(reviewId);
  return await present(context, principal, stored?.review ?? (await readUnclassified(context, reviewId)));
}

/** As {@link readVisible}, for those that act on it: the whole state, and only what a worker has classified. */
export async function readToAct(context: ServiceContext, principal: Principal, reviewId: ReviewId): Promise<Review> {
  const stored = await context.store.readReview(reviewId);
  if (stored === undefined || !maySee(principal, stored.review)) throw new ProblemError('not_found');
  return stored.review;
}

/** Holds the answer until the review is final, the time is over or the caller is gone. */
export async function getReview(
  context: ServiceContext,
  principal: Principal,
  reviewId: ReviewId,
  options: WaitOptions,
): Promise<Review> {
  const isOver = (now: Review): boolean =>
    isFinal(now) || (options.orChanges === true && now.status === 'changes_requested');
  const { waitSeconds, signal } = options;
  const watch = waitSeconds === 0 ? undefined : await watchReview(context, reviewId, false);
  try {
    const review = await readVisible(context, principal, reviewId);
    if (watch === undefined || isOver(review)) return await tellRelated(context, principal, review);
    const isWanted = (stored: StoredReview | undefined): boolean => stored !== undefined && isOver(stored.review);
    const held = await watch.until(isWanted, waitSeconds * 1_000, signal);
    return await tellRelated(
      context,
      principal,
      held === undefined ? review : await present(context, principal, held.review),
    );
  } finally {
    watch?.close();
  }
}

/** What the same agent did besides is for reviewers alone: an agent could learn from it what others decided. */
async function tellRelated(context: ServiceContext, principal: Principal, review: Review): Promise<Review> {
  if (principal.kind !== 'reviewer') return review;
  return withRelated(review, await context.store.proposedCalls.related(review));
}

export async function listReviews(
  context: ServiceContext,
  principal: Principal,
  query: ListQuery,
): Promise<ListResponse> {
  const { status, approver, limit, cursor, ...exact } = query;
  const voter = approver !== undefined && principal.kind === 'reviewer' ? voterOf(principal.reviewer) : undefined;
  if (approver !== undefined && voter === undefined) {
    throw new ProblemError('invalid_request', {
      errors: [{ pointer: '/approver', message: 'is for reviewers only', in: 'query' }],
    });
  }
  if (principal.kind === 'agent' && query.proposer !== undefined && query.proposer !== principal.id) {
    return { reviews: [], nextCursor: null };
  }
  const filter: ListFilter = {
    ...(exact as { [K in keyof typeof exact]: NonNullable<(typeof exact)[K]> }),
    ...(principal.kind === 'agent' ? { proposer: principal.id } : {}),
    ...defined({ status: status?.split(','), approverGroups: voter?.groups }),
  };
  const isFor = (row: ReviewRow): boolean => voter === undefined || waitsFor(row, voter);
  // Filters that little fits are walked for: an agent that asks again and again has the turns of one.
  const read: ReadPage = (most, from) =>
    context.lists.run(principalKey(principal), () => context.store.listReviews(filter, most, from));
  const page = await collectPage(read, isFor, limit ?? DEFAULT_LIMIT, cursor);
  return { ...page, reviews: page.reviews.map((row) => redactRowFor(principal, row)) };
}

/** Of a query parameter that names a page. */
export const INVALID_CURSOR = {
  pointer: '/cursor',
  message: 'must be the nextCursor of another page',
  in: 'query',
} as const;

/** Pages that are looked through for one: beyond them a page is shorter than was asked for, and its cursor goes on. */
const MOST_PAGES = 10;

type ReadPage = (limit: number, cursor: string | undefined) => ReturnType<Store['listReviews']>;

async function collectPage(
  read: ReadPage,
  isFor: (row: ReviewRow) => boolean,
  limit: number,
  cursor: string | undefined,
): Promise<ListResponse> {
  const reviews: ReviewRow[] = [];
  let next: string | null | undefined = cursor;
  for (let n = 0; n < MOST_PAGES && next !== null && reviews.length < limit; n += 1) {
    const page = await read(limit - reviews.length, next);
    if (page === undefined) throw new ProblemError('invalid_request', { errors: [INVALID_CURSOR] });
    reviews.push(...page.rows.filter(isFor));
    next = page.nextCursor;
  }
  return { reviews, nextCursor: next ?? null };
}

/** The state as this principal sees it. Throws `not_found`. */
export async function present(
  context: ServiceContext,
  principal: Principal,
  review: Review | undefined,
): Promise<Review> {
  if (review === undefined || !maySee(principal, review)) throw new ProblemError('not_found');
  const shown = redactFor(principal, withShownDigest(review));
  const settings = context.settings.current();
  const shortfall = principal.kind === 'reviewer' ? findShortfall(review, settings.reviewers) : undefined;
  const reasons = explainReasons(settings, review.call, review.reasonCodes);
  return {
    ...shown,
    ...(shortfall === undefined ? {} : { shortfall }),
    ...(reasons.length === 0 ? {} : { reasons: [...reasons] }),
    execution: await tellWhyItWaits(context, shown),
    workflow: shown.workflow && { ...shown.workflow, url: workflowUrl(context, shown.workflow) },
  };
}

/** Its execution, with why an approved call does not run yet: its tool is frozen, or ran as often as it may in an hour. */
export async function tellWhyItWaits(
  { settings, store, clock }: ServiceContext,
  { kind, class: classified, status, call, execution }: Review,
): Promise<Review['execution']> {
  if (kind !== 'call' || execution.status !== 'not_started' || STATUS[status].answer !== 'execution') return execution;
  const inForce = settings.current();
  const freeze = findFreeze(inForce, { tool: call.tool, arguments: call.arguments ?? {} });
  if (freeze !== undefined) {
    const { by, why, at } = freeze === 'configuration' ? { by: null, why: null, at: null } : freeze;
    return { ...execution, frozen: { by, why, at } };
  }
  if (classified !== 'irreversible') return execution;
  const perHour = inForce.limits.irreversiblePerToolPerHour;
  const from = nextClaimAt(await store.nthLastClaim(call.tool, perHour), clock.now());
  return from === null ? execution : { ...execution, limited: { perHour, from } };
}

/**
 * A review that was started but that no worker has classified yet exists in Temporal alone. It is shown as pending,
 * with what the start said about it; whoever can start workflows can write that, so it is not attested.
 */
async function readUnclassified(context: ServiceContext, reviewId: ReviewId): Promise<Review | undefined> {
  const started = await context.gate.describe(reviewId);
  return started === undefined || !started.open ? undefined : unclassified(context, reviewId, started);
}

function unclassified(context: ServiceContext, reviewId: ReviewId, { memo, runId }: StartedReview): Review {
  const call = { service: memo.service, tool: memo.tool, arguments: null, digest: null };
  return {
    reviewId,
    decisionId: decisionIdOf(reviewId),
    deploymentId: context.settings.current().deploymentId,
    kind: 'call',
    status: 'pending',
    class: null,
    gate: null,
    reasonCodes: ['not_yet_classified'],
    call,
    target: null,
    revision: 1,
    revisions: [{ revision: 1, call, submittedAt: memo.proposedAt, by: memo.proposer, decisions: [] }],
    levels: [],
    level: 0,
    separationOfDuties: false,
    policyDigest: null,
    allowedDecisions: [],
    proposer: { id: memo.proposer, owner: null, attested: false },
    reason: null,
    context: {},
    threadId: memo.threadId,
    group: memo.group,
    callback: null,
    evidence: [],
    previewError: null,
    title: null,
    proposedAt: memo.proposedAt,
    expiresAt: null,
    resolvedAt: null,
    resolution: null,
    feedback: null,
    execution: NOT_STARTED,
    workflow: { workflowId: reviewId, runId, url: null },
  };
}

function workflowUrl(context: ServiceContext, workflow: NonNullable<Review['workflow']>): string | null {
  if (context.temporalUi === null) return null;
  const parts = ['namespaces', context.namespace, 'workflows', workflow.workflowId, workflow.runId, 'history'];
  return `${context.temporalUi}/${parts.map(encodeURIComponent).join('/')}`;
}

/** Reviewers and auditors see every review, an agent its own alone; to it others do not exist. */
function maySee(principal: Principal, review: Pick<Review, 'proposer'>): boolean {
  switch (principal.kind) {
    case 'reviewer':
      return true;
    case 'agent':
      return review.proposer.id === principal.id;
    default:
      return principal satisfies never;
  }
}

export function redactFor(principal: Principal, review: Review): Review {
  return principal.kind === 'reviewer' ? review : viewForAgent(review);
}

export function redactRowFor(principal: Principal, row: ReviewRow): ReviewRow {
  return principal.kind === 'reviewer' ? row : viewRowForAgent(row);
}

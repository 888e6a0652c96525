import { z } from 'zod';
import { listQuerySchema, listResponseSchema, queuedSchema, waitQuerySchema } from '../../contract/api.ts';
import { proofFileSchema } from '../../contract/audit.ts';
import { BODY_LIMITS } from '../../contract/constants.ts';
import { revisionRequestSchema } from '../../contract/decision.ts';
import { reviewIdSchema, type ReviewId } from '../../contract/ids.ts';
import { reviewSchema } from '../../contract/review.ts';
import type { Request } from 'express';
import { endpoint, ok, type Endpoint, type Reply } from '../http/endpoint.ts';
import { ProblemError } from '../problem.ts';
import type { Settled } from '../service/types.ts';
import { proof } from '../service/proof.ts';
import { revise, withdraw } from '../service/propose-side.ts';
import { getReview, listReviews } from '../service/read.ts';
import type { ServiceContext } from '../service/context.ts';

const emptySchema = z.strictObject({});

/** 200 and 202 of everything that is signed and sent to a review. */
export const SETTLED_ANSWERS = {
  200: { description: 'Admitted; the state after it', schema: reviewSchema },
  202: { description: 'Queued, does not count yet: no worker has processed it within 2 s', schema: queuedSchema },
} as const;

export function reviewEndpoints(context: ServiceContext): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/reviews',
      tag: 'Reviews',
      summary: 'List reviews by deadline',
      description: 'An agent sees its own. `status` takes several, separated by commas; rows carry no digest.',
      who: 'principal',
      query: listQuerySchema,
      answers: { 200: { description: 'One page', schema: listResponseSchema } },
      problems: ['database_unavailable'],
      handle: async ({ principal, query }) => ok(await listReviews(context, principal, query)),
    }),
    endpoint({
      method: 'get',
      path: '/v1/reviews/{reviewId}',
      tag: 'Reviews',
      summary: 'Full state of a review',
      description: 'With `waitSeconds` (0–60) the answer is held until the review and its execution have ended.',
      who: 'principal',
      query: waitQuerySchema,
      answers: { 200: { description: 'Its state', schema: reviewSchema } },
      problems: ['not_found', 'database_unavailable', 'temporal_unavailable'],
      handle: async ({ principal, query, caller, req }) =>
        ok(
          await getReview(context, principal, reviewIdOf(req), {
            waitSeconds: query.waitSeconds ?? 0,
            signal: caller.signal,
          }),
        ),
    }),
    endpoint({
      method: 'post',
      path: '/v1/reviews/{reviewId}/revision',
      tag: 'Proposing',
      summary: 'Answer a request for changes with other arguments',
      who: 'agent',
      role: 'propose',
      body: revisionRequestSchema,
      answers: SETTLED_ANSWERS,
      problems: [
        'sealed_not_allowed',
        'not_found',
        'expired',
        'already_resolved',
        'not_awaiting_revision',
        'too_many_revisions',
        'digest_mismatch',
        'revision_invalid',
        'worker_unavailable',
        'temporal_unavailable',
        'database_unavailable',
      ],
      handle: async ({ principal, body, caller, req }) =>
        replyOf(await revise(context, principal, reviewIdOf(req), body, caller)),
    }),
    endpoint({
      method: 'post',
      path: '/v1/reviews/{reviewId}/withdraw',
      tag: 'Proposing',
      summary: 'Withdraw a proposal',
      who: 'agent',
      role: 'propose',
      body: emptySchema,
      maxBody: BODY_LIMITS.empty,
      bodyOptional: true,
      answers: SETTLED_ANSWERS,
      problems: [
        'not_found',
        'expired',
        'already_resolved',
        'digest_mismatch',
        'worker_unavailable',
        'temporal_unavailable',
        'database_unavailable',
      ],
      handle: async ({ principal, caller, req }) =>
        replyOf(await withdraw(context, principal, reviewIdOf(req), caller)),
    }),
    endpoint({
      method: 'get',
      path: '/v1/reviews/{reviewId}/proof',
      tag: 'Audit',
      summary: 'Portable proof of a review',
      description: 'One file, which `holdpoint audit verify --proof` verifies offline.',
      who: 'reviewer',
      answers: { 200: { description: 'The proof', schema: proofFileSchema } },
      problems: ['not_found', 'worker_unavailable', 'database_unavailable'],
      handle: async ({ caller, req }) => ({
        status: 200,
        // As it was hashed: exact numbers stay the objects that the digests cover.
        text: JSON.stringify(await proof(context, reviewIdOf(req), caller.signal)),
        contentType: 'application/json; charset=utf-8',
      }),
    }),
  ];
}

/** What is not an id of ours names no review. */
export function reviewIdOf(req: Request): ReviewId {
  const parsed = reviewIdSchema.safeParse(req.params['reviewId']);
  if (!parsed.success)
    throw new ProblemError('not_found', { detail: 'Not found: a review id is rev_ and a ULID of 26 characters.' });
  return parsed.data;
}

export function replyOf(settled: Settled): Reply {
  return { status: settled.httpStatus, json: settled.httpStatus === 200 ? settled.review : settled.queued };
}

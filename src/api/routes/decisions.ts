import { CHANNEL_HEADER } from '../http/auth.ts';
import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import { countDecision, type ApiMetrics } from '../http/metrics.ts';
import { replyOf, reviewIdOf, SETTLED_ANSWERS } from './reviews.ts';
import type { ServiceContext } from '../service/context.ts';
import { decide, decideMany, reconcile } from '../service/decide.ts';
import { BODY_LIMITS } from '../../contract/constants.ts';
import {
  decisionRequestSchema,
  decisionsRequestSchema,
  decisionsResponseSchema,
  reconcileRequestSchema,
} from '../../contract/decision.ts';

const CHANNEL = {
  [CHANNEL_HEADER]: {
    description: 'Where the decision was made, as a label in the record.',
    schema: { type: 'string', enum: ['api', 'cli'] },
  },
} as const;

/** An edit holds the arguments of a whole call, and a response may be as long. */
function carriesCall(body: unknown): boolean {
  return typeof body === 'object' && body !== null && ('arguments' in body || 'response' in body);
}

export function decisionEndpoints(context: ServiceContext, metrics: ApiMetrics): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/reviews/{reviewId}/decision',
      tag: 'Deciding',
      summary: 'Decide on exactly the digest that was shown',
      who: 'reviewer',
      role: 'review',
      headers: CHANNEL,
      description: 'A body of more than 32 KiB must contain `arguments` or `response`.',
      body: decisionRequestSchema,
      maxBody: BODY_LIMITS.comment,
      mayExceed: carriesCall,
      answers: SETTLED_ANSWERS,
      problems: [
        'sealed_not_allowed',
        'not_an_approver',
        'self_approval',
        'not_found',
        'expired',
        'already_resolved',
        'already_started',
        'already_voted',
        'digest_mismatch',
        'too_many_revisions',
        'edit_invalid',
        'comment_required',
        'repeat_not_confirmed',
        'response_required',
        'decision_not_allowed',
        'objection_unreadable',
        'temporal_unavailable',
        'database_unavailable',
      ],
      handle: async ({ principal, body, caller, req }) =>
        replyOf(
          await countDecision(metrics, body.type, () => decide(context, principal, reviewIdOf(req), body, caller)),
        ),
    }),
    endpoint({
      method: 'post',
      path: '/v1/decisions',
      tag: 'Deciding',
      summary: 'Several decisions in one request',
      description: 'Each is independent and carries its own digest; several on one review are processed in order.',
      who: 'reviewer',
      role: 'review',
      headers: CHANNEL,
      body: decisionsRequestSchema,
      cost: (body) => body.decisions.length,
      answers: { 200: { description: 'One result per decision, in order', schema: decisionsResponseSchema } },
      problems: [],
      async handle({ principal, body, caller }) {
        const { decisions } = body;
        const results = await decideMany(context, principal, decisions, caller);
        for (const [index, { httpStatus, code }] of results.entries()) {
          const result = code ?? (httpStatus === 200 ? 'accepted' : 'queued');
          metrics.decisions.inc({ type: decisions[index]?.type ?? 'approve', result });
        }
        return ok({ results });
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/reviews/{reviewId}/reconcile',
      tag: 'Deciding',
      summary: 'Settle an unknown outcome with what a person found out',
      who: 'reviewer',
      role: 'review',
      headers: CHANNEL,
      body: reconcileRequestSchema,
      maxBody: BODY_LIMITS.comment,
      answers: SETTLED_ANSWERS,
      problems: [
        'not_an_approver',
        'self_approval',
        'not_found',
        'not_reconcilable',
        'digest_mismatch',
        'temporal_unavailable',
        'database_unavailable',
      ],
      handle: async ({ principal, body, caller, req }) =>
        replyOf(
          await countDecision(metrics, 'reconcile', () => reconcile(context, principal, reviewIdOf(req), body, caller)),
        ),
    }),
  ];
}

import { BODY_LIMITS } from '../../contract/constants.ts';
import {
  freezeAnswerSchema,
  freezeIdSchema,
  freezeListSchema,
  freezeRequestSchema,
  freezeViewSchema,
  liftRequestSchema,
} from '../../contract/freeze.ts';
import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from '../service/context.ts';
import { freezeTools, liftFreeze, listFreezes } from '../service/freeze.ts';

export function freezeEndpoints(context: ServiceContext): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/freezes',
      tag: 'Freezes',
      summary: 'Stop tools at once',
      description:
        'For operators. New calls are BLOCKED `frozen`, approved ones wait until the freeze is lifted. In force when it is ' +
        'answered, for every worker, with or without Temporal.',
      who: 'reviewer',
      role: 'review',
      body: freezeRequestSchema,
      maxBody: BODY_LIMITS.comment,
      answers: { 201: { description: 'The tools are frozen', schema: freezeAnswerSchema } },
      problems: ['not_an_operator', 'database_unavailable'],
      handle: async ({ principal, body }) => ({ status: 201, json: await freezeTools(context, principal, body) }),
    }),
    endpoint({
      method: 'get',
      path: '/v1/freezes',
      tag: 'Freezes',
      summary: 'What is frozen, by whom and why',
      description: 'Those that stand, and the latest that were lifted.',
      who: 'reviewer',
      answers: { 200: { description: 'The newest first', schema: freezeListSchema } },
      problems: ['database_unavailable'],
      handle: async ({ principal }) => ok(await listFreezes(context, principal)),
    }),
    endpoint({
      method: 'post',
      path: '/v1/freezes/{freezeId}/lift',
      tag: 'Freezes',
      summary: 'Lift a freeze',
      description: 'For operators. The execute worker verifies the lift; approved calls then run.',
      who: 'reviewer',
      role: 'review',
      body: liftRequestSchema,
      maxBody: BODY_LIMITS.comment,
      answers: {
        200: { description: 'Lifted', schema: freezeViewSchema },
        202: { description: 'Stored, and no execute worker has looked at it yet', schema: freezeViewSchema },
      },
      problems: ['not_an_operator', 'second_person_required', 'not_found', 'already_lifted', 'database_unavailable'],
      handle: async ({ principal, body, caller, req }) => {
        const { success, data } = freezeIdSchema.safeParse(req.params['freezeId']);
        if (!success) throw new ProblemError('not_found');
        const freeze = await liftFreeze(context, principal, data, body, caller);
        return { status: freeze.lifted === null ? 202 : 200, json: freeze };
      },
    }),
  ];
}

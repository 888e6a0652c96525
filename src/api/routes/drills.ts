import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import { reviewIdOf } from './reviews.ts';
import type { ServiceContext } from '../service/context.ts';
import { readDrillReport, startDrill } from '../service/drill.ts';
import { BODY_LIMITS } from '../../contract/constants.ts';
import { drillReportSchema, drillRequestSchema, drillStartedSchema } from '../../contract/drill.ts';

export function drillEndpoints(context: ServiceContext): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/drills',
      tag: 'Drills',
      summary: 'Ask everyone in a group to answer, to see whether messages reach them',
      description:
        'Sends a review that is marked as a drill through every channel. Nothing can run from it. Started by operators, or, ' +
        'where the configuration names none, by reviewers of the group; once an hour for each group.',
      who: 'reviewer',
      role: 'review',
      body: drillRequestSchema,
      maxBody: BODY_LIMITS.comment,
      answers: { 202: { description: 'The drill, and who is asked', schema: drillStartedSchema } },
      problems: ['forbidden', 'rate_limited', 'temporal_unavailable', 'database_unavailable'],
      handle: async ({ principal, body, caller }) => ({
        status: 202,
        json: await startDrill(context, principal, body, caller),
      }),
    }),
    endpoint({
      method: 'get',
      path: '/v1/drills/{reviewId}',
      tag: 'Drills',
      summary: 'Who was told of a drill, by which channel, and who answered',
      who: 'reviewer',
      answers: { 200: { description: 'As it stands now', schema: drillReportSchema } },
      problems: ['not_found', 'database_unavailable'],
      handle: async ({ principal, req }) => ok(await readDrillReport(context, principal, reviewIdOf(req))),
    }),
  ];
}

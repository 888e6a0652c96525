import type { Request, Response } from 'express';
import { endpoint, type Endpoint, type Reply } from '../http/endpoint.ts';
import { type StreamSlots, pipeEvents } from '../http/sse.ts';
import { principalKey, type Principal } from '../principal.ts';
import { invalidHeader } from '../http/body.ts';
import type { Streamed } from '../service/types.ts';
import type { Review, ReviewRow } from '../../contract/review.ts';
import { reviewIdOf } from './reviews.ts';
import type { ServiceContext } from '../service/context.ts';
import { streamAll, streamReview } from '../service/stream.ts';

const LAST_EVENT_ID = {
  'Last-Event-ID': {
    description: 'Resume after this event.',
    schema: { type: 'string', pattern: '^[0-9]{1,15}$' },
  },
} as const;

interface EventsDeps extends ServiceContext {
  readonly slots: StreamSlots;
  /** Whether the principal's credential still holds; a stream outlives the request that opened it. */
  readonly isInForce: (principal: Principal) => Promise<boolean>;
}

export function eventEndpoints(deps: EventsDeps): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/reviews/{reviewId}/events',
      tag: 'Reviews',
      summary: 'Changes of one review as server-sent events',
      description:
        '`id` is the audit index, `event` is `review`, `data` the full state. Closes after the final state; reconnecting after that with its id gets 204.',
      who: 'principal',
      headers: LAST_EVENT_ID,
      answers: {
        200: { description: 'The stream', contentType: 'text/event-stream' },
        204: { description: 'Final, and already seen' },
      },
      problems: ['invalid_request', 'not_found', 'database_unavailable', 'temporal_unavailable'],
      handle: ({ principal, caller, req, res }) =>
        stream(
          deps,
          principal,
          res,
          (signal) => streamReview(deps, principal, reviewIdOf(req), resumeAfter(req), signal),
          caller.signal,
        ),
    }),
    endpoint({
      method: 'get',
      path: '/v1/events',
      tag: 'Reviews',
      summary: 'Changes of all visible reviews, as server-sent events',
      description:
        '`data` is a row of the list. Without `Last-Event-ID` it starts with changes from now on; with it, with every review that has changed since, once and in its current state. An agent of which more than 1,000 reviews have changed since gets 410 and reads the list.',
      who: 'principal',
      headers: LAST_EVENT_ID,
      answers: { 200: { description: 'The stream', contentType: 'text/event-stream' } },
      problems: ['invalid_request', 'resume_too_old', 'database_unavailable'],
      handle: ({ principal, caller, scan, req, res }) =>
        stream(deps, principal, res, () => streamAll(deps, principal, resumeAfter(req), scan('wait')), caller.signal),
    }),
  ];
}

async function stream(
  { slots, isInForce }: EventsDeps,
  principal: Principal,
  res: Response,
  open: (signal: AbortSignal) => Promise<AsyncGenerator<Streamed<Review> | Streamed<ReviewRow>> | undefined>,
  signal: AbortSignal,
): Promise<Reply> {
  return slots.hold(principalKey(principal), async (): Promise<Reply> => {
    const events = await open(signal);
    if (events === undefined) return { status: 204 };
    if (res.req.method === 'HEAD')
      return { status: 200, headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } };
    await pipeEvents(res, events, () => isInForce(principal), signal);
    return undefined;
  });
}

function resumeAfter(req: Request): number | undefined {
  const id = req.get('last-event-id');
  if (id === undefined || id === '') return undefined;
  if (!/^[0-9]{1,15}$/.test(id))
    throw invalidHeader('Last-Event-ID', 'must be the id of an event of this stream: a whole number');
  return Number(id);
}

import type { Request, Response } from 'express';
import { BODY_LIMITS } from '../../contract/constants.ts';
import { readRaw } from '../http/body.ts';
import { endpoint, type Endpoint } from '../http/endpoint.ts';
import type { ApiMetrics } from '../http/metrics.ts';
import { ProblemError } from '../problem.ts';
import { answerTo, decideByPress, replacementFor, type PressResult } from '../slack/decide.ts';
import { readInteraction, type Press, readSlackClaim, useSignature, verifySlackRequest } from '../slack/interaction.ts';
import type { ServiceContext } from '../service/context.ts';
import type { Caller } from '../service/types.ts';

/** Sends an answer to the `response_url` of an interaction; true where Slack took it. */
export type AnswerSlack = (url: string, body: Readonly<Record<string, unknown>>) => Promise<boolean>;

interface SlackEndpointDeps extends ServiceContext {
  /** The signing secret of the app now; undefined: there is none, or it cannot be read. */
  readonly signingSecret: () => string | undefined;
  readonly answer: AnswerSlack;
  readonly metrics: ApiMetrics;
}

/**
 * Where Slack sends the presses of buttons (“Interactivity” in the settings of the app). Slack wants an answer within
 * 3 seconds and shows an error otherwise, so the press is acknowledged first and what came of it is sent afterwards
 * (https://docs.slack.dev/interactivity/handling-user-interaction).
 */
export function slackEndpoints(deps: SlackEndpointDeps): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/slack/interactions',
      tag: 'Deciding',
      summary: 'Buttons of Slack messages; signed by Slack',
      who: 'public',
      role: 'review',
      answers: { 200: { description: 'Acknowledged; the result is sent to the person' } },
      problems: [
        'not_found',
        'unauthenticated',
        'unsupported_media_type',
        'payload_too_large',
        'invalid_request',
        'database_unavailable',
      ],
      async handle({ req, res, caller }) {
        const body = await readVerified(deps, req, res);
        const interaction = readInteraction(body);
        if (interaction.kind === 'invalid')
          throw new ProblemError('invalid_request', { detail: 'This is not an interaction as Slack sends it.' });
        // The signal of the caller ends with the acknowledgement; the decision goes on.
        const own: Caller = { ...caller, signal: AbortSignal.timeout(30_000) };
        if (interaction.kind === 'press') void carryOut(deps, interaction.press, own);
        return { status: 200 };
      },
    }),
  ];
}

/** The body, once it is known to come from Slack, to be fresh, and not to have been here before. */
async function readVerified(deps: SlackEndpointDeps, req: Request, res: Response): Promise<Buffer> {
  const secret = deps.signingSecret();
  if (secret === undefined) throw new ProblemError('not_found');
  const now = deps.clock.now();
  const claim = readSlackClaim(req.get('x-slack-signature'), req.get('x-slack-request-timestamp'), now);
  const body = claim && (await readRaw(req, res, { limit: BODY_LIMITS.slack }));
  if (claim === undefined || body === undefined || !verifySlackRequest(claim, body, secret)) {
    throw new ProblemError('unauthenticated', { detail: 'The request is not signed by Slack, or too old.' });
  }
  if (!(await useSignature(deps.store.sessions, claim.signature, now))) {
    throw new ProblemError('unauthenticated', { detail: 'The request was already used.' });
  }
  return body;
}

async function carryOut(deps: SlackEndpointDeps, press: Press, caller: Caller): Promise<void> {
  const { decision } = press;
  let result: PressResult;
  try {
    result = await decideByPress(deps, press, caller);
  } catch (error) {
    deps.log.error({ err: error }, 'a decision from Slack failed');
    result = { kind: 'refused', code: 'internal', review: undefined };
  }
  deps.metrics.decisions.inc({ type: decision, result: labelOf(result) });
  if (press.responseUrl === undefined) return;
  const replacement = await replacementFor(result, deps, caller.baseUrl).catch(() => undefined);
  const bodies = [
    { response_type: 'ephemeral', replace_original: false, text: answerTo(result, caller.baseUrl) },
    ...(replacement === undefined ? [] : [{ replace_original: true, ...replacement }]),
  ];
  for (const body of bodies) {
    const taken = await deps.answer(press.responseUrl, body).catch(() => false);
    if (!taken) deps.log.warn({ reviewId: press.reviewId }, 'Slack did not accept the answer to a decision');
  }
}

function labelOf(result: PressResult): string {
  switch (result.kind) {
    case 'decided':
      return 'accepted';
    case 'queued':
      return 'queued';
    case 'refused':
      return result.code;
    default:
      return result satisfies never;
  }
}

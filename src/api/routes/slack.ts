import express from 'express';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { endpoint, type Endpoint } from '../http/endpoint.ts';
import type { Store } from '../../contract/store.ts';
import type { ApiMetrics } from '../http/metrics.ts';
import { ProblemError } from '../problem.ts';
import { answerTo, decideByPress, replacementFor, type PressDeps, type PressResult } from '../slack/decide.ts';
import { readInteraction, type Press } from '../slack/interaction.ts';
import { useSignature, verifySlackRequest } from '../slack/signature.ts';
import type { Caller } from '../service/types.ts';

/** Sends an answer to the `response_url` of an interaction; true where Slack took it. */
export type AnswerSlack = (url: string, body: Readonly<Record<string, unknown>>) => Promise<boolean>;

export interface SlackEndpointDeps extends PressDeps {
  /** The signing secret of the app now; undefined: there is none, or it cannot be read. */
  readonly store: Pick<Store, 'readReview' | 'readRecord' | 'sessions'>;
  readonly signingSecret: () => string | undefined;
  readonly answer: AnswerSlack;
  readonly metrics: ApiMetrics;
  readonly log: Logger;
}

/** A payload repeats the message, which is far below this. */
const read = express.raw({ type: () => true, limit: 256 * 1024, inflate: false });

/**
 * Where Slack sends the presses of buttons (“Interactivity” in the settings of the app). Slack wants an answer within
 * 3 seconds and shows an error otherwise, so the press is acknowledged first and what came of it is sent afterwards
 * (https://docs.slack.dev/interactivity/handling-user-interaction).
 */
export function slackEndpoints(deps: SlackEndpointDeps): Endpoint[] {
  return [
    endpoint<'public'>({
      method: 'post',
      path: '/v1/slack/interactions',
      tag: 'Deciding',
      summary: 'Buttons of Slack messages; signed by Slack',
      who: 'public',
      role: 'review',
      answers: { 200: { description: 'Acknowledged; what came of it is sent to the person' } },
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
        if (interaction.kind === 'invalid') throw new ProblemError('invalid_request');
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
  await new Promise<void>((resolve, reject) => {
    read(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error as Error)));
  });
  const body: unknown = req.body;
  const now = deps.clock.now();
  const signature = req.get('x-slack-signature');
  const timestamp = req.get('x-slack-request-timestamp');
  if (!Buffer.isBuffer(body) || !verifySlackRequest({ signature, timestamp, body }, secret, now)) {
    throw new ProblemError('unauthenticated', { detail: 'The request is not signed by Slack, or not fresh.' });
  }
  if (!(await useSignature(deps.store.sessions, signature as string, now))) {
    throw new ProblemError('unauthenticated', { detail: 'The request was sent before.' });
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
    if (!taken) deps.log.warn({ reviewId: press.reviewId }, 'Slack did not take the answer to a decision');
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

import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { isSameSecret } from '../http/auth.ts';
import { isoOf } from '../../domain/deadline.ts';
import type { SessionStore } from '../../ports/sessions.ts';
import { COMMENT, decisionOf, readButtonValue, type SlackDecision } from '../../domain/slack/message.ts';

/** What we read of a `block_actions` payload (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload). */
const payloadSchema = z.object({
  type: z.string(),
  user: z.object({ id: z.string(), team_id: z.string().optional() }).optional(),
  team: z.object({ id: z.string(), enterprise_id: z.string().optional() }).nullable().optional(),
  enterprise: z.object({ id: z.string() }).nullable().optional(),
  response_url: z.string().optional(),
  state: z
    .object({
      values: z.record(z.string(), z.record(z.string(), z.object({ value: z.string().nullable().optional() }))),
    })
    .optional(),
  actions: z.array(z.object({ action_id: z.string(), value: z.string().optional() })).optional(),
});

/** Somebody in Slack who pressed a button of ours. */
export interface Press {
  readonly user: string;
  /** Of the person, on Enterprise Grid their organization (`E…`); a shared channel has people of others. */
  readonly userTeam: string | undefined;
  /** Where the app is installed: a team, and the organization that it is part of. */
  readonly homes: readonly string[];
  readonly decision: SlackDecision;
  readonly reviewId: string;
  readonly digest: string;
  readonly comment: string;
  readonly responseUrl: string | undefined;
}

/** `ignored`: an interaction that decides nothing (a link button, another of the app's own). */
export type Interaction = { readonly kind: 'press'; readonly press: Press } | { readonly kind: 'ignored' | 'invalid' };

/** Reads the form that Slack posts: one field, `payload`, holding JSON. The signature must have been checked. */
export function readInteraction(body: Buffer): Interaction {
  const parsed = payloadSchema.safeParse(parse(new URLSearchParams(body.toString('utf8')).get('payload')));
  if (!parsed.success) return { kind: 'invalid' };
  const { type, user, team, enterprise, actions = [], state, response_url: responseUrl } = parsed.data;
  const [action] = actions;
  const decision = action === undefined ? undefined : decisionOf(action.action_id);
  if (type !== 'block_actions' || action === undefined || decision === undefined) return { kind: 'ignored' };
  const bound = readButtonValue(action.value ?? '');
  if (user === undefined || bound === undefined) return { kind: 'invalid' };
  const comment = state?.values[COMMENT.block]?.[COMMENT.action]?.value ?? '';
  return {
    kind: 'press',
    press: {
      user: user.id,
      userTeam: user.team_id,
      homes: [team?.id, team?.enterprise_id, enterprise?.id].filter((id) => id !== undefined),
      decision,
      reviewId: bound.review,
      digest: bound.digest,
      comment: comment.trim(),
      responseUrl: isSlackUrl(responseUrl) ? responseUrl : undefined,
    },
  };
}

/** Answers go to Slack alone, whatever a payload says. */
function isSlackUrl(url: string | undefined): boolean {
  return url !== undefined && URL.canParse(url) && new URL(url).origin === 'https://hooks.slack.com';
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Older, or further ahead, than this many seconds is refused: what was recorded cannot be sent again later. */
const GOOD_FOR_SECONDS = 300;

/** What the headers of a request say about its signature. */
interface SlackClaim {
  readonly signature: string;
  /** In seconds. */
  readonly timestamp: string;
}

/**
 * Reads `X-Slack-Signature` and `X-Slack-Request-Timestamp`. Undefined where no body could make them good: a request
 * without a signature, or with an old one, is refused before its body is read. `now`: epoch ms.
 */
export function readSlackClaim(
  signature: string | undefined,
  timestamp: string | undefined,
  now: number,
): SlackClaim | undefined {
  if (signature === undefined || !/^v0=[0-9a-f]{64}$/.test(signature)) return undefined;
  if (timestamp === undefined || !/^[0-9]{1,12}$/.test(timestamp)) return undefined;
  if (Math.abs(now / 1_000 - Number(timestamp)) > GOOD_FOR_SECONDS) return undefined;
  return { signature, timestamp };
}

/**
 * Whether Slack sent this body, with the signing secret of the app: `v0=` and the HMAC-SHA256 of `v0:<timestamp>:<body>`
 * (https://docs.slack.dev/authentication/verifying-requests-from-slack). `body`: as it came, byte by byte; parsing it first
 * would verify something else.
 */
export function verifySlackRequest({ signature, timestamp }: SlackClaim, body: Buffer, secret: string): boolean {
  if (secret === '') return false;
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
  return isSameSecret(Buffer.from(signature), Buffer.from(`v0=${mac}`));
}

/** That a signature was used is remembered for longer than it would verify: clocks of api processes differ. */
const REMEMBERED_MS = 2 * GOOD_FOR_SECONDS * 1_000 + 3_600_000;

/**
 * True for the first request with this signature, over all api processes and their restarts. Throws where the database
 * cannot say so: what may have been here before is not taken. `now`: epoch ms.
 */
export function useSignature(store: Pick<SessionStore, 'useOnce'>, signature: string, now: number): Promise<boolean> {
  return store.useOnce(`slack:${signature}`, isoOf(now + REMEMBERED_MS), isoOf(now));
}

import { z } from 'zod';
import { COMMENT, decisionOf, readButtonValue, type SlackDecision } from '../../domain/slack/button.ts';

/** What we read of a `block_actions` payload (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload). */
const payloadSchema = z.object({
  type: z.string(),
  user: z.object({ id: z.string(), team_id: z.string().optional() }).optional(),
  team: z.object({ id: z.string() }).nullable().optional(),
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
  /** Of the person; a shared channel has people of other teams. */
  readonly userTeam: string | undefined;
  /** Where the app is installed. */
  readonly team: string | undefined;
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
  const { type, user, team, actions = [], state, response_url: responseUrl } = parsed.data;
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
      team: team?.id,
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

import { z } from 'zod';
import { digestSchema } from '../../contract/json.ts';
import { reviewIdSchema } from '../../contract/ids.ts';

/** Decisions that a button can be; an edit needs a form, an answer to a question needs its words. */
export const SLACK_DECISIONS = ['approve', 'reject', 'revise'] as const;
export type SlackDecision = (typeof SLACK_DECISIONS)[number];

/** Ids of the parts of a message that come back in an interaction. */
export const COMMENT = { block: 'holdpoint_comment', action: 'holdpoint_comment' } as const;
const DECIDE = 'holdpoint_decide_';
export const OPEN_ACTION = 'holdpoint_open';

export function actionOf(decision: SlackDecision): string {
  return `${DECIDE}${decision}`;
}

/** Undefined: none of ours decides by this id. */
export function decisionOf(actionId: string): SlackDecision | undefined {
  return SLACK_DECISIONS.find((decision) => actionOf(decision) === actionId);
}

const valueSchema = z.strictObject({ review: reviewIdSchema, digest: digestSchema });

/** What a button is bound to: one version of one review. Comes back as it is; Slack takes at most 2,000 characters. */
export function writeButtonValue(value: z.infer<typeof valueSchema>): string {
  return JSON.stringify(value);
}

export function readButtonValue(text: string): z.infer<typeof valueSchema> | undefined {
  try {
    return valueSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

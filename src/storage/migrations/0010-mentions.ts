/** Whom a message to others, a Slack channel, calls by name, and when: it counts as told for each of them. */
export const mentions = `
ALTER TABLE holdpoint.deliveries ADD COLUMN mentioned text[], ADD COLUMN mentioned_at timestamptz;
CREATE INDEX deliveries_mentioned ON holdpoint.deliveries (mentioned_at) WHERE mentioned_at IS NOT NULL;
`;

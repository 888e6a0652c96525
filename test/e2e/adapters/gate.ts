import { Holdpoint, type DecisionRequest, type Review } from '../../../src/client/index.ts';
import { until, type World } from '../../support/e2e-world.ts';

/** What an adapter's test does: its agent's client, and a reviewer who decides. */
export interface Gate {
  readonly agent: Holdpoint;
  /** The review that waits for a decision on a call with this argument. */
  pending(name: string, value: string): Promise<Review>;
  decide(review: Review, decision: Partial<DecisionRequest>): Promise<void>;
  /** Calls that reached the target. */
  made(ref: string): number;
  /** Proposals with this `ref`, whatever became of them. */
  proposed(ref: string): Promise<number>;
}

export const PAY = {
  type: 'object',
  properties: { ref: { type: 'string' }, amount: { type: 'integer' } },
  required: ['ref', 'amount'],
  additionalProperties: false,
} as const;
export const READ = {
  type: 'object',
  properties: { ref: { type: 'string' } },
  required: ['ref'],
  additionalProperties: false,
} as const;

export function gateOf(world: World): Gate {
  const client = (id: 'agent-1' | 'ops-1') =>
    new Holdpoint({ url: world.holdpoint.url, apiKey: world.deployment.credentials[id] });
  const [agent, reviewer] = [client('agent-1'), client('ops-1')];
  const all = async (status?: 'pending'): Promise<readonly Review[]> => {
    const found: Review[] = [];
    for await (const row of reviewer.reviews.listAll(status === undefined ? {} : { status })) {
      found.push(await reviewer.reviews.get(row.reviewId));
    }
    return found;
  };
  return {
    agent,
    pending: (name, value) =>
      until(
        async () => (await all('pending')).find(({ call }) => call.arguments?.[name] === value && call.digest !== null),
        { what: `a review of ${value}`, withinMs: 120_000 },
      ),
    decide: async ({ reviewId }, decision) => {
      const { status, body } = await world.decide(reviewId, decision);
      if (status !== 200) throw new Error(`${reviewId}: ${status} ${JSON.stringify(body)}`);
    },
    made: (ref) => world.target.count(ref),
    proposed: async (ref) => (await all()).filter(({ call }) => call.arguments?.['ref'] === ref).length,
  };
}

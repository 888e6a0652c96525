import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { HumanInterrupt as TheirInterrupt, HumanResponse as TheirResponse } from '@langchain/langgraph/prebuilt';
import {
  fromHumanResponse,
  toHumanInterrupt,
  type HumanInterrupt,
  type HumanResponse,
} from '../../src/client/adapters/agent-inbox.ts';
import { Holdpoint, type Review } from '../../src/client/index.ts';
import { makeHarness, type Harness } from './support/harness.ts';

// Pending reviews of the real api as Agent Inbox shows them, and what its users answer.
let api: Harness;
let review: Review;
const args = { account: 'a-1', amount: 100 };
beforeAll(async () => {
  api = await makeHarness();
  review = await api.propose({ arguments: args, reason: 'Ticket 7' });
});
afterAll(() => api.close());

const reviewer = () => new Holdpoint({ url: api.url, apiKey: api.credential('ops-1') });
const code = (name: string) => expect.objectContaining({ code: name });
/** A call with one value of each kind. */
const typed = (): Review => ({
  ...review,
  call: {
    ...review.call,
    arguments: { n: 1, b: true, s: '5', o: { deep: [1, 'x'] }, l: [1], nothing: null, none: null },
  },
});
const edit = (values: Record<string, unknown>, action = 'payouts.create'): HumanResponse =>
  ({ type: 'edit', args: { action, args: values } }) as HumanResponse;

test('a pending review as a HumanInterrupt', () => {
  expect(toHumanInterrupt(review)).toMatchObject({
    action_request: { action: 'payouts.create', args },
    config: { allow_accept: true, allow_edit: true, allow_respond: true, allow_ignore: true },
  });
  expect(toHumanInterrupt(review).description).toContain(review.call.digest);
  expectTypeOf(toHumanInterrupt(review)).toExtend<HumanInterrupt>();
  type Loose<T> = { -readonly [K in keyof T]: T[K] extends object ? Loose<T[K]> : T[K] };
  expectTypeOf<Loose<HumanInterrupt>>().toExtend<TheirInterrupt>();
  expectTypeOf<HumanResponse['type']>().toEqualTypeOf<TheirResponse['type']>();
});

describe('responses', () => {
  test('accept, response and ignore', () => {
    const { digest } = review.call;
    expect(fromHumanResponse(review, [{ type: 'accept', args: null }])).toEqual({ type: 'approve', digest });
    const words: HumanResponse = { type: 'response', args: 'Less' };
    expect(fromHumanResponse(review, words)).toEqual({ type: 'revise', digest, comment: 'Less' });
    expect(fromHumanResponse({ ...review, allowedDecisions: ['approve', 'respond'] }, words)).toEqual({
      type: 'respond',
      digest,
      response: 'Less',
    });
    expect(fromHumanResponse(review, { type: 'ignore', args: null })).toBeNull();
  });

  test('an edit keeps JSON types although every value came back as text', () => {
    const changed = edit({
      n: '2',
      b: 'false',
      s: '6',
      o: '{"deep":[2]}',
      l: '[]',
      nothing: 'null',
      none: 'x',
      fresh: 'new',
    });
    expect(fromHumanResponse(typed(), changed)).toMatchObject({
      type: 'edit',
      arguments: { n: 2, b: false, s: '6', o: { deep: [2] }, l: [], nothing: null, none: 'x', fresh: 'new' },
    });
    expect(fromHumanResponse(typed(), edit({ n: 3, b: true }))).toMatchObject({ arguments: { n: 3, b: true } });
  });

  test.each([
    ['text where a number was', edit({ n: 'two' }), 'value_unreadable'],
    ['an array where an object was', edit({ o: '[]' }), 'value_unreadable'],
    ['another tool', edit(args, 'payouts.get'), 'tool_changed'],
    ['an edit without arguments', { type: 'edit', args: null } as HumanResponse, 'value_unreadable'],
  ])('%s is refused', (_name, response, refusal) => {
    expect(() => fromHumanResponse(typed(), response)).toThrow(code(refusal));
  });

  test('what the review does not allow is refused, never turned into something else', () => {
    const accept: HumanResponse = { type: 'accept', args: null };
    expect(() => fromHumanResponse({ ...review, allowedDecisions: [] }, accept)).toThrow(code('not_allowed'));
    expect(() => fromHumanResponse(review, [accept, accept])).toThrow(code('not_allowed'));
    expect(() => fromHumanResponse(review, [])).toThrow(code('not_allowed'));
    const unclassified = { ...review, call: { ...review.call, digest: null } };
    expect(() => fromHumanResponse(unclassified, accept)).toThrow(code('not_allowed'));
  });
});

test('a decision made from a response counts with a reviewer’s token, and never with the agent’s', async () => {
  const decision = fromHumanResponse(review, { type: 'response', args: 'Less' });
  if (decision === null) throw new Error('no decision');
  const agent = new Holdpoint({ url: api.url, apiKey: api.credential('agent-1') });
  await expect(agent.reviews.decide(review.reviewId, decision)).rejects.toMatchObject({ code: 'forbidden' });
  const result = await reviewer().reviews.decide(review.reviewId, decision);
  expect(result).toMatchObject({ admitted: true, review: { status: 'changes_requested' } });
});

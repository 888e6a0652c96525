import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { HITLResponse as TheirHITLResponse } from 'langchain';
import type { HumanInterrupt as TheirInterrupt, HumanResponse as TheirResponse } from '@langchain/langgraph/prebuilt';
import {
  fromHITLResponse,
  fromHumanResponse,
  listHumanInterrupts,
  toHumanInterrupt,
  type HITLResponse,
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
  expect(toHumanInterrupt(review).description).toContain('Pay 100 to "a-1"');
  expectTypeOf(toHumanInterrupt(review)).toExtend<HumanInterrupt>();
  type Loose<T> = { -readonly [K in keyof T]: T[K] extends object ? Loose<T[K]> : T[K] };
  expectTypeOf<Loose<HumanInterrupt>>().toExtend<TheirInterrupt>();
  expectTypeOf<HumanResponse['type']>().toEqualTypeOf<TheirResponse['type']>();
});

test('I1: a yes that would make the call a second time is said to', () => {
  const equal = (mustConfirm: boolean) =>
    ({ ...review, related: [{ reviewId: 'rev_other', relation: 'equal', mustConfirm }] }) as unknown as Review;
  expect(toHumanInterrupt(equal(true)).description).toContain('(rev_other). A yes has to name it in `repeats`.');
  expect(toHumanInterrupt(equal(false)).description).not.toContain('rev_other');
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
      constructor: 'x',
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
    ['a number that would be rounded', edit({ n: '0.12345678901234567890' }), 'value_unreadable'],
    ['a number beyond 2^53 inside a value', edit({ o: '{"deep":[9007199254740993]}' }), 'value_unreadable'],
    ['another tool', edit(args, 'payouts.get'), 'tool_changed'],
    ['an edit without arguments', { type: 'edit', args: null } as HumanResponse, 'response_invalid'],
    ['words that are none', { type: 'response', args: null } as HumanResponse, 'response_invalid'],
    ['a type that there is not', { type: 'approve' } as never, 'response_invalid'],
    ['text', 'accept' as never, 'response_invalid'],
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

describe('answers to LangChain’s human-in-the-loop', () => {
  const digest = () => review.call.digest;
  const edited = (name: string): HITLResponse => ({
    decisions: [{ type: 'edit', editedAction: { name, args: { ...args, amount: 7 } } }],
  });

  test('approve, reject with or without words, edit under any of the names of the tool', () => {
    const of = (response: HITLResponse) => fromHITLResponse(review, response);
    expect(of({ decisions: [{ type: 'approve' }] })).toEqual({ type: 'approve', digest: digest() });
    expect(of({ decisions: [{ type: 'reject' }] })).toEqual({ type: 'reject', digest: digest() });
    const words = { type: 'reject', digest: digest(), comment: 'Too early' };
    expect(of({ decisions: [{ type: 'reject', message: 'Too early' }] })).toEqual(words);
    const edit = { type: 'edit', digest: digest(), arguments: { ...args, amount: 7 } };
    expect(of(edited('payouts_create'))).toEqual(edit);
    expect(of(edited('payouts.create'))).toEqual(edit);
    expect(fromHITLResponse(review, edited('pay'), { name: 'pay' })).toEqual(edit);
    type Loose<T> = { -readonly [K in keyof T]: T[K] extends object ? Loose<T[K]> : T[K] };
    expectTypeOf<TheirHITLResponse>().toExtend<Loose<HITLResponse>>();
  });

  test('W3: an edit is read in snake_case and in camelCase', () => {
    const action = { name: 'payouts_create', args: { ...args, amount: 7 } };
    const decision = { type: 'edit', digest: digest(), arguments: action.args };
    for (const key of ['editedAction', 'edited_action']) {
      expect(fromHITLResponse(review, { decisions: [{ type: 'edit', [key]: action }] } as never)).toEqual(decision);
    }
  });

  test.each([
    ['no object', null],
    ['text', 'approve'],
    ['a decision without its list', { type: 'approve' }],
    ['a decision that is text', { decisions: ['approve'] }],
    ['a type that there is not', { decisions: [{ type: 'accept' }] }],
    ['an edit without an action', { decisions: [{ type: 'edit' }] }],
    ['an action without arguments', { decisions: [{ type: 'edit', edited_action: { name: 'payouts_create' } }] }],
    ['a list of arguments', { decisions: [{ type: 'edit', editedAction: { name: 'payouts_create', args: [] } }] }],
    ['an action without a name', { decisions: [{ type: 'edit', edited_action: { args: {} } }] }],
    ['words that are a number', { decisions: [{ type: 'reject', message: 7 }] }],
    ['an answer without words', { decisions: [{ type: 'respond' }] }],
    ['answers to several interrupts', { a: { decisions: [] }, b: { decisions: [] } }],
  ])('W3: %s is a typed error', (_what, response) => {
    expect(() => fromHITLResponse(review, response as never)).toThrow(code('response_invalid'));
  });

  test('`respond` is an answer where the review takes one, else a request for changes', () => {
    const words: HITLResponse = { decisions: [{ type: 'respond', message: 'Less' }] };
    expect(fromHITLResponse(review, words)).toEqual({ type: 'revise', digest: digest(), comment: 'Less' });
    const open = { ...review, allowedDecisions: ['approve', 'respond'] } as Review;
    expect(fromHITLResponse(open, words)).toEqual({ type: 'respond', digest: digest(), response: 'Less' });
    const closed = { ...review, allowedDecisions: ['approve'] } as Review;
    expect(() => fromHITLResponse(closed, words)).toThrow(code('not_allowed'));
  });

  test('answers by interrupt id', () => {
    const answers = (...ids: string[]) =>
      Object.fromEntries(ids.map((id) => [id, { decisions: [{ type: 'reject', message: id }] } as HITLResponse]));
    expect(fromHITLResponse(review, answers('i-1'))).toMatchObject({ type: 'reject', comment: 'i-1' });
    const second = fromHITLResponse(review, answers('i-1', 'i-2'), { interruptId: 'i-2' });
    expect(second).toMatchObject({ type: 'reject', comment: 'i-2' });
    const unknown = () => fromHITLResponse(review, answers('i-1'), { interruptId: 'i-3' });
    expect(unknown).toThrow(code('response_invalid'));
  });

  test.each([
    ['another tool', edited('payouts_get'), {}, 'tool_changed'],
    ['two decisions', { decisions: [{ type: 'approve' }, { type: 'approve' }] } as HITLResponse, {}, 'not_allowed'],
    ['no decision', { decisions: [] }, {}, 'not_allowed'],
    ['what is not allowed', edited('payouts_create'), { allowedDecisions: ['approve'] }, 'not_allowed'],
  ] as const)('%s is refused', (_name, response, change, refusal) => {
    expect(() => fromHITLResponse({ ...review, ...change } as Review, response)).toThrow(code(refusal));
  });
});

test('pending reviews of a proposer are listed, each with what decides it; what is decided is not', async () => {
  const agent = new Holdpoint({ url: api.url, apiKey: api.credential('agent-1') });
  const [mine, over] = [await api.propose({ threadId: 'inbox' }), await api.propose({ threadId: 'inbox' })];
  await api.propose({ threadId: 'inbox' }, 'agent-2');
  await reviewer().reviews.decide(over.reviewId, { type: 'reject', digest: over.call.digest, comment: 'no' });
  const ids = (items: readonly { readonly review: Review }[]) => items.map((item) => item.review.reviewId);
  expect(ids(await listHumanInterrupts(agent, { threadId: 'inbox' }))).toEqual([mine.reviewId]);
  expect(await listHumanInterrupts(reviewer(), { threadId: 'inbox' })).toHaveLength(2);
  const [item] = await listHumanInterrupts(reviewer(), { threadId: 'inbox', proposer: 'agent-1' });
  if (item === undefined) throw new Error('not listed');
  expect(item).toMatchObject({ action_request: { action: 'payouts.create', args }, config: { allow_accept: true } });
  expectTypeOf(item).toExtend<HumanInterrupt>();
  const decision = fromHumanResponse(item.review, { type: 'accept', args: null });
  if (decision === null) throw new Error('no decision');
  const result = await reviewer().reviews.decide(item.review.reviewId, decision);
  expect(result).toMatchObject({ admitted: true, review: { status: 'approved' } });
  expect(await listHumanInterrupts(agent, { threadId: 'inbox' })).toEqual([]);
});

test('a decision made from a response counts with a reviewer’s token, and never with the agent’s', async () => {
  const decision = fromHumanResponse(review, { type: 'response', args: 'Less' });
  if (decision === null) throw new Error('no decision');
  const agent = new Holdpoint({ url: api.url, apiKey: api.credential('agent-1') });
  await expect(agent.reviews.decide(review.reviewId, decision)).rejects.toMatchObject({ code: 'forbidden' });
  const result = await reviewer().reviews.decide(review.reviewId, decision);
  expect(result).toMatchObject({ admitted: true, review: { status: 'changes_requested' } });
});

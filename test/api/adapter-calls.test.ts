import { runInNewContext } from 'node:vm';
import { AIMessage } from '@langchain/core/messages';
import { MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { RunContext } from '@openai/agents';
import { jsonSchema } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ai from '../../src/client/adapters/ai.ts';
import * as langgraph from '../../src/client/adapters/langgraph.ts';
import * as openai from '../../src/client/adapters/openai-agents.ts';
import { Holdpoint, type JsonObject, type Review } from '../../src/client/index.ts';
import { newReviewId } from '../../src/client/proposal.ts';
import type { ToolOutcome } from '../../src/client/adapters/outcome.ts';
import { TOOLS } from '../support/gate-fixture.ts';
import { aReview } from '../unit/client-fixtures.ts';
import { json, startStub, type Stub } from './client-stub.ts';
import { makeHarness, type Harness } from './support/harness.ts';

// What models send through the real frameworks, and what the api receives.
const SCHEMA = {
  type: 'object',
  required: ['ref', 'note', 'clear', 'lines'],
  additionalProperties: false,
  properties: {
    ref: { type: ['string', 'null'] },
    note: { type: ['string', 'null'] },
    clear: { type: ['string', 'null'] },
    lines: { type: ['array', 'null'], items: { type: 'object' } },
  },
};
/** In policy `note` and `lines[].note` are optional, and a null `clear` means something. */
const POLICY = {
  type: 'object',
  required: ['ref'],
  additionalProperties: false,
  properties: {
    ref: { type: 'string' },
    note: { type: 'string' },
    clear: { type: ['string', 'null'] },
    lines: { type: 'array', items: { type: 'object', properties: { note: { type: 'string' } } } },
  },
};

let api: Harness;
beforeAll(async () => {
  const request = { method: 'POST', path: '/notes', body: 'arguments' } as const;
  const note = {
    name: 'payouts.note',
    class: 'irreversible',
    connector: 'payouts',
    request,
    arguments: POLICY,
  } as const;
  api = await makeHarness({ policy: { tools: [...TOOLS, note] } });
});
afterAll(() => api.close());

let threads = 0;
/** Makes tool calls as a framework does: all of them in one turn of one conversation. */
type Run = (calls: readonly { readonly id: string; readonly args: unknown }[]) => Promise<readonly unknown[]>;

const gated = () => ({
  client: new Holdpoint({ url: api.url, apiKey: api.credential('agent-1') }),
  tool: 'payouts.note',
  description: 'Notes',
});

const FRAMEWORKS: readonly (readonly [string, (threadId: string) => Run])[] = [
  [
    'Vercel AI SDK',
    (threadId) => {
      const inputSchema = jsonSchema<JsonObject>(SCHEMA as never);
      const tool = ai.holdpointTool({ ...gated(), inputSchema, wait: '0s', threadId });
      return (calls) =>
        Promise.all(
          calls.map(async ({ id, args }) => tool.execute?.(args as never, { toolCallId: id, messages: [] } as never)),
        );
    },
  ],
  [
    'OpenAI Agents SDK',
    (threadId) => {
      const tool = openai.holdpointTool({ ...gated(), parameters: SCHEMA as never, wait: '0s', threadId });
      return (calls) =>
        Promise.all(
          calls.map(({ id, args }) =>
            tool.invoke(new RunContext(), JSON.stringify(args), { toolCall: { callId: id } as never }),
          ),
        );
    },
  ],
  [
    'LangGraph',
    (threadId) => {
      const tool = langgraph.holdpointTool({ ...gated(), schema: SCHEMA as never });
      return async (calls) => {
        const toolCalls = calls.map(({ id, args }) => ({ id, name: tool.name, args: args as JsonObject }));
        const message = new AIMessage({ content: '', tool_calls: toolCalls });
        const graph = new StateGraph(MessagesAnnotation)
          .addNode('tools', new ToolNode([tool]))
          .addEdge(START, 'tools')
          .compile({ checkpointer: new MemorySaver() });
        const config = { configurable: { thread_id: threadId } };
        await graph.invoke({ messages: [message] }, config);
        // Run again from the start, as every resume does: nothing more is proposed.
        await graph.invoke(null, config);
        return calls;
      };
    },
  ],
];

async function reviewsOf(threadId: string): Promise<readonly Review[]> {
  const { client } = gated();
  const found: Review[] = [];
  for await (const { reviewId } of client.reviews.listAll({ threadId })) {
    await api.gate.settled(reviewId as `rev_${string}`);
    found.push(await client.reviews.get(reviewId));
  }
  return found;
}

describe.each(FRAMEWORKS)('%s', (_name, make) => {
  const start = () => {
    threads += 1;
    const threadId = `thread-${threads}`;
    return { run: make(threadId), proposed: () => reviewsOf(threadId) };
  };

  it('I4: two calls with an empty tool-call id are two calls, equal or not', async () => {
    const { run, proposed } = start();
    const full = { note: 'x', clear: 'x', lines: [] };
    await run(['a', 'b', 'b'].map((ref) => ({ id: '', args: { ref, ...full } })));
    const reviews = await proposed();
    expect(reviews).toHaveLength(3);
    expect(reviews.filter(({ call }) => call.arguments?.['ref'] === 'b')).toHaveLength(2);
  });

  it('R4: a null for an optional argument is left out, and one that means something is sent', async () => {
    const { run, proposed } = start();
    const args = { ref: 'r', note: null, clear: null, lines: [{ note: null, other: null }] };
    await run([{ id: 'call-1', args }]);
    const [review] = await proposed();
    expect(review?.status).toBe('pending');
    expect(review?.call.arguments).toEqual({ ref: 'r', clear: null, lines: [{ other: null }] });
  });

  it('R4: a null for an argument that has to be there is refused', async () => {
    const { run, proposed } = start();
    await run([{ id: 'call-1', args: { ref: null, note: null, clear: null, lines: null } }]);
    expect((await proposed()).map(({ status }) => status)).toEqual(['blocked']);
  });
});

describe('what is no JSON is a typed error, and nothing is proposed', () => {
  const tool = () => ai.holdpointTool({ ...gated(), inputSchema: jsonSchema<JsonObject>(SCHEMA as never), wait: '0s' });
  const call = (args: unknown) => tool().execute?.(args as never, { toolCallId: 'c', messages: [] } as never);

  it.each([
    ['nothing', undefined, ''],
    ['text', '{"ref":"r"}', ''],
    ['a list', [], ''],
    ['a date', { ref: new Date(0) }, '/ref'],
    ['NaN', { lines: [{ 'a/b': Number.NaN }] }, '/lines/0/a~1b'],
    ['a bigint', { ref: 1n }, '/ref'],
    ['a hole in a list', { lines: [undefined] }, '/lines/0'],
    ['an integer that JavaScript has rounded', { ref: 2 ** 53 }, '/ref'],
  ])('%s', async (_what, args, pointer) => {
    const error = { code: 'invalid_request', errors: [expect.objectContaining({ pointer })] };
    await expect(call(args)).rejects.toMatchObject(error);
  });

  it('an object of another realm is taken', async () => {
    expect(await call(runInNewContext('({ ref: "r", lines: [{ note: "n" }] })'))).toMatchObject({ status: 'pending' });
  });

  it('an undefined member is left out, as JSON has it', async () => {
    expect(await call({ ref: 'r', note: undefined })).toMatchObject({ status: 'pending' });
  });
});

describe('the review tools read what models send', () => {
  const reviewId = newReviewId();
  const tools = () => ai.holdpointReviewTools({ ...gated(), wait: '0s' });
  const awaitTool = (input: unknown) => tools().holdpoint_await.execute?.(input as never, { messages: [] } as never);
  const revise = (input: unknown) => tools().holdpoint_revise.execute?.(input as never, { messages: [] } as never);

  it('W3: in snake_case and in camelCase', async () => {
    await expect(awaitTool({ reviewId })).rejects.toMatchObject({ code: 'not_found' });
    await expect(awaitTool({ review_id: reviewId })).rejects.toMatchObject({ code: 'not_found' });
    const rest = { revision: 1, arguments: {} };
    await expect(revise({ review_id: reviewId, ...rest })).rejects.toMatchObject({ code: 'not_found' });
  });

  it.each([
    ['nothing', () => awaitTool(undefined), ''],
    ['no id', () => awaitTool({}), '/reviewId'],
    ['an id that is none', () => awaitTool({ reviewId: '../audit/entries' }), '/reviewId'],
    ['a revision that is text', () => revise({ reviewId, revision: '1', arguments: {} }), '/revision'],
    ['arguments that are text', () => revise({ reviewId, revision: 1, arguments: '{}' }), '/arguments'],
  ])('W3: %s is a typed error', async (_what, run, pointer) => {
    const error = { code: 'invalid_request', errors: [expect.objectContaining({ pointer })] };
    await expect(run()).rejects.toMatchObject(error);
  });
});

describe('W4: an expiry is told as nobody’s answer', () => {
  const review = aReview({
    status: 'expired',
    reasonCodes: ['irreversible-tool'],
    resolution: { type: 'expired', by: null, comment: null, edited: false, retryable: false },
  });
  const { reviewId } = review;
  let stub: Stub;
  beforeAll(async () => {
    stub = await startStub(json(200, review));
  });
  afterAll(() => stub.close());
  const client = () => new Holdpoint({ url: stub.url, apiKey: 'hpk_test' });
  const told = {
    status: 'expired',
    reasonCodes: ['expired', 'irreversible-tool'],
    comment: null,
    note: expect.stringContaining('Nobody decided in time'),
  };

  it('W4: Vercel AI SDK', async () => {
    const { holdpoint_await: tool } = ai.holdpointReviewTools({ client: client() });
    expect(await tool.execute?.({ reviewId }, { toolCallId: 'c', messages: [] } as never)).toMatchObject(told);
  });

  it('W4: OpenAI Agents SDK', async () => {
    const [tool] = openai.holdpointReviewTools({ client: client() });
    const outcome = await tool?.invoke(new RunContext(), JSON.stringify({ reviewId }));
    expect(outcome).toMatchObject(told);
  });

  it('W4: LangGraph', async () => {
    const [tool] = langgraph.holdpointReviewTools({ client: client() });
    const said = (await tool?.invoke({ reviewId })) as string;
    expect(JSON.parse(said) as ToolOutcome).toMatchObject(told);
  });
});

describe('W1: names that models’ APIs take', () => {
  const tool = `payouts.${'very_long_name_'.repeat(6)}end`;
  const nameOf = (more: { readonly tool: string; readonly name?: string }) =>
    [
      openai.holdpointTool({ ...gated(), ...more, parameters: SCHEMA as never }).name,
      langgraph.holdpointTool({ ...gated(), ...more, schema: SCHEMA as never }).name,
    ] as const;

  it('W1: a long one is cut to 64 characters, alike in every adapter', () => {
    const [name, same] = nameOf({ tool });
    expect(name).toMatch(/^payouts_very_long_name_[A-Za-z0-9_-]+$/);
    expect([name.length, same]).toEqual([64, name]);
    expect(nameOf({ tool: `${tool}2` })[0]).not.toBe(name);
  });

  it.each(['a.b', 'ü', 'x'.repeat(65), ''])('W1: the given name %j is refused', (name) => {
    expect(() => nameOf({ tool, name })).toThrow(expect.objectContaining({ code: 'not_configured' }));
  });
});

describe('a resumer reads the state of a thread, whatever it holds', () => {
  const graphWith = (state: unknown): langgraph.ThreadGraph => ({
    invoke: async () => 'resumed',
    getState: async () => state,
  });
  const resume = async (stateOf: (reviewId: string) => unknown) => {
    const { reviewId } = await api.propose({ threadId: 'state' });
    const { digest } = (await gated().client.reviews.get(reviewId)).call;
    await api.decide(reviewId, digest as string, { type: 'reject', comment: 'no' });
    const graph = graphWith(stateOf(reviewId));
    return langgraph.createResumer({ graph, client: gated().client, patience: '0s' }).resume(reviewId);
  };
  const waiting = (id: object) => (reviewId: string) => ({
    tasks: [{ interrupts: [{ ...id, value: { holdpoint: { reviewId } } }] }],
  });

  it.each([[{ id: 'i-1' }], [{ interruptId: 'i-1' }], [{ interrupt_id: 'i-1' }]])('W3: an interrupt %j', async (id) => {
    expect(await resume(waiting(id))).toMatchObject({ resumed: true, threadId: 'state' });
  });

  it.each([
    ['nothing', undefined],
    ['tasks that are no list', { tasks: {} }],
    ['a task without interrupts', { tasks: [null, { interrupts: null, state: 'x' }] }],
    ['interrupts of others', { tasks: [{ interrupts: [null, { id: 'i', value: 'x' }, { id: 'i', value: null }] }] }],
  ])('W3: %s waits for nothing', async (_what, state) => {
    expect(await resume(() => state)).toEqual({ resumed: false, reason: 'not_waiting' });
  });
});

it('W3: without a thread nothing is proposed, and the error is typed', async () => {
  const tool = langgraph.holdpointTool({ ...gated(), schema: SCHEMA as never });
  const args = { ref: 'r', note: 'n', clear: 'c', lines: [] };
  await expect(tool.invoke(args)).rejects.toMatchObject({ code: 'not_configured' });
});

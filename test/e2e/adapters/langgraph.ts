import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import { Command, END, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent, fakeModel, type HITLRequest } from 'langchain';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  createResumer,
  holdpointReviewTools,
  holdpointTool,
  type HoldpointInterrupt,
  type ThreadGraph,
  type ToolOutcome,
} from '../../../src/client/adapters/langgraph.ts';
import { newRef } from '../../support/e2e-world.ts';
import { PAY, READ, type Gate } from './gate.ts';

interface Call {
  readonly name?: string;
  readonly id: string;
  readonly args: Record<string, unknown>;
}
/** Tool calls of each turn. A factory where they name what only came to be after the first turn. */
type Script = readonly (readonly Call[] | (() => readonly Call[]))[];

interface Graph extends ThreadGraph {
  invoke(input: unknown, config: object): Promise<Output>;
}
interface Output {
  readonly messages: readonly BaseMessage[];
  readonly __interrupt__?: readonly { readonly id: string; readonly value: HoldpointInterrupt }[];
}

const pay = (ref: string, amount = 100, id = `call-${ref}`): Call => ({ id, args: { ref, amount } });
const START_WITH = { messages: [{ role: 'user', content: 'Pay' }] };
const configOf = (thread: string) => ({ configurable: { thread_id: thread } });
const messageOf = (turn: Script[number] | undefined): AIMessage => {
  if (turn === undefined) return new AIMessage('done');
  const calls = typeof turn === 'function' ? turn() : turn;
  return new AIMessage({ content: '', tool_calls: calls.map((call) => ({ name: 'bank_pay', ...call })) });
};

const toolsFor = ({ agent: client }: Gate) => [
  holdpointTool({ client, tool: 'bank.pay', description: 'Pays', schema: PAY }),
  holdpointTool({ client, tool: 'bank.get', description: 'Reads', schema: READ }),
  ...holdpointReviewTools({ client }),
];

/** One task for all tool calls of a turn: the prebuilt `ToolNode`, given messages. */
function oneNode(gate: Gate, script: Script): Graph {
  const model = (state: typeof MessagesAnnotation.State) => ({
    messages: [messageOf(script[state.messages.filter((message) => message.getType() === 'ai').length])],
  });
  return new StateGraph(MessagesAnnotation)
    .addNode('model', model)
    .addNode('tools', new ToolNode(toolsFor(gate)))
    .addEdge(START, 'model')
    .addConditionalEdges('model', (state) => ((state.messages.at(-1) as AIMessage).tool_calls?.length ? 'tools' : END))
    .addEdge('tools', 'model')
    .compile({ checkpointer: new MemorySaver() }) as never;
}

/** LangChain's agent: one task for each tool call of a turn. */
function agent(gate: Gate, script: Script): Graph {
  const model = fakeModel();
  for (const turn of script) model.respond(() => messageOf(turn));
  model.respond(() => messageOf(undefined));
  return createAgent({ model, tools: toolsFor(gate), checkpointer: new MemorySaver() }) as never;
}

function resultsOf(output: unknown): Record<string, { readonly status: string; readonly outcome: ToolOutcome }> {
  const { messages } = output as Output;
  const results = messages.filter((message) => message.getType() === 'tool');
  return Object.fromEntries(
    results.map((message) => {
      const { tool_call_id: id, status, content } = message as unknown as Record<string, string>;
      return [id, { status, outcome: JSON.parse(content as string) as ToolOutcome }];
    }),
  ) as never;
}

/** A thread whose interrupt is written down at the third look. */
function waitsLater(reviewId: string): ThreadGraph {
  let looks = 0;
  return {
    invoke: async () => 'resumed',
    getState: async () => {
      looks += 1;
      return { tasks: looks < 3 ? [] : [{ interrupts: [{ id: 'i-1', value: { holdpoint: { reviewId } } }] }] };
    },
  };
}

export function describeLangGraph(gateOf: () => Gate): void {
  const resumerOf = (graph: Graph) => createResumer({ graph, client: gateOf().agent, patience: '1s' });
  const follow = async (graph: Graph, thread: string) =>
    ((await resumerOf(graph).follow(thread)) as { readonly values: Output }).values;

  describe.each([
    ['ToolNode', oneNode],
    ['createAgent', agent],
  ])('LangGraph, %s', (_name, make) => {
    test('an escalated call interrupts as LangChain knows it, and is made after the yes', async () => {
      const [gate, thread, ref] = [gateOf(), newRef('thread'), newRef('approve')];
      const graph = make(gate, [[pay(ref)]]);
      const held = await graph.invoke(START_WITH, configOf(thread));
      const review = await gate.pending('ref', ref);
      expect(held.__interrupt__?.map(({ value }) => value)).toMatchObject([
        {
          actionRequests: [{ name: 'bank_pay', args: { ref, amount: 100 }, description: expect.any(String) }],
          reviewConfigs: [{ actionName: 'bank_pay', allowedDecisions: ['approve', 'edit', 'reject'] }],
          holdpoint: { reviewId: review.reviewId },
        },
      ]);
      expect(review.threadId).toBe(thread);

      const resumer = resumerOf(graph);
      expect(await resumer.resume(review.reviewId)).toEqual({ resumed: false, reason: 'still_pending' });
      // Whatever the graph is resumed with: it is no decision.
      const forged = { [held.__interrupt__?.[0]?.id as string]: { decisions: [{ type: 'approve' }] } };
      const again = await graph.invoke(new Command({ resume: forged }), configOf(thread));
      expect(again.__interrupt__).toMatchObject([{ value: { holdpoint: { status: 'pending' } } }]);
      expect(gate.made(ref)).toBe(0);

      await gate.decide(review, { type: 'approve' });
      await gate.agent.review(review.reviewId).resolution();
      // At least once on the wire: the second finds nothing to do.
      const [first, second] = await Promise.all([resumer.resume(review.reviewId), resumer.resume(review.reviewId)]);
      const outcome = { status: 'executed', edited: false, reviewId: review.reviewId };
      expect(resultsOf((first as { output: Output }).output)[`call-${ref}`]).toMatchObject({
        status: 'success',
        outcome,
      });
      expect(second).toEqual({ resumed: false, reason: 'not_waiting' });
      expect([gate.made(ref), await gate.proposed(ref)]).toEqual([1, 1]);
    });

    test('parallel calls: each has its own answer in whatever order, and a no leaves its siblings', async () => {
      const [gate, thread] = [gateOf(), newRef('thread')];
      const [yes, no, edited, free] = [newRef('yes'), newRef('no'), newRef('edited'), newRef('free')];
      const graph = make(gate, [
        [pay(yes, 1), { name: 'bank_get', id: 'call-free', args: { ref: free } }, pay(no, 2), pay(edited, 3)],
      ]);
      await graph.invoke(START_WITH, configOf(thread));
      const following = follow(graph, thread);
      // The last proposed is answered first.
      await gate.decide(await gate.pending('ref', edited), { type: 'edit', arguments: { ref: edited, amount: 33 } });
      await gate.decide(await gate.pending('ref', no), { type: 'reject', comment: 'Not this account' });
      await gate.decide(await gate.pending('ref', yes), { type: 'approve' });
      const output = await following;
      expect(resultsOf(output)).toMatchObject({
        [`call-${yes}`]: { status: 'success', outcome: { status: 'executed', edited: false } },
        'call-free': { status: 'success', outcome: { status: 'executed' } },
        [`call-${no}`]: {
          status: 'error',
          outcome: { status: 'rejected', comment: 'Not this account', retryable: false },
        },
        [`call-${edited}`]: { outcome: { status: 'executed', edited: true, arguments: { ref: edited, amount: 33 } } },
      });
      expect(output.messages.at(-1)?.content).toBe('done');
      expect([gate.made(yes), gate.made(no), gate.made(edited)]).toEqual([1, 0, 1]);
      expect([await gate.proposed(yes), await gate.proposed(no), await gate.proposed(edited)]).toEqual([1, 1, 1]);
    });

    test('asked for changes, the model answers in the same review', async () => {
      const [gate, thread, ref] = [gateOf(), newRef('thread'), newRef('revise')];
      let reviewId = '';
      const answer = (): readonly Call[] => [
        { name: 'holdpoint_revise', id: 'revise', args: { reviewId, revision: 1, arguments: { ref, amount: 10 } } },
      ];
      const graph = make(gate, [[pay(ref)], answer]);
      await graph.invoke(START_WITH, configOf(thread));
      const review = await gate.pending('ref', ref);
      reviewId = review.reviewId;
      await gate.decide(review, { type: 'revise', comment: 'Less' });
      const following = follow(graph, thread);
      const second = await gate.pending('amount', 10 as never);
      expect(second).toMatchObject({ reviewId, revision: 2 });
      await gate.decide(second, { type: 'approve' });
      expect(resultsOf(await following)).toMatchObject({
        [`call-${ref}`]: { outcome: { status: 'changes_requested', revision: 1, comment: 'Less', reviewId } },
        revise: { outcome: { status: 'executed', reviewId } },
      });
      expect([gate.made(ref), await gate.proposed(ref)]).toEqual([1, 1]);
    });
  });

  describe('LangGraph', () => {
    test('without a thread nothing is proposed: nobody could be told of the answer', async () => {
      const [gate, ref] = [gateOf(), newRef('no-thread')];
      await expect(toolsFor(gate)[0]?.invoke({ ref, amount: 1 })).rejects.toMatchObject({
        code: 'not_configured',
      });
      expect(await gate.proposed(ref)).toBe(0);
    });

    test('an answer that comes before the thread waits is not lost', async () => {
      const [gate, thread, ref] = [gateOf(), newRef('thread'), newRef('early')];
      const call = { service: 'bank', tool: 'bank.pay', arguments: { ref, amount: 100 }, threadId: thread };
      const { reviewId } = await gate.agent.execute(call);
      await gate.decide(await gate.pending('ref', ref), { type: 'reject', comment: 'No' });
      const resumer = createResumer({ graph: waitsLater(reviewId), client: gate.agent, patience: '1m' });
      expect(await resumer.resume(reviewId)).toMatchObject({ resumed: true, threadId: thread, output: 'resumed' });
    });

    test('giving up the wait decides nothing', async () => {
      const [gate, thread, ref] = [gateOf(), newRef('thread'), newRef('given-up')];
      const graph = oneNode(gate, [[pay(ref)]]);
      await graph.invoke(START_WITH, configOf(thread));
      const { reviewId } = await gate.pending('ref', ref);
      const stop = new AbortController();
      const following = resumerOf(graph).follow(thread, { signal: stop.signal });
      stop.abort(new Error('enough'));
      await expect(following).rejects.toThrow('enough');
      expect(await gate.agent.reviews.get(reviewId)).toMatchObject({ status: 'pending' });
    });

    test('the interrupt is the HITLRequest that LangChain types', () => {
      type Writable<T> = { -readonly [K in keyof T]: T[K] extends object ? Writable<T[K]> : T[K] };
      expectTypeOf<Writable<HoldpointInterrupt>>().toExtend<HITLRequest>();
    });
  });
}

import { generateText, jsonSchema, stepCountIs, tool, ToolLoopAgent, type ToolSet } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { describe, expect, test } from 'vitest';
import { holdpointReviewTools, holdpointTool, type ToolOutcome } from '../../../src/client/adapters/ai.ts';
import { newRef } from '../../support/e2e-world.ts';
import { PAY, READ, type Gate } from './gate.ts';

type Content = Awaited<ReturnType<MockLanguageModelV3['doGenerate']>>['content'][number];
const call = (toolName: string, input: object, toolCallId = 'call-1'): Content => ({
  type: 'tool-call',
  toolCallId,
  toolName,
  input: JSON.stringify(input),
});

/** What the model says, turn by turn; a factory where it depends on what came back. */
type Script = readonly (readonly Content[] | (() => readonly Content[]))[];

function scripted(script: Script) {
  let turn = 0;
  return new MockLanguageModelV3({
    doGenerate: async () => {
      const said = script[turn] ?? [{ type: 'text', text: 'done' }];
      turn += 1;
      const content = typeof said === 'function' ? said() : said;
      const unified = content.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop';
      return {
        content: [...content],
        finishReason: { unified, raw: undefined },
        usage: {
          inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 1, text: 1, reasoning: 0 },
        },
        warnings: [],
      };
    },
  });
}

export function describeAiSdk(gateOf: () => Gate): void {
  const toolsFor = ({ agent: client }: Gate, wait: string, reason = 'Due') => ({
    pay: holdpointTool<{ ref: string; amount: number }>({
      client,
      tool: 'bank.pay',
      description: 'Pays',
      inputSchema: jsonSchema(PAY as never),
      wait,
      reason,
      threadId: 'ai-thread',
    }),
    get: holdpointTool<{ ref: string }>({ client, tool: 'bank.get', inputSchema: jsonSchema(READ as never) }),
    ...holdpointReviewTools({ client, wait }),
  });
  const run = (tools: ToolSet, script: Script) => {
    const model = scripted(script);
    const result = generateText({ model, tools, prompt: 'Pay', stopWhen: stepCountIs(6) });
    return { model, result };
  };
  /** What the model was told of its tool calls, last turn. */
  const toldTo = (model: MockLanguageModelV3) =>
    (model.doGenerateCalls.at(-1)?.prompt ?? [])
      .filter(({ role }) => role === 'tool')
      .flatMap(
        ({ content }) => content as unknown as readonly { readonly output: { type: string; value: ToolOutcome } }[],
      )
      .map(({ output }) => output);

  describe('Vercel AI SDK', () => {
    test('waits for people; the model reads what really ran', async () => {
      const [gate, ref, free] = [gateOf(), newRef('ai'), newRef('ai-free')];
      const { model, result } = run(toolsFor(gate, '2m'), [
        [call('get', { ref: free }, `get-${free}`)],
        [call('pay', { ref, amount: 5 }, `pay-${ref}`)],
      ]);
      await gate.decide(await gate.pending('ref', ref), { type: 'edit', arguments: { ref, amount: 2 } });
      expect((await result).text).toBe('done');
      expect(toldTo(model)).toMatchObject([
        { type: 'json', value: { status: 'executed', edited: false } },
        { type: 'json', value: { status: 'executed', edited: true, arguments: { ref, amount: 2 } } },
      ]);
      expect(gate.made(ref)).toBe(1);
    });

    test('a rejection is an error with the words, and final', async () => {
      const [gate, ref] = [gateOf(), newRef('ai')];
      const { model, result } = run(toolsFor(gate, '2m'), [[call('pay', { ref, amount: 5 }, `pay-${ref}`)]]);
      await gate.decide(await gate.pending('ref', ref), { type: 'reject', comment: 'Too early' });
      await result;
      const value = { status: 'rejected', comment: 'Too early', retryable: false };
      expect(toldTo(model)).toMatchObject([{ type: 'error-json', value }]);
      expect(gate.made(ref)).toBe(0);
    });

    test('past the bound it is pending; the model waits on with holdpoint_await', async () => {
      const [gate, ref] = [gateOf(), newRef('ai')];
      let reviewId = '';
      const { model, result } = run(
        { ...toolsFor(gate, '0s'), ...holdpointReviewTools({ client: gate.agent, wait: '2m' }) },
        [
          [call('pay', { ref, amount: 5 }, `pay-${ref}`)],
          () => {
            reviewId = toldTo(model).at(-1)?.value.reviewId ?? '';
            return [call('holdpoint_await', { reviewId }, 'await-1')];
          },
        ],
      );
      const review = await gate.pending('ref', ref);
      await gate.decide(review, { type: 'approve' });
      await result;
      expect(toldTo(model)).toMatchObject([
        { type: 'json', value: { status: 'pending', reviewId: review.reviewId } },
        { type: 'json', value: { status: 'executed', reviewId: review.reviewId } },
      ]);
      expect(gate.made(ref)).toBe(1);
    });

    test('a step that is run again meets its own review', async () => {
      const [gate, ref] = [gateOf(), newRef('ai')];
      const step = [[call('pay', { ref, amount: 5 }, `pay-${ref}`)]];
      await run(toolsFor(gate, '0s'), step).result;
      const { model, result } = run(toolsFor(gate, '2m'), step);
      await gate.decide(await gate.pending('ref', ref), { type: 'approve' });
      await result;
      expect(toldTo(model)).toMatchObject([{ value: { status: 'executed' } }]);
      expect([gate.made(ref), await gate.proposed(ref)]).toEqual([1, 1]);
    });

    test('run again with another reason, it meets its own review all the same', async () => {
      const [gate, ref] = [gateOf(), newRef('ai')];
      const step = [[call('pay', { ref, amount: 5 }, `pay-${ref}`)]];
      await run(toolsFor(gate, '0s'), step).result;
      const { model, result } = run(toolsFor(gate, '0s', 'Other words'), step);
      await result;
      const { reviewId } = await gate.pending('ref', ref);
      expect(toldTo(model)).toMatchObject([{ type: 'json', value: { status: 'pending', reviewId } }]);
      expect(await gate.proposed(ref)).toBe(1);
    });

    test('a sub-agent meets the gate too', async () => {
      const [gate, ref] = [gateOf(), newRef('ai-sub')];
      const inner = scripted([[call('pay', { ref, amount: 5 }, `pay-${ref}`)]]);
      const helper = new ToolLoopAgent({ model: inner, tools: toolsFor(gate, '2m') });
      const { result } = run(
        {
          helper: tool({
            inputSchema: jsonSchema<{ task: string }>({ type: 'object', properties: { task: { type: 'string' } } }),
            execute: async ({ task }, { abortSignal }) =>
              (await helper.generate({ prompt: task, ...(abortSignal === undefined ? {} : { abortSignal }) })).text,
          }),
        },
        [[call('helper', { task: 'Pay' })]],
      );
      const review = await gate.pending('ref', ref);
      expect(gate.made(ref)).toBe(0);
      await gate.decide(review, { type: 'approve' });
      await result;
      expect(toldTo(inner)).toMatchObject([{ value: { status: 'executed', reviewId: review.reviewId } }]);
      expect(gate.made(ref)).toBe(1);
    });
  });
}

import { Agent, run, setTracingDisabled, Usage, type Model, type ModelRequest } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { holdpointReviewTools, holdpointTool, type ToolOutcome } from '../../../src/client/adapters/openai-agents.ts';
import { newRef } from '../../support/e2e-world.ts';
import type { Gate } from './gate.ts';

type Item = Awaited<ReturnType<Model['getResponse']>>['output'][number];
const call = (name: string, args: object, callId = 'call-1'): Item => ({
  type: 'function_call',
  callId,
  name,
  status: 'completed',
  arguments: JSON.stringify(args),
});
const DONE: Item = {
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'done' }],
};

type Script = readonly (readonly Item[] | (() => readonly Item[]))[];

class Scripted implements Model {
  readonly requests: ModelRequest[] = [];
  readonly #script: Script;
  constructor(script: Script) {
    this.#script = script;
  }
  async getResponse(request: ModelRequest) {
    const said = this.#script[this.requests.length] ?? [DONE];
    this.requests.push(request);
    return { usage: new Usage(), output: [...(typeof said === 'function' ? said() : said)] };
  }
  // oxlint-disable-next-line require-yield -- nothing is streamed here
  async *getStreamedResponse(): AsyncGenerator<never> {
    throw new Error('not scripted');
  }
  /** What it was told of its calls, last turn. */
  told(): readonly ToolOutcome[] {
    const input = this.requests.at(-1)?.input ?? [];
    if (typeof input === 'string') return [];
    return input.flatMap((item) => {
      if (item.type !== 'function_call_result') return [];
      const { output } = item;
      const text = typeof output === 'string' ? output : ((output as { readonly text?: string }).text ?? '');
      return [JSON.parse(text) as ToolOutcome];
    });
  }
}

export function describeOpenAiAgents(gateOf: () => Gate): void {
  setTracingDisabled(true);
  const toolsFor = ({ agent: client }: Gate, wait: string) => [
    holdpointTool({
      client,
      tool: 'bank.pay',
      description: 'Pays',
      parameters: z.object({ ref: z.string(), amount: z.int() }),
      wait,
      threadId: 'openai-thread',
    }),
    ...holdpointReviewTools({ client, wait: '2m' }),
  ];

  describe('OpenAI Agents SDK', () => {
    test('waits for people; the model reads what really ran', async () => {
      const [gate, ref] = [gateOf(), newRef('oa')];
      const model = new Scripted([[call('bank_pay', { ref, amount: 5 }, `pay-${ref}`)]]);
      const running = run(new Agent({ name: 'Payer', model, tools: toolsFor(gate, '2m') }), 'Pay');
      await gate.decide(await gate.pending('ref', ref), { type: 'edit', arguments: { ref, amount: 2 } });
      expect((await running).finalOutput).toBe('done');
      expect(model.told()).toMatchObject([{ status: 'executed', edited: true, arguments: { ref, amount: 2 } }]);
      expect(gate.made(ref)).toBe(1);
    });

    test('past the bound it is pending; the model waits on, and reads the no', async () => {
      const [gate, ref] = [gateOf(), newRef('oa')];
      const model: Scripted = new Scripted([
        [call('bank_pay', { ref, amount: 5 }, `pay-${ref}`)],
        () => [call('holdpoint_await', { reviewId: model.told().at(-1)?.reviewId }, 'await-1')],
      ]);
      const running = run(new Agent({ name: 'Payer', model, tools: toolsFor(gate, '0s') }), 'Pay');
      const review = await gate.pending('ref', ref);
      await gate.decide(review, { type: 'reject', comment: 'Too early' });
      await running;
      expect(model.told()).toMatchObject([
        { status: 'pending', reviewId: review.reviewId },
        { status: 'rejected', comment: 'Too early', retryable: false },
      ]);
      expect(gate.made(ref)).toBe(0);
    });

    test('after a handoff the gate is met too', async () => {
      const [gate, ref] = [gateOf(), newRef('oa-handoff')];
      const taking = new Scripted([[call('bank_pay', { ref, amount: 5 }, `pay-${ref}`)]]);
      const payer = new Agent({ name: 'Payer', model: taking, tools: toolsFor(gate, '2m') });
      const model = new Scripted([[call('transfer_to_Payer', {}, 'handoff-1')]]);
      const running = run(new Agent({ name: 'Desk', model, handoffs: [payer] }), 'Pay');
      const review = await gate.pending('ref', ref);
      expect(gate.made(ref)).toBe(0);
      await gate.decide(review, { type: 'approve' });
      expect((await running).lastAgent?.name).toBe('Payer');
      expect(taking.told()).toContainEqual(expect.objectContaining({ status: 'executed', reviewId: review.reviewId }));
      expect(gate.made(ref)).toBe(1);
    });

    test('an agent used as a tool meets the gate too', async () => {
      const [gate, ref] = [gateOf(), newRef('oa-sub')];
      const inner = new Scripted([[call('bank_pay', { ref, amount: 5 }, `pay-${ref}`)]]);
      const helper = new Agent({ name: 'Helper', model: inner, tools: toolsFor(gate, '2m') });
      const asTool = helper.asTool({ toolName: 'helper', toolDescription: 'Pays' });
      const model = new Scripted([[call('helper', { input: 'Pay' })]]);
      const running = run(new Agent({ name: 'Boss', model, tools: [asTool] }), 'Pay');
      const review = await gate.pending('ref', ref);
      expect(gate.made(ref)).toBe(0);
      await gate.decide(review, { type: 'approve' });
      await running;
      expect(inner.told()).toMatchObject([{ status: 'executed', reviewId: review.reviewId }]);
      expect(gate.made(ref)).toBe(1);
    });
  });
}

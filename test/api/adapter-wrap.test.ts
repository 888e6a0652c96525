import { tool as langchainTool } from '@langchain/core/tools';
import { RunContext, tool as openaiTool } from '@openai/agents';
import { asSchema, tool as aiTool } from 'ai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { wrapTool as wrapAi } from '../../src/client/adapters/ai.ts';
import { wrapTool as wrapLangchain } from '../../src/client/adapters/langgraph.ts';
import { wrapTool as wrapOpenai } from '../../src/client/adapters/openai-agents.ts';
import { Holdpoint } from '../../src/client/index.ts';
import { GET, makeHarness, type Harness } from './support/harness.ts';

// Tools that somebody has already, made with the real frameworks: what they did is done by Holdpoint alone.
let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
afterAll(() => api.close());

const gated = () => ({ client: new Holdpoint({ url: api.url, apiKey: api.credential('agent-1') }), tool: GET.tool });
const schema = z.object({ id: z.string().describe('Of the payout') });
const own = { name: 'read_payout', description: 'Reads a payout' };
const mustNotRun = (): Promise<string> => Promise.reject(new Error('the wrapped tool ran'));
const executed = expect.objectContaining({ status: 'executed', reviewId: expect.stringMatching(/^rev_/) });

test('LangChain', async () => {
  const wrapped = wrapLangchain(langchainTool(mustNotRun, { ...own, schema }), gated());
  expect(wrapped).toMatchObject({ ...own, schema });
  const said: unknown = await wrapped.invoke(GET.arguments, { configurable: { thread_id: 't-1' } });
  expect(JSON.parse(said as string)).toEqual(executed);
});

test('Vercel AI SDK', async () => {
  const existing = aiTool({ description: own.description, inputSchema: schema, execute: mustNotRun });
  const wrapped = wrapAi(existing, gated());
  expect(wrapped.description).toBe(own.description);
  expect(await asSchema(wrapped.inputSchema).jsonSchema).toEqual(await asSchema(existing.inputSchema).jsonSchema);
  expect(await wrapped.execute?.(GET.arguments, { toolCallId: 'call-1', messages: [] } as never)).toEqual(executed);
});

test('OpenAI Agents SDK', async () => {
  const existing = openaiTool({ ...own, parameters: schema, execute: mustNotRun });
  const wrapped = wrapOpenai(existing, gated());
  expect(wrapped).toMatchObject({ ...own, strict: true, parameters: existing.parameters });
  expect(await wrapped.invoke(new RunContext(), JSON.stringify(GET.arguments))).toEqual(executed);
});

test('a name of its own goes before that of the wrapped tool', () => {
  const existing = langchainTool(mustNotRun, { ...own, schema });
  expect(wrapLangchain(existing, { ...gated(), name: 'payout' }).name).toBe('payout');
});

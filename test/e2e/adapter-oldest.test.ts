import { tool as openaiTool } from '@openai/agents';
import { tool as aiTool } from 'ai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describeAiSdk } from './adapters/ai.ts';
import { gateOf, type Gate } from './adapters/gate.ts';
import { describeOpenAiAgents } from './adapters/openai-agents.ts';
import { startWorld, type World } from '../support/e2e-world.ts';

// The oldest frameworks that the adapters accept, under the names by which adapters and programs import them.
vi.mock('ai', () => vi.importActual('ai-6'));
vi.mock('ai/test', () => vi.importActual('ai-6/test'));
vi.mock('@openai/agents', () => vi.importActual('openai-agents-0.14'));

let world: World;
let shared: Gate;
beforeAll(async () => {
  world = await startWorld();
  shared = gateOf(world);
}, 600_000);
afterAll(() => world?.close());

test('they are the oldest', async () => {
  expect(await vi.importActual('ai-6')).toHaveProperty('tool', aiTool);
  expect(await vi.importActual('openai-agents-0.14')).toHaveProperty('tool', openaiTool);
});

const gate = () => shared;
describeAiSdk(gate);
describeOpenAiAgents(gate);

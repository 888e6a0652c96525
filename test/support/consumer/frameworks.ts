import { Agent } from '@openai/agents';
import type { Tool } from 'ai';
import { holdpointTool as aiTool, type ToolOutcome } from '@holdpoint/client/ai';
import {
  createResumer,
  holdpointReviewTools,
  listHumanInterrupts,
  type ThreadGraph,
} from '@holdpoint/client/langgraph';
import { holdpointTool as agentsTool } from '@holdpoint/client/openai-agents';
import { Holdpoint } from '@holdpoint/client';
import { requestApproval } from '@holdpoint/client/workflow';
import { z } from 'zod';

// Compiled by package.test.ts beside use.ts: programs that use the adapters and `@holdpoint/client/workflow`. Never run.

const client = new Holdpoint();
const description = 'Pays';

export function forVercel(): Tool<{ ref: string }, ToolOutcome> {
  return aiTool({ client, tool: 'bank.pay', description, inputSchema: z.object({ ref: z.string() }) });
}

export function forOpenAi(): Agent {
  const pay = agentsTool({ client, tool: 'bank.pay', description, parameters: z.object({ ref: z.string() }) });
  return new Agent({ name: 'Payer', tools: [pay] });
}

export async function forLangGraph(graph: ThreadGraph): Promise<readonly string[]> {
  const resumed = await createResumer({ graph, client }).resume('rev_x');
  const items = await listHumanInterrupts(client, { proposer: 'agent-1' });
  const names = holdpointReviewTools({ client }).map(({ name }) => name);
  return [...names, ...items.map(({ review }) => review.reviewId), resumed.resumed ? resumed.threadId : resumed.reason];
}

export async function publish(draft: string): Promise<string> {
  const decision = await requestApproval({ title: 'Publish?', proposal: { draft }, approvers: ['editors'] });
  switch (decision.type) {
    case 'approve':
    case 'edit':
      return decision.proposal.draft;
    case 'reject':
      return decision.comment ?? '';
    default:
      return decision.type;
  }
}

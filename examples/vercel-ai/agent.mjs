// Vercel AI SDK in front of Holdpoint. With `npm start` running: node examples/vercel-ai/agent.mjs
// The model is scripted (no vendor's key): replace `model` with one of your own.
import { generateText, jsonSchema, stepCountIs } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { holdpointReviewTools, holdpointTool } from '@holdpoint/client/ai';
import { connect, HINT, SQL } from '../connect.mjs';

const client = connect();
const tools = {
  runSql: holdpointTool({
    client,
    tool: 'postgres.execute',
    description: 'Runs one SQL statement on the users database',
    inputSchema: jsonSchema({ type: 'object', properties: { sql: { type: 'string' } }, required: ['sql'] }),
    wait: '10s', // then the model gets a pending result, and may wait on with holdpoint_await
  }),
  ...holdpointReviewTools({ client, wait: '10m' }),
};

console.log(`The agent proposes: ${SQL}\n${HINT}`);
const { steps, text } = await generateText({ model: scripted(), tools, prompt: 'Clean up', stopWhen: stepCountIs(5) });
for (const { toolName, output } of steps.flatMap((step) => step.toolResults)) {
  console.log(`${toolName} → ${JSON.stringify(output)}`);
}
console.log(text);

/** Proposes, waits while the call is pending, and ends. */
function scripted() {
  const say = (content, unified) => ({
    content: [content],
    finishReason: { unified, raw: undefined },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    },
    warnings: [],
  });
  const call = (toolName, input) =>
    say({ type: 'tool-call', toolCallId: `call-${toolName}`, toolName, input: JSON.stringify(input) }, 'tool-calls');
  return new MockLanguageModelV3({
    doGenerate: async ({ prompt }) => {
      const last = prompt.findLast(({ role }) => role === 'tool')?.content.at(-1)?.output.value;
      if (last === undefined) return call('runSql', { sql: SQL });
      if (last.status === 'pending') return call('holdpoint_await', { reviewId: last.reviewId });
      return say({ type: 'text', text: `It ended as ${last.status}.` }, 'stop');
    },
  });
}

// OpenAI Agents SDK in front of Holdpoint, gated in a sub-agent. With `npm start` running:
//   node examples/openai-agents/agent.mjs
// The model is scripted (no vendor's key): leave `model` out and set OPENAI_API_KEY for a real one.
import { Agent, run, setTracingDisabled, Usage } from '@openai/agents';
import { holdpointReviewTools, holdpointTool } from '@holdpoint/client/openai-agents';
import { z } from 'zod';
import { connect, HINT, SQL } from '../connect.mjs';

setTracingDisabled(true);
const client = connect();
const tools = [
  holdpointTool({
    client,
    tool: 'postgres.execute',
    description: 'Runs one SQL statement on the users database',
    parameters: z.object({ sql: z.string() }),
    wait: '10s', // then the model gets a pending result, and may wait on with holdpoint_await
  }),
  ...holdpointReviewTools({ client, wait: '10m' }),
];

const call = (name, args) => ({
  type: 'function_call',
  callId: `call-${name}`,
  status: 'completed',
  name,
  arguments: JSON.stringify(args),
});
const say = (text) => ({
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
});
/** A model that answers what came back from its last tool call. */
const scripted = (answer) => ({
  async getResponse({ input }) {
    const last = Array.isArray(input) ? input.findLast(({ type }) => type === 'function_call_result') : undefined;
    return { usage: new Usage(), output: [answer(last?.output?.text ?? last?.output)] };
  },
});

const janitor = new Agent({
  name: 'Janitor',
  tools,
  model: scripted((result) => {
    if (result === undefined) return call('postgres_execute', { sql: SQL });
    console.log(`Janitor reads ${result}`);
    const { status, reviewId } = JSON.parse(result);
    return status === 'pending' ? call('holdpoint_await', { reviewId }) : say(`It ended as ${status}.`);
  }),
});
const boss = new Agent({
  name: 'Boss',
  tools: [janitor.asTool({ toolName: 'janitor', toolDescription: 'Cleans up' })],
  model: scripted((result) => (result === undefined ? call('janitor', { input: 'Clean up' }) : say(result))),
});

console.log(`The agent proposes: ${SQL}\n${HINT}`);
const { finalOutput } = await run(boss, 'Clean up');
console.log(finalOutput);

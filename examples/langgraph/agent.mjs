// LangGraph.js in front of Holdpoint. With `npm start` running: node examples/langgraph/agent.mjs
// On a PostgreSQL checkpointer the process may go while people decide:
//
//   DATABASE_URL=postgres://… node examples/langgraph/agent.mjs "<sql>" <thread>          starts a thread, and ends
//   DATABASE_URL=postgres://… node examples/langgraph/agent.mjs --follow <thread>         waits, resumes and ends
//   DATABASE_URL=postgres://… PORT=8090 node examples/langgraph/agent.mjs --serve         resumes on Holdpoint's callbacks
//
// Callbacks need CALLBACK=http://127.0.0.1:8090/holdpoint for all of these, and in holdpoint.yaml
// `callbacks: [http://127.0.0.1:8090/]`.
// The model is scripted (no vendor's key): replace `model` with one of your own.
import { createServer } from 'node:http';
import { AIMessage } from '@langchain/core/messages';
import { END, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createResumer, holdpointTool } from '@holdpoint/client/langgraph';
import { verifyCallback } from '@holdpoint/client';
import { connect, HINT, SQL } from '../connect.mjs';

const { DATABASE_URL, CALLBACK, PORT = '8090' } = process.env;
const client = connect();
const checkpointer = DATABASE_URL === undefined ? new MemorySaver() : PostgresSaver.fromConnString(DATABASE_URL);
await checkpointer.setup?.();

const runSql = holdpointTool({
  client,
  tool: 'postgres.execute',
  description: 'Runs one SQL statement on the users database',
  schema: { type: 'object', properties: { sql: { type: 'string' } }, required: ['sql'] },
  ...(CALLBACK === undefined ? {} : { callback: CALLBACK }),
});

/** Proposes one statement and returns the outcome. */
function model({ messages }) {
  const last = messages.at(-1);
  if (last.getType() === 'tool') return { messages: [new AIMessage(`The tool said ${last.content}`)] };
  const call = { id: 'call-1', name: 'postgres_execute', args: { sql: last.content } };
  return { messages: [new AIMessage({ content: '', tool_calls: [call] })] };
}

const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', model)
  .addNode('tools', new ToolNode([runSql]))
  .addEdge(START, 'model')
  .addConditionalEdges('model', ({ messages }) => (messages.at(-1).tool_calls?.length > 0 ? 'tools' : END))
  .addEdge('tools', 'model')
  .compile({ checkpointer });
const resumer = createResumer({ graph, client });
const lastOf = ({ messages }) => messages.at(-1).content;

if (SQL === '--serve') serve();
else {
  const thread = process.argv[3] ?? crypto.randomUUID();
  if (SQL !== '--follow') await start(thread);
  // Without a database the thread lives in this process alone, which therefore waits.
  if (SQL === '--follow' || DATABASE_URL === undefined) console.log(lastOf((await resumer.follow(thread)).values));
  await checkpointer.end?.();
}

async function start(thread) {
  const state = await graph.invoke(
    { messages: [{ role: 'user', content: SQL }] },
    { configurable: { thread_id: thread } },
  );
  const held = state.__interrupt__?.[0]?.value.holdpoint;
  console.log(held === undefined ? lastOf(state) : `${thread} waits for ${held.reviewId}. ${HINT}`);
}

/** Takes Holdpoint's callbacks. An answer other than 2xx makes it come again. */
function serve() {
  const server = createServer(async (request, response) => {
    try {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const { reviewId } = await verifyCallback(
        { body: Buffer.concat(chunks), headers: request.headers },
        { secrets: await client.callbackKeys() },
      );
      const resumed = await resumer.resume(reviewId);
      if (resumed.resumed) console.log(`${resumed.threadId} resumed: ${lastOf(resumed.output)}`);
      response.writeHead(204).end();
    } catch (error) {
      console.error(error);
      response.writeHead(error.code?.startsWith('webhook_') ? 400 : 500).end();
    }
  });
  server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
}

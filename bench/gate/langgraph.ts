import { randomUUID } from 'node:crypto';
import { Annotation, Command, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { startPostgres } from '../../test/support/postgres.ts';
import type { Caller, Door, GateTimes } from './measure.ts';

const State = Annotation.Root({ decision: Annotation<string>(), answer: Annotation<string>() });

/**
 * LangGraph.js with its PostgreSQL checkpointer, in the bench's own process: an interrupt, then the call. It keeps the state
 * of the thread and waits. Everything else is up to the application: who may resume, whether the call is the one that was
 * shown, and what became of a call when the process ends between it and the next checkpoint.
 */
export async function openLangGraph(target: string): Promise<Door & Caller> {
  const postgres = await startPostgres();
  const checkpointer = PostgresSaver.fromConnString(postgres.url());
  await checkpointer.setup();
  const makeCall = async (method: 'GET' | 'POST', path: string): Promise<{ answer: string }> => {
    const response = await fetch(`${target}${path}`, { method });
    return { answer: await response.text() };
  };
  const gate = new StateGraph(State)
    .addNode('ask', () => ({ decision: interrupt<unknown, string>({ tool: 'payouts.create', amount: 100 }) }))
    .addNode('create', () => makeCall('POST', '/payouts'))
    .addEdge(START, 'ask')
    .addConditionalEdges('ask', ({ decision }) => (decision === 'approve' ? 'create' : END), ['create', END])
    .addEdge('create', END)
    .compile({ checkpointer });
  const read = new StateGraph(State)
    .addNode('get', () => makeCall('GET', '/payouts/p-1'))
    .addEdge(START, 'get')
    .addEdge('get', END)
    .compile({ checkpointer });
  const newThread = () => ({ configurable: { thread_id: randomUUID() } });
  return {
    name: 'LangGraph',
    gate: async (): Promise<GateTimes> => {
      const thread = newThread();
      const started = performance.now();
      await gate.invoke({}, thread);
      const pending = performance.now();
      const { answer } = await gate.invoke(new Command({ resume: 'approve' }), thread);
      if (answer === undefined) throw new Error('the call was not made');
      return { pendingMs: pending - started, decidedMs: performance.now() - pending };
    },
    call: async () => {
      const { answer } = await read.invoke({}, newThread());
      if (answer === undefined) throw new Error('the call was not made');
    },
    close: async () => {
      await checkpointer.end();
      postgres.stop();
    },
  };
}

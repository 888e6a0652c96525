import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/messages.ts';
import type { Caller, Door, GateTimes } from './measure.ts';

/** Bare Temporal: a signal, a 24 h timer, one activity. The client signals, then waits for the workflow's result. */
export async function openBare(
  address: string,
  target: string,
): Promise<Door & Caller & { readonly standalone: Caller }> {
  const { client, ...door } = await open(
    'bare Temporal',
    new URL('./bare-worker.mjs', import.meta.url),
    { address, target },
    (opened) => opened.workflow.start('bareGate', { taskQueue: 'bare', workflowId: `bare-${randomUUID()}` }),
  );
  return {
    ...door,
    call: async () => {
      await client.workflow.execute('bareCall', { taskQueue: 'bare', workflowId: `bare-${randomUUID()}` });
    },
    standalone: {
      name: 'bare standalone activity',
      call: async () => {
        const options = { taskQueue: 'bare', startToCloseTimeout: '30s', retry: { maximumAttempts: 1 } } as const;
        await client.activity.execute('makeCall', { ...options, id: `bare-${randomUUID()}` });
      },
    },
  };
}

/** Temporal with everything that a hard gate asks of it, but nothing done: see `shape-workflow.ts`. */
export async function openShape(address: string, target: string): Promise<Door> {
  return open("the gate's shape", new URL('./shape-worker.mjs', import.meta.url), { address, target }, (client) =>
    client.workflow.start('shapeOfGate', {
      taskQueue: 'shape',
      workflowId: `shape-${randomUUID()}`,
      args: ['x'.repeat(680)],
      memo: { proposal: 'x'.repeat(140) },
      staticSummary: 'x'.repeat(90),
      typedSearchAttributes: Object.values(SEARCH_ATTRIBUTES).map((key) => ({ key, value: 'pending' })),
    }),
  );
}

interface Started {
  signal(name: 'decide', ...args: [string]): Promise<void>;
  result(): Promise<unknown>;
}

async function open(
  name: string,
  worker: URL,
  { address, target }: { readonly address: string; readonly target: string },
  start: (client: Client) => Promise<Started>,
): Promise<Door & { readonly client: Client }> {
  const child = spawn(process.execPath, [fileURLToPath(worker), address, target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  return {
    name,
    client,
    gate: async (): Promise<GateTimes> => {
      const started = performance.now();
      const handle = await start(client);
      const pending = performance.now();
      await handle.signal('decide', 'approve');
      await handle.result();
      return { pendingMs: pending - started, decidedMs: performance.now() - pending };
    },
    close: async () => {
      await connection.close();
      child.kill();
      await once(child, 'exit');
    },
  };
}

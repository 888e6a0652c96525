import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { Door, GateTimes } from './measure.ts';

const WORKER = fileURLToPath(new URL('./bare-worker.mjs', import.meta.url));

/** Bare Temporal: the client signals, then waits for the workflow's result. */
export async function openBare(address: string, target: string): Promise<Door> {
  const child = spawn(process.execPath, [WORKER, address, target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  return {
    name: 'bare Temporal',
    gate: async (): Promise<GateTimes> => {
      const started = performance.now();
      const handle = await client.workflow.start('bareGate', { taskQueue: 'bare', workflowId: `bare-${randomUUID()}` });
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

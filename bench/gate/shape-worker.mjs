import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

/** `node shape-worker.mjs <temporal address> <target url>`: one process for both task queues, as the embedded one. */
const [address, target] = process.argv.slice(2);
if (address === undefined || target === undefined) throw new TypeError('address and target');
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const gate = await Worker.create({
  connection,
  taskQueue: 'shape',
  workflowsPath: fileURLToPath(new URL('./shape-workflow.ts', import.meta.url)),
  activities: { echo: async (size) => 'x'.repeat(size) },
});
const execute = await Worker.create({
  connection,
  taskQueue: 'shape-execute',
  activities: {
    makeCall: async () => {
      const response = await fetch(target, { method: 'POST', body: '{"amount":100}' });
      return await response.text();
    },
  },
});
process.stdout.write('ready\n');
await Promise.all([gate.run(), execute.run()]);

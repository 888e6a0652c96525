import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

/** A worker of its own process, as Holdpoint's is: `node bare-worker.mjs <temporal address> <target url>`. */
const [address, target] = process.argv.slice(2);
if (address === undefined || target === undefined) throw new TypeError('address and target');
Runtime.install({ logger: new DefaultLogger('WARN') });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'bare',
  workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
  activities: {
    makeCall: async () => {
      const response = await fetch(target, { method: 'POST', body: '{"amount":100}' });
      return await response.text();
    },
  },
});
process.stdout.write('ready\n');
await worker.run();

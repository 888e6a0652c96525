// A worker of your own, on a task queue of your own: nothing of Holdpoint's is registered here.
// node examples/in-flow/worker.mjs        (TEMPORAL_ADDRESS, default 127.0.0.1:7233)
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';

const address = process.env.TEMPORAL_ADDRESS ?? '127.0.0.1:7233';
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'publishing',
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
});
console.log('worker: ready');
await worker.run();

// Starts one of the workflows and prints how it ended; decide in the reviewer's page or with `holdpoint review approve`.
// node examples/in-flow/start.mjs publishOnce '{"draft":{"title":"Hello","text":"World"},"editors":["ops"]}'
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';

const [workflow, ...inputs] = process.argv.slice(2);
const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '127.0.0.1:7233' });
const handle = await new Client({ connection }).workflow.start(workflow, {
  workflowId: `${workflow}-${randomUUID()}`,
  taskQueue: 'publishing',
  args: inputs.map((input) => JSON.parse(input)),
});
console.error(`waits as ${handle.workflowId}`);
console.log(JSON.stringify(await handle.result()));
await connection.close();

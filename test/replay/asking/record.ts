import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { startAskingWorker } from '../../support/asking-worker.ts';
import { connectTo, devServer } from '../../support/servers.ts';
import { startHarness } from '../../support/workflow-harness.ts';
import { PATHS } from './paths.ts';

/** `npm run bench ../test/replay/asking/record` records what has no file yet; see ../README.md. */

const { History } = proto.temporal.api.history.v1;
const fileOf = (name: string): string => fileURLToPath(new URL(`./histories/${name}.json`, import.meta.url));

const server = await devServer();
const env = await connectTo(server.address);
const gate = await startHarness(env, { now: Date.now });
const stopAsking = await startAskingWorker(env);
for (const [name, path] of Object.entries(PATHS)) {
  if (existsSync(fileOf(name))) continue;
  const asking = await path(gate);
  await asking.result().catch(() => undefined);
  const history = await asking.fetchHistory();
  const text = Buffer.from(History.encode(history).finish()).toString('base64');
  writeFileSync(fileOf(name), `${JSON.stringify({ workflowId: asking.workflowId, history: text })}\n`);
  process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
}
await stopAsking();
await gate.stop();
await env.teardown();
await server.stop();

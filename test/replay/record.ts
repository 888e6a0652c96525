import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import proto from '@temporalio/proto';
import { connectTo, devServer, timeSkippingServer } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { specialServer } from '../support/special-server.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { CONTINUING, REAL, SKIPPING, wrapFor, type Path, type World } from './paths.ts';

/** Run by `npm run record-histories`; see README.md here. */

const { History } = proto.temporal.api.history.v1;

const fileOf = (name: string): string => fileURLToPath(new URL(`./histories/${name}.json`, import.meta.url));

/** A history that is there is one of an earlier release: it stays. */
const isRecorded = (name: string): boolean => existsSync(fileOf(name)) || existsSync(fileOf(`${name}-1`));

/** Every run of a review, oldest first. */
async function runsOf(gate: Harness, reviewId: string, lastRunId?: string) {
  const history = await gate.client.workflow.getHandle(reviewId, lastRunId).fetchHistory();
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  const before = started?.continuedExecutionRunId;
  const earlier: (typeof history)[] =
    typeof before === 'string' && before !== '' ? await runsOf(gate, reviewId, before) : [];
  return [...earlier, history];
}

async function record(name: string, path: Path, world: World): Promise<void> {
  const { gate } = world;
  const { reviewId, handle } = await path(world);
  world.databaseIsDown = false;
  await handle.result();
  const runs = await runsOf(gate, reviewId);
  for (const [index, run] of runs.entries()) {
    const file = runs.length === 1 ? name : `${name}-${index + 1}`;
    const history = Buffer.from(History.encode(run).finish()).toString('base64');
    writeFileSync(fileOf(file), `${JSON.stringify({ workflowId: reviewId, history })}\n`);
    process.stdout.write(`${file}: ${run.events?.length ?? 0} events\n`);
  }
}

async function recordAll(paths: Readonly<Record<string, Path>>, env: TestWorkflowEnvironment): Promise<void> {
  const switches = { databaseIsDown: false, behind: 0 };
  const gate = await startHarness(env, {
    ...(env.supportsTimeSkipping ? {} : { now: Date.now }),
    wrap: wrapFor(switches),
    execute: { clock: { now: () => Date.now() - switches.behind } },
  });
  const world: World = Object.assign(switches, { gate });
  const settings = gate.settings.current();
  try {
    for (const [name, path] of Object.entries(paths)) {
      if (isRecorded(name)) continue;
      gate.settings.update(settings);
      gate.settings.setPolicy({ approval: ONE_OF_OPS });
      gate.answer(() => ({ status: 'executed', body: { ok: true }, upstreamStatus: 200 }));
      Object.assign(world, { databaseIsDown: false, behind: 0 });
      await gate.startWorker('gate');
      await gate.startWorker('execute');
      await record(name, path, world);
    }
  } finally {
    await gate.stop();
    await env.teardown();
  }
}

const isAnyLeft = (paths: Readonly<Record<string, Path>>): boolean => !Object.keys(paths).every(isRecorded);

if (isAnyLeft(SKIPPING)) await recordAll(SKIPPING, await timeSkippingServer());
for (const [paths, start] of [
  [REAL, devServer],
  [CONTINUING, () => specialServer({ dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 40 } })],
] as const) {
  if (!isAnyLeft(paths)) continue;
  const server = await start();
  await recordAll(paths, await connectTo(server.address));
  await server.stop();
}

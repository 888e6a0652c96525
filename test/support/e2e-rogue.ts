import { fileURLToPath } from 'node:url';
import { makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { RogueActivities } from './e2e-rogue-workflows.ts';
import type { World } from './e2e-world.ts';

/** A worker of somebody else's. */
export interface Rogue {
  stop(): Promise<void>;
}

const nothing = (): void => undefined;
/** What goes wrong for an intruder is what the tests want. */
const SILENT = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

let quiet = false;
function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  const logging = { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} };
  Runtime.install({ logger: SILENT, telemetryOptions: { logging } });
}

/** Polls a task queue, ours for instance, and competes with our worker for its tasks. */
export async function startRogue(
  world: World,
  taskQueue: string,
  activities: Partial<RogueActivities> & Readonly<Record<string, (...args: never[]) => Promise<unknown>>>,
  { workflows = true }: { readonly workflows?: boolean } = {},
): Promise<Rogue> {
  quietRuntime();
  const connection = await NativeConnection.connect({ address: world.holdpoint.temporalAddress });
  const worker = await Worker.create({
    connection,
    taskQueue,
    ...(workflows ? { workflowsPath: fileURLToPath(new URL('e2e-rogue-workflows.ts', import.meta.url)) } : {}),
    // The activities that its workflows ask for are left to the worker they are meant for.
    enableNonLocalActivities: !workflows,
    activities: { ...activities },
    identity: 'rogue',
  });
  const done = worker.run();
  return {
    stop: async () => {
      worker.shutdown();
      await done;
      await connection.close();
    },
  };
}

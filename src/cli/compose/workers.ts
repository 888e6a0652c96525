import {
  Worker,
  bundleWorkflowCode,
  DefaultLogger,
  type WorkerOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { DirectActivities, ExecuteActivities, GateActivities } from '../../activities/api.ts';
import { DIRECT_TASK_QUEUE, EXECUTE_TASK_QUEUE, GATE_TASK_QUEUE } from '../../workflows/messages.ts';
import { dataConverter, type WorkerContext } from './temporal.ts';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A worker that polls. */
export interface RunningWorker {
  /** Resolves when it has ended; rejects if it failed. */
  readonly ended: Promise<void>;
  isRunning(): boolean;
  /** Takes no new task, lets those in progress finish within the grace time, and resolves when it has ended. */
  stop(): Promise<void>;
}

/** Local activities take 1 s at most; what is in progress may finish. */
const GATE_GRACE_MS = 10_000;

/**
 * Runs the workflows and the gate's activities. With a `version`, a review stays with the version that opened it, until it is
 * moved: Temporal hands it to no other worker. Execute workers have no histories, so the newest of them runs everything.
 */
export async function runGateWorker(
  context: WorkerContext,
  activities: GateActivities,
  version: WorkerDeploymentVersion | null = null,
): Promise<RunningWorker> {
  const worker = await Worker.create({
    ...context,
    ...(version === null
      ? {}
      : { workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' } }),
    dataConverter,
    taskQueue: GATE_TASK_QUEUE,
    workflowBundle: await loadWorkflowCode({ isTraced: context.sinks !== undefined }),
    activities: { ...activities },
    // 10,000 pending reviews in a third of the memory, at the same latency (measured).
    maxCachedWorkflows: 200,
    // A worker that was killed is not waited for: ten seconds of silence otherwise.
    stickyQueueScheduleToStartTimeout: '1s',
    shutdownGraceTime: GATE_GRACE_MS,
  });
  return run(worker);
}

/**
 * Runs previews and calls, and alone holds credentials. `longestCallMs`: the longest that a connector may take; a
 * shutdown waits that long, so that it never interrupts a call after its claim.
 */
export async function runExecuteWorker(
  context: WorkerContext,
  activities: ExecuteActivities,
  longestCallMs: number,
): Promise<RunningWorker> {
  return runActivities(context, EXECUTE_TASK_QUEUE, activities, longestCallMs);
}

/** Calls without a workflow at once, in each execute worker. */
export const DIRECT_SLOTS = 100;

/** Runs calls that policy frees, in slots of their own. */
export async function runDirectWorker(
  context: WorkerContext,
  activities: DirectActivities,
  longestCallMs: number,
): Promise<RunningWorker> {
  return runActivities(context, DIRECT_TASK_QUEUE, activities, longestCallMs, {
    maxConcurrentActivityTaskExecutions: DIRECT_SLOTS,
    // By default a beat is held back for most of its time-out.
    maxHeartbeatThrottleInterval: '1s',
  });
}

async function runActivities(
  context: WorkerContext,
  taskQueue: string,
  activities: DirectActivities | ExecuteActivities,
  longestCallMs: number,
  options: Partial<WorkerOptions> = {},
): Promise<RunningWorker> {
  const worker = await Worker.create({
    ...context,
    dataConverter,
    taskQueue,
    activities: { ...activities },
    shutdownGraceTime: longestCallMs + 5_000,
    ...options,
  });
  return run(worker);
}

function run(worker: Worker): RunningWorker {
  const ended = worker.run();
  // A caller that waits for `ended` sees the failure; there may be none yet.
  ended.catch(() => undefined);
  return {
    ended,
    isRunning: () => {
      const { runState, workflowPollerState, activityPollerState } = worker.getStatus();
      return runState === 'RUNNING' && workflowPollerState !== 'FAILED' && activityPollerState !== 'FAILED';
    },
    stop: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}

const SOURCE = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
const PURE = fileURLToPath(new URL('../../workflows/pure.ts', import.meta.url));

const bundling = new Map<string, Promise<WorkflowBundleOption>>();

/**
 * The workflow code: the build's bundle, next to the compiled code, or, run from the sources as tests do, one made now, once.
 * `isTraced`: with the SDK's spans of each workflow; its commands and their order are the same (test/replay).
 */
export async function loadWorkflowCode({ isTraced = false } = {}): Promise<WorkflowBundleOption> {
  const name = isTraced ? 'workflow-bundle-traced.js' : 'workflow-bundle.js';
  const codePath = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  if (existsSync(codePath)) return { codePath };
  const bundle =
    bundling.get(name) ??
    bundleWorkflowCode({
      workflowsPath: SOURCE,
      preloadModules: [PURE],
      payloadConverterPath: dataConverter.payloadConverterPath as string,
      // As scripts/lib/build.mjs does.
      workflowInterceptorModules: isTraced ? [createRequire(import.meta.url).resolve(WORKFLOW_SPANS)] : [],
      logger: new DefaultLogger('WARN'),
    });
  bundling.set(name, bundle);
  return bundle;
}

const WORKFLOW_SPANS = '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors';

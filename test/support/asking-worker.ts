import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';

export const ASKING_TASK_QUEUE = 'somebody-elses';

/** A worker of somebody else's, with the workflows of test/workflow/asking. Returns how to stop it. */
export async function startAskingWorker(
  env: TestWorkflowEnvironment,
  options: Partial<WorkerOptions> = {},
): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection: env.nativeConnection,
    namespace: env.namespace ?? 'default',
    taskQueue: ASKING_TASK_QUEUE,
    workflowsPath: fileURLToPath(new URL('../workflow/asking/workflows.ts', import.meta.url)),
    ...options,
  });
  const ended = worker.run();
  ended.catch(() => undefined);
  return async () => {
    worker.shutdown();
    await ended;
  };
}

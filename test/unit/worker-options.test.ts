import type * as sdk from '@temporalio/worker';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { runExecuteWorker, runGateWorker } from '../../src/cli/compose/workers.ts';

// Bundling takes seconds.
// Files of this tier share what they have loaded: what is replaced here is loaded anew, before and after.
vi.hoisted(() => vi.resetModules());
afterAll(() => void vi.resetModules());

vi.mock('@temporalio/worker', async (original) => ({
  ...(await original<typeof sdk>()),
  bundleWorkflowCode: async () => ({ code: '' }),
}));

const context = { connection: {} as NativeConnection, namespace: 'n' };
let made: WorkerOptions[];
beforeEach(() => {
  made = [];
  vi.spyOn(Worker, 'create').mockImplementation(async (options) => {
    made.push(options);
    return { run: async () => undefined, getState: () => 'STOPPED' } as unknown as Worker;
  });
});

test('workflow tasks of a gate worker that was killed wait no longer than a second for it', async () => {
  await runGateWorker(context, {} as Parameters<typeof runGateWorker>[1]);
  expect(made).toMatchObject([{ taskQueue: 'holdpoint-gate', stickyQueueScheduleToStartTimeout: '1s' }]);
});

test('a shutdown of an execute worker leaves more time than the longest call takes', async () => {
  await runExecuteWorker(context, {} as Parameters<typeof runExecuteWorker>[1], 30_000);
  expect(made).toMatchObject([{ taskQueue: 'holdpoint-execute', shutdownGraceTime: expect.any(Number) }]);
  expect(made[0]?.shutdownGraceTime).toBeGreaterThan(30_000);
});

test('a gate worker with a version takes the workflows of that version; without, it takes all', async () => {
  const version = { deploymentName: 'holdpoint', buildId: '2' };
  const activities = {} as Parameters<typeof runGateWorker>[1];
  await runGateWorker(context, activities, version);
  await runGateWorker(context, activities);
  expect(made.map(({ workerDeploymentOptions }) => workerDeploymentOptions)).toEqual([
    { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
    undefined,
  ]);
});

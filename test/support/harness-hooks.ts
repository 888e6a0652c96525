import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll } from 'vitest';
import { timeSkippingServer } from './servers.ts';
import { startHarness, type Harness } from './workflow-harness.ts';

/** Workers on a time-skipping server for all tests of a file, e.g. `harnessForAll((made) => ({ env, gate } = made))`. */
export function harnessForAll(
  take: (made: { readonly env: TestWorkflowEnvironment; readonly gate: Harness }) => void,
): void {
  let env: TestWorkflowEnvironment | undefined;
  let gate: Harness | undefined;
  beforeAll(async () => {
    env = await timeSkippingServer();
    gate = await startHarness(env);
    take({ env, gate });
  });
  afterAll(async () => {
    await gate?.stop();
    await env?.teardown();
  });
}

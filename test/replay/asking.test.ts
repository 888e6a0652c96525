import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { DeterminismViolationError } from '@temporalio/workflow';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { PATHS } from './asking/paths.ts';

const FOLDER = new URL('./asking/histories/', import.meta.url);

let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflow/asking/workflows.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
});

function load(name: string) {
  const { workflowId, history } = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as {
    readonly workflowId: string;
    readonly history: string;
  };
  return { workflowId, history: proto.temporal.api.history.v1.History.decode(Buffer.from(history, 'base64')) };
}

/** `requestApproval` runs inside workflows of others, which replay what an earlier release of it commanded. */
describe('histories of workflows that asked replay', () => {
  it('there is one of every path', () => {
    const files = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ''));
    expect(files.toSorted()).toEqual(Object.keys(PATHS).toSorted());
  });

  it.each(Object.keys(PATHS))('%s', async (name) => {
    const { workflowId, history } = load(name);
    await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
  });

  it('another way of asking is noticed', async () => {
    const { workflowId, history } = load('answered');
    for (const event of history.events ?? []) {
      const attributes = event.startChildWorkflowExecutionInitiatedEventAttributes;
      if (attributes) attributes.workflowType = { name: 'anotherGate' };
    }
    await expect(Worker.runReplayHistory({ workflowBundle }, history, workflowId)).rejects.toBeInstanceOf(
      DeterminismViolationError,
    );
  });
});

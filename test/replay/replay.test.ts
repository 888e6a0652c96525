import { readdirSync, readFileSync } from 'node:fs';
import proto from '@temporalio/proto';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { loadWorkflowCode } from '../../src/cli/compose/workflow-code.ts';

const FOLDER = new URL('./histories/', import.meta.url);
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

function load(file: string) {
  const { workflowId, history } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as {
    readonly workflowId: string;
    readonly history: string;
  };
  return { workflowId, history: proto.temporal.api.history.v1.History.decode(Buffer.from(history, 'base64')) };
}

describe('law 10: histories of earlier releases replay', () => {
  it('there are histories to replay', () => {
    expect(files.length).toBeGreaterThanOrEqual(10);
  });

  it.each(files)('%s', async (file) => {
    const { workflowId, history } = load(file);
    await Worker.runReplayHistory({ workflowBundle: await loadWorkflowCode() }, history, workflowId);
  });

  it('another command is noticed', async () => {
    const { workflowId, history } = load('approved.json');
    const scheduled = history.events?.find((event) => Boolean(event.activityTaskScheduledEventAttributes));
    // The same history as if an earlier release had scheduled another activity there.
    const attributes = scheduled?.activityTaskScheduledEventAttributes;
    if (!attributes) throw new TypeError('an approved call schedules an activity');
    attributes.activityType = { name: 'anotherCall' };
    await expect(
      Worker.runReplayHistory({ workflowBundle: await loadWorkflowCode() }, history, workflowId),
    ).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});

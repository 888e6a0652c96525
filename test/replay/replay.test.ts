import { readdirSync, readFileSync, statSync } from 'node:fs';
import proto from '@temporalio/proto';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { loadWorkflowCode } from '../../src/cli/compose/workers.ts';
import { CONTINUING, REAL, SKIPPING } from './paths.ts';

const FOLDER = new URL('./histories/', import.meta.url);
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

/** Spans go nowhere. */
const sinks = { exporter: { export: { fn: () => undefined } } };

function load(file: string) {
  const { workflowId, history } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as {
    readonly workflowId: string;
    readonly history: string;
  };
  return { workflowId, history: proto.temporal.api.history.v1.History.decode(Buffer.from(history, 'base64')) };
}

describe('law 10: histories of earlier releases replay', () => {
  it('there are histories to replay', () => {
    expect(files.length).toBeGreaterThanOrEqual(35);
    expect(files.filter((file) => statSync(new URL(file, FOLDER)).size > 200_000)).toEqual([]);
  });

  it('there is one of every path that can be recorded', () => {
    const paths = Object.keys({ ...SKIPPING, ...REAL, ...CONTINUING });
    // A run that continues as new has one file for each run.
    const isThere = (path: string): boolean => ['', '-1'].some((run) => files.includes(`${path}${run}.json`));
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });

  it.each(files)('%s', async (file) => {
    const { workflowId, history } = load(file);
    await Worker.runReplayHistory({ workflowBundle: await loadWorkflowCode() }, history, workflowId);
  });

  // So traces can be turned on while reviews are pending.
  it.each(files)('%s, with traces', async (file) => {
    const { workflowId, history } = load(file);
    const options = { workflowBundle: await loadWorkflowCode({ isTraced: true }), sinks };
    await Worker.runReplayHistory(options, history, workflowId);
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

  it('another order of the same commands is noticed', async () => {
    const { workflowId, history } = load('approved.json');
    const { events } = history;
    const at = events.findIndex((event, index) =>
      Boolean(event.timerStartedEventAttributes && events[index - 1]?.markerRecordedEventAttributes),
    );
    const place = at === -1 ? events.findIndex((event) => Boolean(event.timerStartedEventAttributes)) : at;
    const [before, timer] = [events[place - 1], events[place]];
    if (before === undefined || timer === undefined) throw new TypeError('a review that waits starts a timer');
    // What an earlier release would have left that started its timer one command earlier.
    const { eventId } = before;
    before.eventId = timer.eventId ?? null;
    timer.eventId = eventId ?? null;
    events.splice(place - 1, 2, timer, before);
    await expect(
      Worker.runReplayHistory({ workflowBundle: await loadWorkflowCode() }, history, workflowId),
    ).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});

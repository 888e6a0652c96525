import type { Client } from '@temporalio/client';
import proto, { type temporal } from '@temporalio/proto';

type Payload = temporal.api.common.v1.IPayload;

const text = (value: string): Uint8Array => Buffer.from(value);

/** What somebody with access to Temporal can put on the wire, and no SDK would. */
export const PAYLOADS = {
  bogusEncoding: { metadata: { encoding: text('binary/nonsense') }, data: text('?') },
  invalidJson: { metadata: { encoding: text('json/plain') }, data: text('{"payload": ') },
  notUtf8: { metadata: { encoding: text('json/plain') }, data: Uint8Array.of(0xff, 0xfe, 0x22) },
  noEncoding: { metadata: {}, data: text('{}') },
  empty: {},
  protobuf: {
    metadata: { encoding: text('json/protobuf'), messageType: text('no.such.Message') },
    data: text('{"a":1}'),
  },
  binary: { metadata: { encoding: text('binary/plain') }, data: Uint8Array.of(0, 1, 2) },
} satisfies Record<string, Payload>;

/** Sends a signal with payloads as they stand. */
export async function signalRaw(
  client: Client,
  workflowId: string,
  signalName: string,
  payloads: readonly Payload[],
): Promise<void> {
  await client.workflowService.signalWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId },
    signalName,
    input: { payloads: [...payloads] },
    identity: 'somebody with access to Temporal',
  });
}

/** Id of a scheduled activity of one type that has not ended, as anybody can read it. `not`: one that is over. */
async function findActivityId(
  client: Client,
  workflowId: string,
  type: string,
  not?: string,
): Promise<string | undefined> {
  const { pendingActivities } = await client.workflowService.describeWorkflowExecution({
    namespace: client.options.namespace,
    execution: { workflowId },
  });
  const isWanted = ({ activityType, activityId }: (typeof pendingActivities)[number]): boolean =>
    activityType?.name === type && activityId !== not;
  return pendingActivities.find(isWanted)?.activityId ?? undefined;
}

/** Waits until an activity of a type is pending, and gives its id. */
export async function untilActivity(...what: Parameters<typeof findActivityId>): Promise<string> {
  for (let tries = 0; tries < 500; tries += 1) {
    const id = await findActivityId(...what);
    if (id !== undefined) return id;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what[2]} was never scheduled`);
}

/** Ids of the events of one kind, oldest first. */
export async function eventsOf(
  client: Client,
  workflowId: string,
  kind: keyof temporal.api.history.v1.IHistoryEvent,
  runId?: string,
): Promise<readonly temporal.api.history.v1.IHistoryEvent[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).filter((event) => event[kind] !== undefined && event[kind] !== null);
}

/** Waits until there is an event of one kind. */
export async function untilEvent(...where: Parameters<typeof eventsOf>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if ((await eventsOf(...where)).length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${where[2]} never came`);
}

/** Resets a workflow to a completed workflow task, as an operator or an intruder can. Returns the new run's id. */
export async function resetTo(
  client: Client,
  workflowId: string,
  workflowTaskFinishEventId: temporal.api.history.v1.IHistoryEvent['eventId'],
  options: { readonly reapplySignals?: boolean; readonly runId?: string } = {},
): Promise<string> {
  const { RESET_REAPPLY_TYPE_NONE, RESET_REAPPLY_TYPE_SIGNAL } = proto.temporal.api.enums.v1.ResetReapplyType;
  const answer = await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, ...(options.runId === undefined ? {} : { runId: options.runId }) },
    workflowTaskFinishEventId: workflowTaskFinishEventId ?? null,
    reason: 'a test',
    requestId: `${workflowId}-${Date.now()}-${Math.random()}`,
    resetReapplyType: options.reapplySignals === true ? RESET_REAPPLY_TYPE_SIGNAL : RESET_REAPPLY_TYPE_NONE,
  });
  return answer.runId;
}

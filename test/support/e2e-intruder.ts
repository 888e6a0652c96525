import { randomUUID } from 'node:crypto';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { ulid } from 'ulid';
import type { DecisionPayload, DsseEnvelope, EnvelopeKind, EnvelopePayload } from '../../src/contract/envelope.ts';
import type { Review } from '../../src/contract/review.ts';
import { createSigner, loadKeys } from '../../src/storage/keys/index.ts';
import type { ReviewQueryResult } from '../../src/workflows/messages.ts';
import { makeKey, signerOf } from './keys.ts';
import { until, type World } from './e2e-world.ts';

type Payload = temporal.api.common.v1.IPayload;

/** Somebody who reaches Temporal, with all its powers, and knows everything that stands in it. Holds no key of ours. */
export interface Intruder {
  readonly connection: Connection;
  readonly client: Client;
  handle(reviewId: string): WorkflowHandle;
  /** Every event of the latest run, or of the run named. */
  history(reviewId: string, runId?: string): Promise<readonly temporal.api.history.v1.IHistoryEvent[]>;
  /** Envelopes of a kind that Temporal has of a review, in order. */
  envelopes(reviewId: string, kind: EnvelopeKind): Promise<readonly DsseEnvelope[]>;
  signal(reviewId: string, name: string, ...args: readonly unknown[]): Promise<void>;
  /** A signal whose payloads are bytes of one's own choice. */
  signalRaw(reviewId: string, name: string, payloads: readonly Payload[]): Promise<void>;
  /** Receipts as the workflow tells them, once it has seen every signal sent so far. */
  receipts(reviewId: string): Promise<ReviewQueryResult['receipts']>;
  /** Starts a workflow as one pleases. */
  start(type: string, workflowId: string, args: readonly unknown[], more?: StartOptions): Promise<WorkflowHandle>;
  /** Resets to the end of the n-th workflow task (from 0; negative: from the end). Resolves with the new run's id. */
  reset(reviewId: string, task: number, options?: ResetOptions): Promise<string>;
  /** Id of the activity of a type that is scheduled now. */
  activityId(reviewId: string, type: string): Promise<string>;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly taskQueue?: string;
  readonly identity?: string;
  readonly allowDuplicate?: boolean;
  readonly terminateExisting?: boolean;
}

export interface ResetOptions {
  readonly runId?: string;
  /** Signals that came after the point are lost. */
  readonly withoutSignals?: boolean;
}

const NAMESPACE = 'default';

export async function intrude(world: World): Promise<Intruder> {
  const connection = await Connection.connect({ address: world.holdpoint.temporalAddress });
  const client = new Client({ connection });
  const { workflowService } = connection;
  const handle: Intruder['handle'] = (reviewId) => client.workflow.getHandle(reviewId);

  const history: Intruder['history'] = async (workflowId, runId) => {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    return events ?? [];
  };

  const signalRaw: Intruder['signalRaw'] = async (workflowId, signalName, payloads) => {
    await workflowService.signalWorkflowExecution({
      namespace: NAMESPACE,
      workflowExecution: { workflowId },
      signalName,
      input: { payloads: [...payloads] },
      identity: 'intruder',
      requestId: randomUUID(),
    });
  };

  return {
    connection,
    client,
    handle,
    history,
    envelopes: async (reviewId, kind) => {
      const text = JSON.stringify(textOf(await history(reviewId)));
      // Each payload of an event is one JSON text, quoted once more here.
      const found = [...JSON.parse(text).join('\n').matchAll(ENVELOPE)].map(
        ([whole]) => JSON.parse(whole as string) as DsseEnvelope,
      );
      const ofKind = found.filter(({ payloadType }) => payloadType.includes(`.${kind}.`));
      return [...new Map(ofKind.map((envelope) => [envelope.payload, envelope])).values()];
    },
    signal: (reviewId, name, ...args) => handle(reviewId).signal(name, ...args),
    signalRaw,
    receipts: async (reviewId) => (await handle(reviewId).query<ReviewQueryResult>('getReview')).receipts,
    start: async (type, workflowId, args, { taskQueue, identity, allowDuplicate, terminateExisting } = {}) => {
      const starter = identity === undefined ? client : new Client({ connection, identity });
      return starter.workflow.start(type, {
        workflowId,
        taskQueue: taskQueue ?? 'holdpoint-gate',
        args: [...args],
        workflowIdReusePolicy:
          allowDuplicate === true || terminateExisting === true ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
        ...(terminateExisting === true ? { workflowIdConflictPolicy: 'TERMINATE_EXISTING' } : {}),
      });
    },
    reset: async (workflowId, task, { runId, withoutSignals } = {}) => {
      const run = runId ?? (await handle(workflowId).describe()).runId;
      const point = await until(
        async () => {
          const tasks = (await history(workflowId, run)).filter((event) => event.workflowTaskCompletedEventAttributes);
          return tasks.at(task)?.eventId ?? undefined;
        },
        { what: `workflow task ${task} of ${workflowId}` },
      );
      const done = await workflowService.resetWorkflowExecution({
        namespace: NAMESPACE,
        workflowExecution: { workflowId, runId: run },
        reason: 'intrusion',
        workflowTaskFinishEventId: point,
        requestId: randomUUID(),
        resetReapplyExcludeTypes: withoutSignals === true ? [REAPPLY_NO_SIGNALS] : [],
      });
      return done.runId;
    },
    activityId: (workflowId, type) =>
      until(
        async () => {
          const { pendingActivities } = await workflowService.describeWorkflowExecution({
            namespace: NAMESPACE,
            execution: { workflowId },
          });
          return pendingActivities.find(({ activityType }) => activityType?.name === type)?.activityId ?? undefined;
        },
        { what: `an activity ${type} of ${workflowId}` },
      ),
    close: () => connection.close(),
  };
}

/** temporal.api.enums.v1.ResetReapplyExcludeType, SIGNAL. */
const REAPPLY_NO_SIGNALS = 1;
const ENVELOPE = /\{"payload":"[^"]*","payloadType":"application\/vnd\.holdpoint\.[^"]*","signatures":\[[^\]]*\]\}/g;

/** Every piece of text in a message, what is encoded inside other text included, and that inside it. */
export function textOf(value: unknown): string[] {
  if (typeof value === 'string') return [value, ...encodedIn(value)];
  if (value instanceof Uint8Array) return textOf(Buffer.from(value).toString('utf8'));
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textOf);
}

function encodedIn(text: string): string[] {
  return [...text.matchAll(/[A-Za-z0-9+/_-]{20,}={0,2}/g)].flatMap(([part]) => {
    const decoded = Buffer.from(part, 'base64').toString('utf8');
    return decoded === text || decoded.includes('\ufffd') ? [] : textOf(decoded);
  });
}

/**
 * What a stolen or misused key of ours could sign: for what is signed rightly and still must not count (late, replayed,
 * by somebody who may not). A hostile client does not have it.
 */
export function keysOf(world: World) {
  const keys = loadKeys(`${world.holdpoint.dataDir}/keys`, ['propose', 'review']);
  return { review: createSigner('review', keys), propose: createSigner('propose', keys) };
}

/** Signs anything with a key that nobody trusts, under whatever key id it likes. */
export function forger(keyid: string) {
  return signerOf(makeKey(keyid));
}

/** A decision on what a review shows. */
export function decisionOn(review: Review, more: Partial<DecisionPayload> = {}): EnvelopePayload<'decision'> {
  return {
    deploymentId: review.deploymentId,
    reviewId: review.reviewId,
    decisionUlid: ulid(),
    revision: review.revision,
    level: review.level,
    type: 'approve',
    digest: review.call.digest ?? '',
    reviewer: { id: 'ops-1', method: 'token' },
    channel: 'api',
    decidedAt: new Date().toISOString(),
    ...more,
  };
}

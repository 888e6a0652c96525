import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { StartError } from '../start-error.ts';
import { DIRECT_GRPC } from './proxy.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import type { TemporalTarget } from './temporal-target.ts';
import type { Tracing, WorkerTracing } from './otel.ts';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { TemporalReview } from '../../activities/restored-reviews.ts';
import type { Timestamp } from '../../contract/json.ts';
import {
  GATE_TASK_QUEUE,
  GATED_CALL,
  SEARCH_ATTRIBUTES,
  submitDecision,
  type GatedCallInput,
} from '../../workflows/messages.ts';

/** Where and how a worker polls. */
export interface WorkerContext extends WorkerTracing {
  readonly connection: NativeConnection;
  readonly namespace: string;
}

/** Connections for senders (`client`) and, on demand, for workers (`worker`). */
export interface TemporalConnections {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  /** What every worker of this process is made with. */
  worker(): Promise<WorkerContext>;
  close(): Promise<void>;
}

/** Connects, and registers the search attributes: no worker may poll before that. Each try takes up to 10 s. */
export async function connectTemporal(
  target: TemporalTarget,
  { tries = 1, tracing }: { readonly tries?: number; readonly tracing?: Tracing | undefined } = {},
): Promise<TemporalConnections> {
  const { connectionOptions, namespace } = target;
  const connection = await connect(connectionOptions, tries).catch((error: unknown) => {
    throw unreachable(target, error);
  });
  try {
    await registerSearchAttributes(connection, namespace);
  } catch (error) {
    await connection.close();
    throw error instanceof StartError ? error : unreachable(target, error);
  }
  let native: Promise<NativeConnection> | undefined;
  return {
    client: new Client({ connection, namespace, dataConverter, ...(tracing && { interceptors: tracing.client }) }),
    connection,
    namespace,
    worker: async () => {
      native ??= NativeConnection.connect(connectionOptions);
      return { connection: await native, namespace, ...tracing?.worker };
    },
    close: async () => {
      await (await native)?.close();
      await connection.close();
    },
  };
}

async function connect(options: TemporalTarget['connectionOptions'], tries: number): Promise<Connection> {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await Connection.connect({ ...options, ...DIRECT_GRPC, connectTimeout: '10s' });
    } catch (error) {
      if (left <= 0) throw error;
    }
  }
}

function unreachable({ connectionOptions, namespace }: TemporalTarget, cause: unknown): StartError {
  const details = cause instanceof Error ? cause.message : String(cause);
  return new StartError(
    'temporal_unavailable',
    `Temporal at ${connectionOptions.address ?? 'localhost:7233'}, namespace ${namespace}, cannot be used: ${details}. ` +
      `Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the credentials.`,
    { cause },
  );
}

/** For every client and worker, and for the workflow bundle: see the file it names. */
export const dataConverter: DataConverter = {
  payloadConverterPath: fileURLToPath(new URL('../../workflows/payload-converter.cjs', import.meta.url)),
};

/** What the workers ask Temporal about reviews, apart from the work that it hands them. */
export interface ReviewLookups {
  /** Who started a run: the identity in its first event, which no later one can change. */
  starterIdentity(reviewId: string, runId: string): Promise<string>;
  /** Whether Temporal has an open workflow of this id. Rejects if it cannot tell. */
  isRunning(reviewId: string): Promise<boolean>;
  /** Whether Temporal has, or had, a workflow of this id. Rejects if it cannot tell. */
  isKnown(reviewId: string): Promise<boolean>;
  /** Starts a review's workflow again under its id. */
  restart(reviewId: string, request: GatedCallInput): Promise<void>;
  /** Reviews whose workflow runs or has ended since. */
  workflowsSince(since: Timestamp): AsyncIterable<TemporalReview>;
  /** Whether the workflow has scheduled the call, in any of its runs that Temporal still has. */
  hasAskedForCall(reviewId: string): Promise<boolean>;
  /** Ends a workflow that cannot go on; one that has ended stays as it is. */
  terminate(reviewId: string, reason: string): Promise<void>;
  /** Signals that the database has an objection; does nothing where no workflow is open. */
  wake(reviewId: string, envelope: DsseEnvelope): Promise<void>;
  /** Where the Web UI shows a run; null without a Web UI. */
  workflowUrl(reviewId: string, runId: string): string | null;
}

export function createReviewLookups(temporal: TemporalConnections, uiUrl: string | null): ReviewLookups {
  const { client, connection, namespace } = temporal;
  const statusOf = async (reviewId: string): Promise<string | undefined> =>
    (await ifFound(client.workflow.getHandle(reviewId).describe()))?.status.name;
  return {
    starterIdentity: async (workflowId, runId) => {
      const { history } = await connection.workflowService.getWorkflowExecutionHistory({
        namespace,
        execution: { workflowId, runId },
        maximumPageSize: 1,
      });
      return history?.events?.[0]?.workflowExecutionStartedEventAttributes?.identity ?? '';
    },
    isRunning: async (reviewId) => (await statusOf(reviewId)) === 'RUNNING',
    isKnown: async (reviewId) => (await statusOf(reviewId)) !== undefined,
    restart: async (reviewId, request) => {
      await client.workflow.start(GATED_CALL, { workflowId: reviewId, taskQueue: GATE_TASK_QUEUE, args: [request] });
    },
    workflowsSince: async function* (since) {
      const query = `TaskQueue = '${GATE_TASK_QUEUE}' AND (ExecutionStatus = 'Running' OR CloseTime > '${since}')`;
      for await (const { workflowId, status, typedSearchAttributes: attributes } of client.workflow.list({ query })) {
        yield {
          reviewId: workflowId,
          isRunning: status.name === 'RUNNING',
          status: attributes.get(SEARCH_ATTRIBUTES.status) ?? null,
          tool: attributes.get(SEARCH_ATTRIBUTES.tool) ?? null,
        };
      }
    },
    hasAskedForCall: async (reviewId) => {
      const { events } = await client.workflow.getHandle(reviewId).fetchHistory();
      return (events ?? []).some(
        ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'executeCall',
      );
    },
    terminate: async (reviewId, reason) => {
      await ifFound(client.workflow.getHandle(reviewId).terminate(reason));
    },
    wake: (reviewId, envelope) => ifFound(client.workflow.getHandle(reviewId).signal(submitDecision, envelope)),
    workflowUrl: (reviewId, runId) =>
      uiUrl === null
        ? null
        : `${uiUrl.replace(/\/$/, '')}/namespaces/${namespace}/workflows/${reviewId}/${runId}/history`,
  };
}

/** Undefined: there is no such workflow, or it has ended. */
async function ifFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

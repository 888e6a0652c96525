import { WorkflowNotFoundError } from '@temporalio/client';
import type { DsseEnvelope } from '../../contract/envelope.ts';
import { GATE_TASK_QUEUE, GATED_CALL, submitDecision, type GatedCallInput } from '../../workflows/messages.ts';
import type { TemporalConnections } from './temporal.ts';

/** What the workers ask Temporal about reviews, apart from the work that it hands them. */
export interface ReviewLookups {
  /** Who started a run: the identity in its first event, which no later one can change. */
  starterIdentity(reviewId: string, runId: string): Promise<string>;
  /** Whether Temporal has an open workflow of this id. Rejects where it cannot say. */
  isRunning(reviewId: string): Promise<boolean>;
  /** Whether Temporal has, or had, a workflow of this id. Rejects where it cannot say. */
  isKnown(reviewId: string): Promise<boolean>;
  /** Starts a review's workflow again under its id. */
  restart(reviewId: string, request: GatedCallInput): Promise<void>;
  /** Signals that the database has an objection; does nothing where no workflow is open. */
  wake(reviewId: string, envelope: DsseEnvelope): Promise<void>;
  /** Where the Web UI shows a run; null without a Web UI. */
  workflowUrl(reviewId: string, runId: string): string | null;
}

export function createReviewLookups(temporal: TemporalConnections, uiUrl: string | null): ReviewLookups {
  const { client, connection, namespace } = temporal;
  const statusOf = async (reviewId: string): Promise<string | undefined> => {
    try {
      return (await client.workflow.getHandle(reviewId).describe()).status.name;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };
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
    wake: async (reviewId, envelope) => {
      try {
        await client.workflow.getHandle(reviewId).signal(submitDecision, envelope);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    workflowUrl: (reviewId, runId) =>
      uiUrl === null
        ? null
        : `${uiUrl.replace(/\/$/, '')}/namespaces/${namespace}/workflows/${reviewId}/${runId}/history`,
  };
}

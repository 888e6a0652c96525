import type { TemporalConnections } from './temporal.ts';

/** Asks Temporal who started a run: the identity in its first event, which no later one can change. */
export function createStarterLookup({ connection, namespace }: TemporalConnections) {
  return async (workflowId: string, runId: string): Promise<string> => {
    const { history } = await connection.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    });
    return history?.events?.[0]?.workflowExecutionStartedEventAttributes?.identity ?? '';
  };
}

/** Where the Web UI shows a run; null without a Web UI. */
export function createWorkflowLinks(uiUrl: string | null, namespace: string) {
  return (workflowId: string, runId: string): string | null =>
    uiUrl === null
      ? null
      : new URL(`namespaces/${namespace}/workflows/${workflowId}/${runId}/history`, `${uiUrl.replace(/\/$/, '')}/`)
          .href;
}

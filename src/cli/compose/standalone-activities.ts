import type { Connection } from '@temporalio/client';

/** Whether this Temporal runs activities without a workflow. Self-hosted servers do with `activity.enableStandalone: true`. */
export async function hasStandaloneActivities(
  { workflowService }: Pick<Connection, 'workflowService'>,
  namespace: string,
): Promise<boolean> {
  const { namespaceInfo } = await workflowService.describeNamespace({ namespace });
  return namespaceInfo?.capabilities?.standaloneActivities === true;
}

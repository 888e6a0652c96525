import { proxyActivities } from '@temporalio/workflow';
import type { ExecuteActivities, GatherEvidenceInput, Version, WithEvidence } from '../activities/api.ts';
import { gate } from './local.ts';
import { EXECUTE_TASK_QUEUE } from './messages.ts';
import type { Session } from './session.ts';

const { gatherEvidence: gather } = proxyActivities<Pick<ExecuteActivities, 'gatherEvidence'>>({
  taskQueue: EXECUTE_TASK_QUEUE,
  // A preview that does not come in time is done without: people are still asked.
  scheduleToCloseTimeout: '10s',
  retry: { maximumAttempts: 1 },
  summary: 'gather evidence',
});

/**
 * Evidence for one version. Whether the activity says that it worked means nothing (it could have been completed from
 * outside); what counts is the signed envelope that the execute worker left in the database.
 */
export async function gatherEvidence(
  session: Pick<Session, 'proposal' | 'reviewId'>,
  version: Pick<Version, 'material'>,
  change: GatherEvidenceInput['change'],
): Promise<WithEvidence> {
  const { proposal, reviewId } = session;
  if (proposal !== null) {
    await gather({ reviewId, revision: version.material.revision, proposal, change }).catch(() => undefined);
  }
  return gate.attachEvidence({ material: version.material });
}

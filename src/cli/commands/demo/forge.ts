import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { DsseEnvelope } from '../../../contract/envelope.ts';
import type { Review } from '../../../contract/review.ts';
import { pause } from './tour.ts';

/**
 * What a person with full access to Temporal could send: a well-formed approval in the name of `ops-1`, on the right
 * digest, signed with a key of their own; and a plain object that just says yes. Resolves with what the workflow says
 * of it: `accepted`, or undefined where it took no notice.
 */
export async function forgeApproval(temporalAddress: string, review: Review): Promise<string | undefined> {
  const [{ Client, Connection }, { getReview, submitDecision }, { signEnvelope }, { ulidOf }] = await Promise.all([
    import('@temporalio/client'),
    import('../../../workflows/messages.ts'),
    import('../../../domain/proof/dsse.ts'),
    import('../../../domain/ulid.ts'),
  ]);
  const { privateKey } = generateKeyPairSync('ed25519');
  const decisionUlid = ulidOf(Date.now(), randomUUID());
  const envelope = signEnvelope(
    'decision',
    {
      deploymentId: review.deploymentId,
      reviewId: review.reviewId,
      decisionUlid,
      revision: review.revision,
      level: review.level,
      type: 'approve',
      digest: review.call.digest as string,
      reviewer: { id: 'ops-1', method: 'token' },
      channel: 'api',
      decidedAt: new Date().toISOString(),
    },
    privateKey,
    'ops-1',
  );
  const connection = await Connection.connect({ address: temporalAddress, connectTimeout: '5s' });
  try {
    const handle = new Client({ connection }).workflow.getHandle(review.workflow.workflowId);
    await handle.signal(submitDecision, envelope);
    await handle.signal(submitDecision, { approved: true } as unknown as DsseEnvelope);
    // A real decision is admitted within milliseconds.
    await pause(2_000);
    const { receipts } = await handle.query(getReview);
    return receipts[decisionUlid];
  } finally {
    await connection.close();
  }
}

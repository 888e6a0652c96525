// Bundled by package.test.ts into the workflow sandbox, with the helper as it is packed.
import { requestApproval } from '@holdpoint/client/workflow';

export async function publishes(draft) {
  const decision = await requestApproval({ title: 'Publish?', proposal: { draft }, approvers: ['editors'] });
  return decision.type === 'approve' ? decision.proposal.draft : decision.type;
}

/** Stands for Holdpoint's. */
export async function approvalGate({ proposal }) {
  return { reviewId: 'rev_x', type: 'approve', proposal, by: 'editor-1', comment: null };
}

import { Holdpoint, signProposal, verifyWebhook } from '@holdpoint/client';

// Compiled by package.test.ts as a program of somebody else's, against the published types. Never run.

export async function deleteRepository(owner: string, repo: string, signal: AbortSignal): Promise<unknown> {
  const hp = new Holdpoint();
  const d = await hp.execute({
    service: 'github',
    tool: 'github.repos.delete',
    arguments: { owner, repo },
    context: { env: 'production' },
  });
  if (d.executed) return d.execution.body;
  if (d.blocked) return d.reasonCodes;
  if (!d.escalated) return d.executionError;
  const end = await d.review.resolution({ timeout: '10m', signal });
  return end.executed ? end.execution.body : end.status === 'rejected' ? end.retryable : end.comment;
}

export async function receive(request: { text(): Promise<string>; headers: Headers }): Promise<string> {
  const { id } = await verifyWebhook({ body: await request.text(), headers: request.headers }, { secrets: 'whsec_x' });
  const named = { deploymentId: 'acme', agent: 'billing', privateKey: 'PEM' };
  return id + (await signProposal({ service: 'a', tool: 'a.b', arguments: {} }, named)).reviewId;
}

import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { timeSkippingServer } from '../support/servers.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';

/** Plays one path to its end and returns its review. */
type Path = (gate: Harness) => Promise<{ readonly reviewId: string; readonly handle: { result(): Promise<unknown> } }>;

const create = { tool: 'payouts.create', arguments: { account: 'acct-1', amount: 100 } };

async function held(gate: Harness, request = create) {
  const started = await gate.start(request);
  await gate.untilStatus(started.reviewId, 'pending');
  await gate.until(started.reviewId, ({ review }) => review?.call.digest != null);
  return started;
}

const PATHS: Readonly<Record<string, Path>> = {
  free: (gate) => gate.start({ tool: 'payouts.get', arguments: { id: 'p1' } }),
  blocked: (gate) => gate.start({ tool: 'payouts.destroy', arguments: {} }),
  approved: async (gate) => {
    const review = await held(gate);
    await gate.decide(review.reviewId);
    return review;
  },
  rejected: async (gate) => {
    const review = await held(gate);
    await gate.decide(review.reviewId, { type: 'reject', comment: 'no' });
    return review;
  },
  expired: (gate) => gate.start(create),
  'edit-counted': async (gate) => {
    const review = await held(gate);
    await gate.decide(review.reviewId, { type: 'edit', editedArguments: { account: 'acct-1', amount: 50 } });
    return review;
  },
  'revise-loop': async (gate) => {
    const review = await held(gate);
    await gate.decide(review.reviewId, { type: 'revise', comment: 'less' });
    const { review: asked } = await gate.query(review.reviewId);
    const digest = asked?.call.digest ?? '';
    await gate.signal(
      review.reviewId,
      'revision',
      gate.revise(review.reviewId, digest, { account: 'acct-1', amount: 10 }),
    );
    await gate.until(review.reviewId, ({ review: now }) => now?.revision === 2);
    await gate.decide(review.reviewId);
    return review;
  },
  withdrawn: async (gate) => {
    const review = await held(gate);
    const { review: shown } = await gate.query(review.reviewId);
    await gate.signal(review.reviewId, 'withdrawal', gate.withdraw(review.reviewId, shown?.call.digest ?? ''));
    return review;
  },
  preview: async (gate) => {
    const review = await held(gate, { tool: 'payouts.purge', arguments: {} } as unknown as typeof create);
    await gate.decide(review.reviewId);
    return review;
  },
  'in-flow-approved': async (gate) => {
    const asked = await gate.ask({ title: 'Publish?', proposal: { draft: 'one' }, approvers: ['ops'] });
    await gate.untilStatus(asked.reviewId, 'pending');
    await gate.decide(asked.reviewId);
    return asked;
  },
  'in-flow-expired': (gate) => gate.ask({ title: 'Publish?', proposal: { draft: 'one' }, approvers: ['ops'] }),
};

/** Run by `npm run record-histories`; see README.md here. */
const env = await timeSkippingServer();
const gate = await startHarness(env);
for (const [name, play] of Object.entries(PATHS)) {
  const file = fileURLToPath(new URL(`./histories/${name}.json`, import.meta.url));
  // A history that is there is one of an earlier release: it stays.
  if (existsSync(file)) continue;
  const { reviewId, handle } = await play(gate);
  await handle.result();
  const history = await gate.client.workflow.getHandle(reviewId).fetchHistory();
  const bytes = proto.temporal.api.history.v1.History.encode(history).finish();
  writeFileSync(file, `${JSON.stringify({ workflowId: reviewId, history: Buffer.from(bytes).toString('base64') })}\n`);
  process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
}
await gate.stop();
await env.teardown();

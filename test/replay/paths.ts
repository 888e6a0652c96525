import { setTimeout as sleep } from 'node:timers/promises';
import type { GateActivities } from '../../src/activities/api.ts';
import { PAYLOADS, signalRaw, untilActivity } from '../support/raw-temporal.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import type { Harness } from '../support/workflow-harness.ts';
import { CHAIN, close, create, HOUR, level, plan, purge } from '../workflow/plans.ts';

/** What a path may change about the world around it; put back after each. */
export interface World {
  readonly gate: Harness;
  /** The database answers nobody. */
  databaseIsDown: boolean;
  /** How far the execute worker's clock is behind, ms. */
  behind: number;
}

/** Plays one path to its end and returns its review. */
export type Path = (
  world: World,
) => Promise<{ readonly reviewId: string; readonly handle: { result(): Promise<unknown> } }>;

/** Gate activities as the recorder's workers run them. */
export function wrapFor(world: Pick<World, 'databaseIsDown'>): (activities: GateActivities) => GateActivities {
  return (activities) => ({
    ...activities,
    record: async (input) => {
      if (world.databaseIsDown) throw new Error('down');
      return await activities.record(input);
    },
  });
}

const QUESTION = {
  title: 'Publish?',
  proposal: { draft: 'one' },
  approvers: ['ops'],
  allow: ['approve' as const, 'reject' as const, 'respond' as const, 'edit' as const],
};

async function held(gate: Harness, request: Parameters<Harness['start']>[0] = create(), approval = ONE_OF_OPS) {
  gate.settings.setPolicy({ approval });
  const started = await gate.start(request);
  await gate.until(started.reviewId, ({ review }) => (review?.call.digest ?? null) !== null);
  return started;
}

async function asked(gate: Harness) {
  const started = await gate.ask(QUESTION);
  await gate.untilStatus(started.reviewId, 'pending');
  return started;
}

const vote = async ({ gate }: World, reviewId: string, ...reviewers: readonly string[]): Promise<void> => {
  for (const reviewer of reviewers) await gate.decide(reviewId, { reviewer });
};

/** A call whose outcome nobody knows. */
async function unknown(world: World) {
  const { gate } = world;
  world.behind = 60_000;
  gate.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
  const review = await held(gate, close());
  await gate.decide(review.reviewId);
  await gate.until(review.reviewId, ({ review: now }) => now?.execution.status === 'outcome_unknown');
  return review;
}

/** Each of them is one file in `histories`. Long waits are skipped. */
export const SKIPPING: Readonly<Record<string, Path>> = {
  free: ({ gate }) => gate.start({ tool: 'payouts.get', arguments: { id: 'p1' } }),
  soft: ({ gate }) => gate.start({ tool: 'payouts.notify', arguments: { id: 'p1' } }),
  blocked: ({ gate }) => gate.start({ tool: 'payouts.destroy', arguments: {} }),
  expired: ({ gate }) => held(gate),
  'in-flow-expired': ({ gate }) => asked(gate),
  'reminded-and-escalated': ({ gate }) =>
    held(
      gate,
      create(),
      plan({ remindBeforeMs: [4 * HOUR, HOUR], escalate: { afterMs: 10 * HOUR, to: ['managers'] } }),
    ),
  'database-away': async (world) => {
    const { gate } = world;
    const review = await held(gate);
    world.databaseIsDown = true;
    const { envelope } = await gate.signDecision(review.reviewId);
    await gate.signal(review.reviewId, 'decision', envelope);
    await gate.query(review.reviewId);
    await gate.env.sleep(HOUR / 2);
    return review;
  },
};

/** On a real server, at their own pace. */
export const REAL: Readonly<Record<string, Path>> = {
  approved: async (world) => {
    const review = await held(world.gate);
    await vote(world, review.reviewId, 'ops-1');
    return review;
  },
  rejected: async ({ gate }) => {
    const review = await held(gate);
    await gate.decide(review.reviewId, { type: 'reject', comment: 'no' });
    return review;
  },
  'chained-levels': async (world) => {
    const review = await held(world.gate, create(), CHAIN);
    await vote(world, review.reviewId, 'finance-1', 'ops-1', 'ops-1', 'ops-2', 'finance-1');
    return review;
  },
  'edit-counted': async ({ gate }) => {
    const review = await held(gate);
    await gate.decide(review.reviewId, { type: 'edit', editedArguments: { account: 'acct-1', amount: 50 } });
    return review;
  },
  'edit-not-counted': async (world) => {
    const { gate } = world;
    const review = await held(gate, create(), plan({ separationOfDuties: true }));
    await gate.decide(review.reviewId, { type: 'edit', editedArguments: { account: 'acct-1', amount: -1 } });
    await gate.decide(review.reviewId, { type: 'edit', editedArguments: { account: 'acct-1', amount: 50 } });
    await vote(world, review.reviewId, 'ops-2');
    return review;
  },
  'edit-under-another-approval': async (world) => {
    const { gate } = world;
    const review = await held(gate, purge());
    const approval = plan({ levels: [level('money', ['finance'])], expireAfterMs: 12 * HOUR, remindBeforeMs: [HOUR] });
    gate.settings.setPolicy({ approval });
    await gate.decide(review.reviewId, { type: 'edit', editedArguments: { before: '2023-01-01' } });
    await vote(world, review.reviewId, 'finance-1');
    return review;
  },
  'revise-loop': async (world) => {
    const { gate } = world;
    const review = await held(gate);
    for (const amount of [10, 9]) {
      await gate.decide(review.reviewId, { type: 'revise', comment: 'less' });
      const digest = await gate.digestOf(review.reviewId);
      await gate.send(review.reviewId, 'revision', gate.revise(review.reviewId, digest, { account: 'acct-1', amount }));
    }
    await vote(world, review.reviewId, 'ops-1');
    return review;
  },
  withdrawn: async ({ gate }) => {
    const review = await held(gate);
    const digest = await gate.digestOf(review.reviewId);
    await gate.send(review.reviewId, 'withdrawal', gate.withdraw(review.reviewId, digest));
    return review;
  },
  preview: async (world) => {
    const review = await held(world.gate, purge());
    await vote(world, review.reviewId, 'ops-1');
    return review;
  },
  'preview-without-worker': async (world) => {
    const { gate } = world;
    await gate.stopWorker('execute');
    const review = await held(gate, purge());
    await gate.startWorker('execute');
    await vote(world, review.reviewId, 'ops-1');
    return review;
  },
  unattested: async (world) => {
    const { gate } = world;
    const started = await gate.startRaw({ service: 'payouts', tool: 'payouts.get', arguments: { id: 'p1' } });
    await gate.untilStatus(started.reviewId, 'pending');
    await vote(world, started.reviewId, 'ops-1');
    return started;
  },
  'undecodable-and-forged': async (world) => {
    const { gate } = world;
    const review = await held(gate);
    for (const payload of Object.values(PAYLOADS)) {
      await signalRaw(gate.client, review.reviewId, 'submitDecision', [payload]);
    }
    const { envelope } = await gate.signDecision(review.reviewId, { signer: gate.signers.propose });
    await gate.signal(review.reviewId, 'decision', envelope);
    await vote(world, review.reviewId, 'ops-1');
    return review;
  },
  'late-yes': async ({ gate }) => {
    const review = await held(gate, create(), plan({ expireAfterMs: 4_000 }));
    const { envelope } = await gate.signDecision(review.reviewId);
    await gate.stopWorker('gate');
    await sleep(6_000);
    await gate.signal(review.reviewId, 'decision', envelope);
    await gate.startWorker('gate');
    return review;
  },
  cancelled: async ({ gate }) => {
    const review = await held(gate);
    await review.handle.cancel();
    return review;
  },
  'second-start': async ({ gate }) => {
    const review = await held(gate);
    const proposal = (await gate.store.readRecord(review.reviewId))?.envelopes[0]?.envelope;
    await gate.decide(review.reviewId);
    await review.handle.result();
    return await gate.startRaw({ proposal }, review.reviewId);
  },
  refused: async ({ gate }) => {
    const review = await held(gate);
    gate.settings.update({
      connectors: { payouts: { baseUrl: 'http://127.0.0.1:9001', allowPrivateAddresses: true } },
    });
    await gate.decide(review.reviewId);
    return review;
  },
  stale: async ({ gate }) => {
    gate.settings.update({ executeWithinMs: 1_500 });
    const review = await held(gate);
    await gate.stopWorker('execute');
    await gate.decide(review.reviewId);
    await review.handle.result();
    return review;
  },
  'forged-result': async ({ gate }) => {
    const review = await held(gate);
    await gate.stopWorker('execute');
    await gate.decide(review.reviewId);
    await gate.client.workflowService.respondActivityTaskCompletedById({
      namespace: gate.client.options.namespace,
      workflowId: review.reviewId,
      activityId: await untilActivity(gate.client, review.reviewId, 'executeCall'),
      result: { payloads: [PAYLOADS.bogusEncoding] },
    });
    await gate.startWorker('execute');
    return review;
  },
  failed: async ({ gate }) => {
    gate.answer(() => ({ status: 'failed', code: 'upstream_rejected', message: 'no' }));
    const review = await held(gate);
    await gate.decide(review.reviewId);
    return review;
  },
  'unknown-reconciled': async (world) => {
    const { gate } = world;
    const review = await unknown(world);
    const digest = await gate.digestOf(review.reviewId);
    const by = (reviewer: string) => gate.reconcile(review.reviewId, digest, 'executed', { reviewer });
    await gate.send(review.reviewId, 'reconciliation', by('finance-1'));
    await gate.send(review.reviewId, 'reconciliation', by('ops-1'));
    return review;
  },
  'in-flow-approved': async (world) => {
    const review = await asked(world.gate);
    await vote(world, review.reviewId, 'ops-1');
    return review;
  },
  'in-flow-edited': async ({ gate }) => {
    const review = await asked(gate);
    await gate.decide(review.reviewId, { type: 'edit', editedArguments: { draft: 'two' } });
    return review;
  },
  'in-flow-responded': async ({ gate }) => {
    const review = await asked(gate);
    await gate.decide(review.reviewId, { type: 'respond', response: { draft: 'three' } });
    return review;
  },
  'in-flow-cancelled': async ({ gate }) => {
    const review = await asked(gate);
    await review.handle.cancel();
    return review;
  },
};

/** Fills a history with what is refused, until there is a new run. */
async function fillHistory(gate: Harness, reviewId: string, refuse: () => Promise<unknown>): Promise<void> {
  const runId = async (): Promise<string> => (await gate.client.workflow.getHandle(reviewId).describe()).runId;
  const first = await runId();
  for (let n = 0; n < 60 && (await runId()) === first; n += 1) await refuse();
}

/** On a server that asks for a new run after forty events; every run of the chain is a file of its own. */
export const CONTINUING: Readonly<Record<string, Path>> = {
  continued: async (world) => {
    const { gate } = world;
    const review = await held(gate, create(), CHAIN);
    await vote(world, review.reviewId, 'ops-1');
    await fillHistory(gate, review.reviewId, () => gate.decide(review.reviewId, { reviewer: 'audit-1' }));
    await vote(world, review.reviewId, 'ops-2', 'finance-1');
    return review;
  },
  'continued-unknown': async (world) => {
    const { gate } = world;
    const review = await unknown(world);
    const digest = await gate.digestOf(review.reviewId);
    const send = (reviewer: string) =>
      gate.send(review.reviewId, 'reconciliation', gate.reconcile(review.reviewId, digest, 'failed', { reviewer }));
    await fillHistory(gate, review.reviewId, () => send('finance-1'));
    await send('ops-1');
    return review;
  },
  'continued-in-flow': async (world) => {
    const { gate } = world;
    const review = await asked(gate);
    await fillHistory(gate, review.reviewId, () => gate.decide(review.reviewId, { reviewer: 'audit-1' }));
    await vote(world, review.reviewId, 'ops-1');
    return review;
  },
};

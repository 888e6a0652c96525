import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, describe, expect, it } from 'vitest';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { AdmitInput, Admitted } from '../../src/activities/api.ts';
import type { Store } from '../../src/ports/store.ts';
import { digestBytes } from '../../src/domain/proof/digest.ts';
import { REVIEWERS, type GateFixture } from '../support/gate-fixture.ts';
import { failureOf, never, type Journey } from '../support/gate-journey.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';
import type { RecordInput } from '../../src/domain/gate/change.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const DIGEST = `sha256:${'d'.repeat(64)}`;
const REFUSED = { kind: 'refused' };

async function admit(reviewId: string, ...items: AdmitInput['items']): Promise<readonly Admitted[]> {
  return steps.gate.admit({ reviewId, proposer: 'agent-1', items, isOpen: true });
}

/** Groups that the gate machine is told the voter has; undefined: the envelope was not admitted at all. */
async function groupsOf(reviewer: string): Promise<readonly string[] | undefined> {
  const reviewId = gate.newReviewId();
  const [found] = await admit(reviewId, {
    kind: 'decision',
    envelope: gate.decide(reviewId, { digest: DIGEST, reviewer }),
  });
  return found?.kind === 'decision' ? found.fact.groups : undefined;
}

describe('law 5: admission asks the keys and the directory in force now', () => {
  it('hands over what was signed as plain facts', async () => {
    const reviewId = gate.newReviewId();
    const envelope = gate.decide(reviewId, { digest: DIGEST, comment: 'fine', revision: 3, level: 2 });
    const [found] = await admit(reviewId, { kind: 'decision', envelope });
    expect(found).toMatchObject({
      kind: 'decision',
      envelopeDigest: digestBytes(Buffer.from(envelope.payload, 'base64')),
      fact: {
        revision: 3,
        level: 2,
        type: 'approve',
        digest: DIGEST,
        reviewer: 'ops-1',
        groups: ['ops'],
        comment: 'fine',
      },
    });
  });

  it('takes groups from the directory alone', async () => {
    expect(await groupsOf('both-1')).toEqual(['ops', 'finance']);
    gate.settings.update({ reviewers: [{ id: 'both-1', groups: ['finance'] }] });
    expect(await groupsOf('both-1')).toEqual(['finance']);
  });

  it('gives no group to a stranger, to somebody who was removed, and to an auditor', async () => {
    expect(await groupsOf('stranger')).toEqual([]);
    expect(await groupsOf('audit-1')).toEqual([]);
    gate.settings.update({ reviewers: REVIEWERS.filter(({ id }) => id !== 'ops-1') });
    expect(await groupsOf('ops-1')).toEqual([]);
  });

  it('refuses everything whose key is no longer trusted', async () => {
    gate.trust.roles.review = [];
    expect(await groupsOf('ops-1')).toBeUndefined();
  });

  it('refuses what is signed for another review or deployment, by a stranger, or by the wrong side', async () => {
    const reviewId = gate.newReviewId();
    const stranger = signerOf(makeKey('review-1'));
    const { review, propose } = gate.signers;
    const items = [
      { kind: 'decision', envelope: gate.decide(gate.newReviewId(), { digest: DIGEST }) },
      { kind: 'decision', envelope: gate.decide(reviewId, { digest: DIGEST, deploymentId: 'other' }) },
      { kind: 'decision', envelope: gate.decide(reviewId, { digest: DIGEST, signer: stranger }) },
      { kind: 'decision', envelope: gate.decide(reviewId, { digest: DIGEST, signer: propose }) },
      { kind: 'reconciliation', envelope: gate.reconcile(reviewId, DIGEST, 'executed', { signer: propose }) },
      { kind: 'reconciliation', envelope: gate.reconcile(gate.newReviewId(), DIGEST, 'executed') },
      { kind: 'revision', envelope: gate.revise(reviewId, DIGEST, {}, { signer: review }) },
      { kind: 'revision', envelope: gate.revise(gate.newReviewId(), DIGEST, {}) },
      { kind: 'revision', envelope: gate.revise(reviewId, DIGEST, {}, { proposer: 'agent-2' }) },
      { kind: 'withdrawal', envelope: gate.withdraw(reviewId, DIGEST, { signer: review }) },
      { kind: 'withdrawal', envelope: gate.withdraw(reviewId, DIGEST, { proposer: 'agent-2' }) },
      { kind: 'withdrawal', envelope: gate.withdraw(reviewId, DIGEST, { deploymentId: 'other' }) },
      // One kind under another's name.
      { kind: 'withdrawal', envelope: gate.revise(reviewId, DIGEST, {}) },
      { kind: 'decision', envelope: gate.reconcile(reviewId, DIGEST, 'executed') },
      { kind: 'decision', envelope: { payload: '', payloadType: '', signatures: [] } },
    ] as const satisfies AdmitInput['items'];
    expect(await admit(reviewId, ...items)).toEqual(items.map(() => REFUSED));
  });

  it('admits what the proposer and a reviewer say in their own name', async () => {
    const reviewId = gate.newReviewId();
    const found = await admit(
      reviewId,
      { kind: 'revision', envelope: gate.revise(reviewId, DIGEST, { id: 'a-2' }) },
      { kind: 'withdrawal', envelope: gate.withdraw(reviewId, DIGEST) },
      { kind: 'reconciliation', envelope: gate.reconcile(reviewId, DIGEST, 'failed') },
    );
    expect(found).toMatchObject([
      { kind: 'revision', fact: { proposer: 'agent-1', arguments: { id: 'a-2' } } },
      { kind: 'withdrawal', fact: { proposer: 'agent-1', digest: DIGEST } },
      { kind: 'reconciliation', outcome: 'failed', by: 'ops-1', groups: ['ops'], digest: DIGEST },
    ]);
  });

  it('does not let one service’s key speak for another', async () => {
    const own = makeKey('agent-2');
    gate.trust.agents.set('agent-2', own);
    gate.settings.update({ agents: [{ id: 'agent-1' }, { id: 'agent-2', publicKey: 'file:agent-2' }] });
    const reviewId = gate.newReviewId();
    const signer = signerOf(own);
    const asAgent1 = gate.withdraw(reviewId, DIGEST, { signer });
    const asAgent2 = gate.withdraw(reviewId, DIGEST, { signer, proposer: 'agent-2' });
    expect(await admit(reviewId, { kind: 'withdrawal', envelope: asAgent1 })).toEqual([REFUSED]);
    expect(await admit(reviewId, { kind: 'withdrawal', envelope: asAgent2 })).toEqual([REFUSED]);
    const [own2] = await steps.gate.admit({
      reviewId,
      proposer: 'agent-2',
      items: [{ kind: 'withdrawal', envelope: asAgent2 }],
      isOpen: true,
    });
    expect(own2?.kind).toBe('withdrawal');
  });

  it('judges each of a batch alone', async () => {
    const reviewId = gate.newReviewId();
    const bad = gate.decide(reviewId, { digest: DIGEST, signer: signerOf(makeKey('x')) });
    const items = Array.from({ length: 50 }, (_, index) => ({
      kind: 'decision' as const,
      envelope: index % 2 === 0 ? bad : gate.decide(reviewId, { digest: DIGEST }),
    }));
    const kinds = (await admit(reviewId, ...items)).map(({ kind }) => kind);
    expect(kinds).toEqual(items.map((_, index) => (index % 2 === 0 ? 'refused' : 'decision')));
  });
});

/** A context as the gate worker gives it: of a workflow, local or not. */
function inActivity(workflowId: string, isLocal: boolean): MockActivityEnvironment {
  const workflowExecution = { workflowId, runId: 'run-1' };
  return new MockActivityEnvironment({ isLocal, workflowExecution }, { logger: new DefaultLogger('ERROR') });
}

describe('law 2: only a review’s own workflow has the gate write', () => {
  let journey: Journey;
  let forged: RecordInput;
  beforeEach(async () => {
    journey = await steps.open('payouts.close', { id: 'a-1' });
    const { reviewId } = journey;
    const stored = await store.readReview(reviewId);
    if (stored === undefined) throw new Error('no review');
    const at = new Date(gate.clock.now()).toISOString();
    forged = {
      key: `${reviewId}:admitted:x`,
      entries: [{ schemaVersion: 1, deploymentId: 'test-deployment', reviewId, at, type: 'expired', expiresAt: at }],
      review: { ...stored.review, status: 'approved' },
      envelopes: [],
      materials: [],
      ledger: { to: 'deny', reviewId, proposalDigest: journey.opened.proposalDigest, reason: 'expired', at },
    };
  });

  const record = (input: RecordInput, environment: MockActivityEnvironment) =>
    failureOf(environment.run((given: RecordInput) => createGateActivities(gate.gateDeps).record(given), input));

  it('refuses to record for an activity that somebody scheduled', async () => {
    expect(await record(forged, inActivity(journey.reviewId, false))).toEqual(never('local_only'));
    expect((await steps.ledger(journey.reviewId)).state).toBe('open');
  });

  it.each<[string, (input: RecordInput) => RecordInput]>([
    ['its review', (input) => input],
    ['its ledger row', (input) => ({ ...input, review: own(input.review), entries: [], key: 'rev_own:x' })],
    ['its entries', (input) => ({ ...input, review: own(input.review), ledger: null, key: 'rev_own:x' })],
    ['its key', (input) => ({ ...input, review: own(input.review), ledger: null, entries: [] })],
    [
      'the whole log',
      (input) => ({
        ...input,
        review: own(input.review),
        ledger: null,
        key: 'rev_own:x',
        entries: [
          {
            schemaVersion: 1,
            deploymentId: 'test-deployment',
            at: forged.review.proposedAt,
            type: 'policy_changed',
            policyDigest: DIGEST,
            previous: null,
          },
        ],
      }),
    ],
  ])('refuses to touch another review: %s', async (_name, change) => {
    const size = (await store.head()).size;
    expect(await record(change(forged), inActivity('rev_own', true))).toEqual(never('foreign_review'));
    expect((await store.head()).size).toBe(size);
    expect((await steps.ledger(journey.reviewId)).state).toBe('open');
  });
  const own = (review: RecordInput['review']) => ({ ...review, reviewId: 'rev_own' });

  it('records for the workflow of the review itself, once', async () => {
    const environment = inActivity(journey.reviewId, true);
    expect(await record(forged, environment)).toBeUndefined();
    expect((await steps.ledger(journey.reviewId)).denial?.reason).toBe('expired');
    const { size } = await store.head();
    expect(await record(forged, environment)).toBeUndefined();
    expect((await store.head()).size).toBe(size);
  });

  it('refuses to classify, admit and read for others', async () => {
    const activities = createGateActivities(gate.gateDeps);
    const { reviewId } = journey;
    const call = { reviewId, runId: 'run', startedAt: 0, request: null };
    const runs = (environment: MockActivityEnvironment) =>
      [
        () => activities.classifyCall(call),
        () => activities.classifyQuestion({ ...call, parent: null }),
        () => activities.admit({ reviewId, proposer: 'agent-1', items: [], isOpen: true }),
        () => activities.readOutcome({ reviewId }),
        () => activities.attachEvidence({ material: journey.input.material }),
      ].map((run) => environment.run(run));
    for (const run of runs(inActivity(reviewId, false))) expect(await failureOf(run)).toEqual(never('local_only'));
    for (const run of runs(inActivity('rev_own', true))) expect(await failureOf(run)).toEqual(never('foreign_review'));
  });
});

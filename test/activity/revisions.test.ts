import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Material } from '../../src/contract/review.ts';
import type { Store } from '../../src/ports/store.ts';
import { digestMaterial } from '../../src/domain/proof/digest.ts';
import { REVIEWERS, type GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, refused } from '../support/gate-journey.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const HOUR = 3_600_000;

describe('law 3: another revision of a call', () => {
  async function prepare(previous: Material, args: JsonObject, attested = true) {
    const at = gate.clock.now();
    const prepared = await steps.gate.prepareRevision({
      previous,
      attested,
      arguments: args,
      startedAt: at,
      question: false,
    });
    return prepared.ok ? prepared.revision : undefined;
  }
  const first = async (): Promise<Material> =>
    (await steps.open('payouts.create', { account: 'a-1', amount: 5 })).input.material;

  it('is the same call by the same proposer under the next number, classified again', async () => {
    const previous = await first();
    const levels = [{ name: 'finance', approvers: ['finance'], quorum: 2 }];
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, levels } });
    const revision = await prepare(previous, { account: 'a-2', amount: 6 });
    const { tool, service, proposer, owner, reviewId } = previous;
    expect(revision?.material).toMatchObject({ revision: 2, tool, service, proposer, owner, reviewId });
    expect(revision?.material.arguments).toEqual({ account: 'a-2', amount: 6 });
    expect(revision?.material.levels).toMatchObject(levels);
    expect(revision?.digest).toBe(digestMaterial(revision?.material as Material));
  });

  it('never ends later, and may end sooner', async () => {
    const previous = await first();
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, expireAfterMs: 48 * HOUR } });
    expect((await prepare(previous, previous.arguments))?.material.expiresAt).toBe(previous.expiresAt);
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, expireAfterMs: HOUR } });
    const sooner = (await prepare(previous, previous.arguments))?.material.expiresAt;
    expect(Date.parse(sooner ?? '')).toBe(gate.clock.now() + HOUR);
  });

  it('stays held where its arguments alone would be free', async () => {
    const strict = {
      name: 'strict',
      class: 'irreversible',
      when: ({ arguments: args }: { arguments: JsonObject }) => args['id'] === 'p-1',
    } as const;
    gate.settings.setPolicy({ rules: [strict] });
    const { input } = await steps.open('payouts.get', { id: 'p-1' });
    const revision = await prepare(input.material, { id: 'p-2' });
    expect(revision).toMatchObject({ gate: 'hard', material: { levels: [{ approvers: ['ops'] }] } });
  });

  it.each<[string, JsonObject, () => void]>([
    ['does not fit the schema', { account: 7 }, () => undefined],
    ['is frozen', { account: 'a', amount: 1 }, () => gate.settings.update({ freeze: ['*'] })],
    ['is of an agent that is gone', { account: 'a', amount: 1 }, () => gate.settings.update({ agents: [] })],
    [
      'is forbidden by now',
      { account: 'a', amount: 1 },
      () => gate.settings.setPolicy({ rules: [{ name: 'no', class: 'forbidden', when: () => true }] }),
    ],
    ['holds a sealed value where none belongs', { account: { $sealed: 'x' }, amount: 1 }, () => undefined],
  ])('is none where it %s', async (_name, args, change) => {
    const previous = await first();
    change();
    expect(await prepare(previous, args)).toBeUndefined();
  });

  it('is not previewed where nobody signed the proposal', async () => {
    const signed = await steps.open('payouts.purge', { before: '2023' });
    expect((await prepare(signed.input.material, { before: '2024' }))?.wantsPreview).toBe(true);
    const unsigned = await steps.open('payouts.purge', { before: '2023' }, { unsigned: true });
    expect((await prepare(unsigned.input.material, { before: '2024' }, false))?.wantsPreview).toBe(false);
  });
});

describe('law 4: an escalation counts from the proposal, however late a worker came to it', () => {
  it('counts a manager’s yes that was in time by what was signed', async () => {
    const approval = { ...ONE_OF_OPS, escalate: { afterMs: HOUR, to: ['managers'] } };
    gate.settings.setPolicy({ approval });
    const startedAt = gate.clock.now();
    const reviewId = gate.newReviewId();
    const request = { service: 'payouts', tool: 'payouts.close', arguments: { id: 'a-1' } };
    const proposal = gate.propose(reviewId, request);
    // No worker for half an hour: the row is opened late.
    gate.clock.advance(HOUR / 2);
    const opened = await steps.gate.classifyCall({ reviewId, runId: 'r', startedAt, request: { proposal } });
    if (opened.kind === 'refused') throw new Error('refused');
    const { material } = opened.revision;
    const input = { reviewId, material, previous: null, proposal, decisions: [] };
    const journey = { reviewId, opened, input, digest: digestMaterial(material) };
    const early = await steps.decide(journey, { reviewer: 'manager-1' });
    expect(await steps.attempt(early.input)).toEqual(refused('not_authorized'));
    gate.clock.set(startedAt + HOUR);
    const timely = await steps.decide(journey, { reviewer: 'manager-1' });
    expect(await steps.attempt(timely.input)).toEqual(EXECUTED);
  });
});

describe('a question that a workflow asks in-flow', () => {
  const QUESTION = { title: 'Ship it?', proposal: { version: 3 }, approvers: ['ops'] };
  const ask = (request: unknown, reviewId = gate.newReviewId(), parent: { workflowId: string } | null = null) =>
    steps.gate.classifyQuestion({ reviewId, runId: 'run-1', startedAt: gate.clock.now(), request, parent });

  it('is held for the people it names, for a day unless it says so', async () => {
    const answer = await ask({ ...QUESTION, allow: ['approve', 'respond'] }, undefined, { workflowId: 'release-7' });
    expect(answer).toMatchObject({
      kind: 'held',
      allowed: ['approve', 'respond'],
      base: {
        kind: 'in-flow',
        title: 'Ship it?',
        proposer: { id: 'workflow:release-7', owner: null, attested: false },
      },
      revision: {
        gate: 'hard',
        material: { kind: 'in-flow', arguments: { version: 3 }, levels: [{ approvers: ['ops'], quorum: 1 }] },
      },
    });
    if (answer.kind === 'refused') throw new Error('refused');
    expect(Date.parse(answer.revision.material.expiresAt ?? '')).toBe(gate.clock.now() + 24 * HOUR);
  });

  it('never counts as a call: no yes to it runs anything', async () => {
    const reviewId = gate.newReviewId();
    const answer = await ask(QUESTION, reviewId);
    if (answer.kind === 'refused') throw new Error('refused');
    const { material } = answer.revision;
    const envelope = gate.decide(reviewId, { digest: digestMaterial(material) });
    await steps.admit(reviewId, envelope);
    const forged = { ...material, kind: 'call', tool: 'payouts.get', service: 'payouts' } as const;
    for (const given of [material, forged]) {
      const input = { reviewId, material: given, previous: null, proposal: null, decisions: [envelope] };
      expect(await steps.attempt(input)).toEqual(refused('not_authorized'));
    }
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no people', { title: 'x', proposal: {} }],
    ['people who are not there', { ...QUESTION, approvers: ['nobody'] }],
    ['more people than there are', { ...QUESTION, levels: [{ name: 'a', approvers: ['ops'], quorum: 9 }] }],
    ['half a character', { ...QUESTION, title: '\ud800' }],
    [
      'nesting beyond the stack',
      { ...QUESTION, proposal: { a: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as unknown } },
    ],
  ])('is blocked where it has %s, and never fails', async (_name, request) => {
    const reviewId = gate.newReviewId();
    expect(await ask(request, reviewId)).toMatchObject({
      kind: 'blocked',
      revision: { reasonCodes: ['arguments_invalid'] },
    });
    expect((await steps.ledger(reviewId)).state).toBe('denied');
  });

  it('tells how it ended before, also where it could not be asked any more', async () => {
    const reviewId = gate.newReviewId();
    const answer = await ask(QUESTION, reviewId);
    if (answer.kind === 'refused') throw new Error('refused');
    const { proposalDigest } = answer;
    const at = new Date(gate.clock.now()).toISOString();
    await store.commit({ ledger: { to: 'deny', reviewId, proposalDigest, reason: 'answered', at }, entries: [] });
    gate.settings.update({ reviewers: REVIEWERS.filter(({ groups }) => !groups.includes('ops')) });
    expect(await ask(QUESTION, reviewId)).toMatchObject({ outcome: { state: 'denied', denial: 'answered' } });
  });

  it('keeps its deadline when it is asked again under the same id', async () => {
    const reviewId = gate.newReviewId();
    const first = await ask(QUESTION, reviewId);
    gate.clock.advance(HOUR);
    const again = await ask(QUESTION, reviewId);
    if (first.kind === 'refused' || again.kind === 'refused') throw new Error('refused');
    expect(again.revision.material.expiresAt).toBe(first.revision.material.expiresAt);
    expect(again.reopened).toBe(true);
    expect(await ask({ ...QUESTION, title: 'Another?' }, reviewId)).toEqual({
      kind: 'refused',
      reasonCode: 'review_id_taken',
    });
  });
});

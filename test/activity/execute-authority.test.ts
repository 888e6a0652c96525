import { beforeEach, describe, expect, it } from 'vitest';
import type { ExecuteCallInput } from '../../src/activities/api.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { digestOf } from '../../src/domain/proof/digest.ts';
import type { GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, failureOf, forge, never, refused, type Journey } from '../support/gate-journey.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ gate, steps } = made));

const CLOSE: JsonObject = { id: 'a-1' };
const attempt: typeof steps.attempt = (input) => steps.attempt(input);

describe('law 1: nothing irreversible runs without a valid decision', () => {
  it('runs an approved call once', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    expect(await attempt(input)).toEqual(EXECUTED);
    expect(gate.calls[0]).toMatchObject({ arguments: CLOSE, target: input.material.target, resend: false });
  });

  it('runs a free call without one', async () => {
    const { input, opened } = await steps.open('payouts.get', { id: 'p-1' });
    expect(opened.kind).toBe('free');
    expect(await attempt(input)).toEqual(EXECUTED);
  });

  it('runs no irreversible call without one', async () => {
    const { input } = await steps.open('payouts.close', CLOSE);
    expect(await attempt(input)).toEqual(refused('not_authorized'));
  });

  it.each<[string, string, JsonObject]>([
    ['forbidden', 'payouts.destroy', {}],
    ['unknown', 'payouts.nothing', {}],
    ['with wrong arguments', 'payouts.create', { account: 7 }],
  ])('runs no call that is %s, whatever is sent with it', async (_name, tool, args) => {
    const journey = await steps.open(tool, args);
    expect(journey.opened.kind).toBe('blocked');
    const { input } = await steps.decide(journey);
    expect(await attempt(input)).toEqual({ failure: undefined, sent: 0, state: 'denied' });
  });

  it('runs nothing where a rule fails now', async () => {
    const { input } = await steps.open('payouts.get', { id: 'p-1' });
    const rule = { name: 'broken', class: 'reversible', when: () => JSON.parse('{') as boolean } as const;
    gate.settings.setPolicy({ rules: [rule] });
    expect(await attempt(input)).toEqual(refused('reclassified'));
  });

  it('does not run a tool that policy no longer has, or blocks now', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    gate.settings.setPolicy({ tools: [] });
    expect(await attempt(input)).toEqual(refused('reclassified'));
    gate.settings.setPolicy({ rules: [{ name: 'never', class: 'forbidden', when: () => true }] });
    expect(await attempt(input)).toEqual(refused('reclassified'));
  });

  it('does not run a call that the agent may no longer propose, or whose agent is gone', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    gate.settings.update({ agents: [{ id: 'agent-1', owner: 'ops-3', tools: ['payouts.get'] }] });
    expect(await attempt(input)).toEqual(refused('reclassified'));
    gate.settings.update({ agents: [] });
    expect(await attempt(input)).toEqual(refused('not_authorized'));
  });
});

describe('law 2: being able to schedule the activity is not enough', () => {
  let journey: Journey;
  beforeEach(async () => {
    journey = await steps.approved('payouts.close', CLOSE);
  });

  it.each<[string, (honest: Journey) => ExecuteCallInput | Promise<ExecuteCallInput>]>([
    ['no decisions', ({ input }) => ({ ...input, decisions: [] })],
    ['no proposal', ({ input }) => ({ ...input, proposal: null })],
    ['other arguments', (honest) => forge(honest, { arguments: { id: 'a-2' } })],
    ['another tool', (honest) => forge(honest, { tool: 'payouts.get' })],
    ['another service', (honest) => forge(honest, { service: 'other' })],
    ['other levels', (honest) => forge(honest, { levels: [] })],
    ['a lower class', (honest) => forge(honest, { class: 'reversible' })],
    ['levels emptied and class lowered', (honest) => forge(honest, { class: 'reversible', levels: [] })],
    ['a later version', (honest) => forge(honest, { revision: 2 })],
    ['a later deadline', (honest) => forge(honest, { expiresAt: null })],
    ['another deployment', (honest) => forge(honest, { deploymentId: 'other' })],
    ['the material of another review', (honest) => forge(honest, { reviewId: gate.newReviewId() })],
    ['another proposer', (honest) => forge(honest, { proposer: 'agent-2', owner: null })],
    ['another owner', (honest) => forge(honest, { owner: null })],
    [
      'an unsigned proposer',
      (honest) => ({ ...forge(honest, { proposer: 'temporal:x', owner: null }), proposal: null }),
    ],
    ['a question instead of a call', (honest) => forge(honest, { kind: 'in-flow' })],
    [
      'evidence that nobody saw',
      (honest) => forge(honest, { evidence: { facts: [], sourceHash: null, gatheredAt: '' } }),
    ],
    [
      'a target elsewhere',
      (honest) => forge(honest, { target: { connector: 'payouts', request: { url: 'http://x' } } }),
    ],
    [
      'a decision signed by a stranger',
      ({ input, reviewId, digest }) => ({
        ...input,
        decisions: [gate.decide(reviewId, { digest, signer: signerOf(makeKey('review-1')) })],
      }),
    ],
    [
      'a decision signed by the agents’ side',
      ({ input, reviewId, digest }) => ({
        ...input,
        decisions: [gate.decide(reviewId, { digest, signer: gate.signers.propose })],
      }),
    ],
    [
      'a decision of another review',
      async ({ input }) => {
        const other = await steps.approved('payouts.close', CLOSE);
        return { ...input, decisions: other.input.decisions };
      },
    ],
    [
      'a decision on another digest',
      async ({ input, reviewId }) => {
        const envelope = gate.decide(reviewId, { digest: digestOf('other') });
        await steps.admit(reviewId, envelope);
        return { ...input, decisions: [envelope] };
      },
    ],
    [
      'a signed decision that the gate never admitted',
      ({ input, reviewId, digest }) => ({ ...input, decisions: [gate.decide(reviewId, { digest })] }),
    ],
    [
      'a tampered decision',
      ({ input }) => ({
        ...input,
        decisions: input.decisions.map((envelope) => ({
          ...envelope,
          payload: `${envelope.payload.slice(0, -8)}AAAAAAA=`,
        })),
      }),
    ],
    [
      'the proposal of another review',
      async ({ input }) => ({ ...input, proposal: (await steps.open('payouts.close', CLOSE)).input.proposal }),
    ],
    [
      'another proposal for the same review',
      ({ input, reviewId }) => ({
        ...input,
        proposal: gate.propose(reviewId, {
          service: 'payouts',
          tool: 'payouts.close',
          arguments: CLOSE,
          reason: 'again',
        }),
      }),
    ],
    [
      'a proposal that the reviewers’ side signed',
      ({ input, reviewId }) => ({
        ...input,
        proposal: gate.propose(
          reviewId,
          { service: 'payouts', tool: 'payouts.close', arguments: CLOSE },
          'agent-1',
          gate.signers.review,
        ),
      }),
    ],
  ])('refuses %s', async (_name, forged) => {
    const { state, sent, failure } = await attempt(await forged(journey));
    expect({ state, sent, retryable: failure?.retryable }).toEqual({ state: 'open', sent: 0, retryable: false });
    // The honest attempt is not hurt by it.
    expect(await attempt(journey.input)).toEqual(EXECUTED);
  });

  it('does not run a review that was never opened', async () => {
    const reviewId = gate.newReviewId();
    const request = { service: 'payouts', tool: 'payouts.get', arguments: { id: 'p-1' } };
    const free = await steps.open('payouts.get', { id: 'p-1' });
    const input = { ...forge(free, { reviewId }), reviewId, proposal: gate.propose(reviewId, request) };
    expect(await attempt(input)).toEqual({ failure: never('not_authorized'), sent: 0, state: undefined });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'run it'],
    ['no material', { reviewId: 'rev_01JZZZZZZZZZZZZZZZZZZZZZZZ', decisions: [] }],
  ])('refuses %s for an input', async (_name, input) => {
    expect(await failureOf(steps.run().executeCall(input as ExecuteCallInput))).toEqual(never('not_authorized'));
  });

  it('refuses an input nested beyond the stack, or with a lone surrogate', async () => {
    const deep = JSON.parse(`{"id":${'['.repeat(50_000)}${']'.repeat(50_000)}}`) as JsonObject;
    for (const args of [deep, { id: '\ud800' }]) {
      expect(await attempt(forge(journey, { arguments: args }))).toEqual(refused('not_authorized'));
    }
    const many = Array.from({ length: 500 }, () => journey.input.decisions[0]) as ExecuteCallInput['decisions'];
    expect(await attempt({ ...journey.input, decisions: many })).toEqual(refused('not_authorized'));
  });

  it('takes the context that makes a call strict from the proposal, not from the input', async () => {
    const production = {
      name: 'production',
      class: 'irreversible',
      when: (input: { context: JsonObject }) => input.context['env'] === 'production',
    } as const;
    gate.settings.setPolicy({ rules: [production] });
    const request = { context: { env: 'production' } };
    const held = await steps.open('payouts.get', { id: 'p-1' }, { request });
    expect(held.opened.kind).toBe('held');
    const forged = forge(held, { context: {}, class: 'reversible', levels: [], expiresAt: null });
    expect(await attempt(forged)).toEqual(refused('reclassified'));
  });

  it('takes the urgency that makes a call strict from the proposal: it is not in the input', async () => {
    const when = ({ urgency }: { urgency?: string | undefined }) => urgency === 'high';
    gate.settings.setPolicy({ rules: [{ name: 'hurried', class: 'irreversible', when }] });
    const held = await steps.open('payouts.get', { id: 'p-1' }, { request: { urgency: 'high' } });
    expect(held.opened.kind).toBe('held');
    const forged = forge(held, { class: 'reversible', levels: [], expiresAt: null });
    expect(await attempt(forged)).toEqual(refused('reclassified'));
  });

  it('does not use the ledger row of one unsigned call for another', async () => {
    gate.settings.update({ unattested: 'allow' });
    const free = await steps.open('payouts.get', { id: 'p-1' }, { unsigned: true });
    const other = await steps.open('payouts.get', { id: 'p-2' }, { unsigned: true });
    const swapped = forge(other, { reviewId: free.reviewId });
    expect(await attempt({ ...swapped, reviewId: free.reviewId })).toEqual(refused('not_authorized'));
    const signed = await steps.open('payouts.get', { id: 'p-3' });
    const onSigned = { ...forge(other, { reviewId: signed.reviewId }), reviewId: signed.reviewId };
    expect(await attempt(onSigned)).toEqual(refused('not_authorized'));
    expect(await attempt(free.input)).toEqual(EXECUTED);
  });

  it('runs an unsigned call on a decision, and a free one only where configuration allows it', async () => {
    const held = await steps.approved('payouts.get', { id: 'p-1' }, { unsigned: true });
    expect(held.opened.kind).toBe('held');
    expect(await attempt(held.input)).toEqual(EXECUTED);
    gate.settings.update({ unattested: 'allow' });
    const free = await steps.open('payouts.get', { id: 'p-1' }, { unsigned: true });
    gate.settings.update({ unattested: 'hold' });
    expect(await attempt(free.input)).toEqual(refused('not_authorized'));
    gate.settings.update({ unattested: 'refuse' });
    expect(await attempt(free.input)).toEqual(refused('reclassified'));
  });

  it('does not run a call that policy now holds, or holds under a stricter approval', async () => {
    const free = await steps.open('payouts.get', { id: 'p-1' });
    gate.settings.setPolicy({ rules: [{ name: 'all', class: 'irreversible', when: () => true }] });
    expect(await attempt(free.input)).toEqual(refused('reclassified'));
    gate.settings.setPolicy({
      approval: { ...ONE_OF_OPS, levels: [{ name: 'a', approvers: ['finance'], quorum: 1 }] },
    });
    expect(await attempt(journey.input)).toEqual(refused('reclassified'));
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, levels: [{ name: 'a', approvers: ['ops'], quorum: 2 }] } });
    expect(await attempt(journey.input)).toEqual(refused('reclassified'));
  });
});

import { describe, expect, it } from 'vitest';
import type { GatherEvidenceInput } from '../../src/activities/api.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import { NOT_STARTED } from '../../src/contract/review.ts';
import { describeReview } from '../../src/domain/gate/describe.ts';
import { viewReview } from '../../src/domain/gate/view.ts';
import { viewForAgent } from '../../src/domain/show/agent-view.ts';
import type { Store } from '../../src/ports/store.ts';
import { listRowOf } from '../../src/storage/reviews/review-row.ts';
import { TOOLS, type GateFixture } from '../support/gate-fixture.ts';
import { failureOf, never, type Journey } from '../support/gate-journey.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const PURGE: JsonObject = { before: '2024' };
const PURGE_TOOL = TOOLS.find(({ name }) => name === 'payouts.purge') as ToolDefinition;
const MONEY: ToolDefinition['money'] = [{ amount: '/amount', currency: { fact: 'currency' }, scale: 'minor' }];
const gather = (input: Partial<GatherEvidenceInput>) =>
  failureOf(steps.run().gatherEvidence({ revision: 1, change: null, ...input } as GatherEvidenceInput));

/** An open review whose evidence has been gathered once. */
async function opened(): Promise<{ readonly journey: Journey; readonly base: GatherEvidenceInput }> {
  const journey = await steps.open('payouts.purge', PURGE);
  const { proposal } = journey.input;
  if (proposal === null) throw new Error('not signed');
  gate.previews.length = 0;
  return { journey, base: { reviewId: journey.reviewId, revision: 1, proposal, change: null } };
}

describe('evidence', () => {
  it('is gathered for a held, signed call of a tool with a preview, and becomes part of the digest', async () => {
    const { opened: found, input } = await steps.open('payouts.purge', PURGE);
    expect(found).toMatchObject({ kind: 'held', revision: { wantsPreview: true, digest: null } });
    expect(gate.previews).toMatchObject([{ arguments: PURGE }]);
    expect(input.material.evidence?.facts).toEqual([{ name: 'rows', label: 'Rows', value: 1247 }]);
  });

  it('M1: tells in which currency the amount of the call is, where the tool declares that', async () => {
    const tools = [...TOOLS.filter(({ name }) => name !== 'payouts.purge'), { ...PURGE_TOOL, money: MONEY }];
    gate.settings.setPolicy({ tools });
    const facts = [{ name: 'currency', label: 'Currency', value: 'huf' }];
    gate.answerPreview(() => ({ ok: true, facts, sourceHash: null }));
    const { opened: found } = await steps.open('payouts.purge', { amount: 125_000 });
    // Before the evidence nobody knows.
    expect(found).toMatchObject({ revision: { amounts: [] } });
    const attached = await steps.gate.attachEvidence({ material: found.revision.material });
    expect(attached.amounts).toEqual([
      { place: '/amount', text: '1,250.00 HUF (125000)', currency: { fact: 'currency' } },
    ]);
    const record = { ...found.revision, ...attached, submittedAt: '', by: 'agent-1', decisions: [] };
    const review = viewReview({
      base: found.base,
      revisions: [record],
      gate: null,
      ungated: null,
      allowed: [],
      execution: NOT_STARTED,
    });
    expect(listRowOf(review).row.amounts).toEqual(attached.amounts);
    expect(describeReview(review, 0)).toContain('Amount: 1,250.00 HUF');
    expect(viewForAgent(review).amounts).toEqual([]);
  });

  it('is not gathered for an unsigned call', async () => {
    const { opened: found } = await steps.open('payouts.purge', PURGE, { unsigned: true });
    expect(found).toMatchObject({ kind: 'held', revision: { wantsPreview: false } });
    expect(gate.previews).toEqual([]);
  });

  it('is missing, not wrong, where the preview could not be made', async () => {
    gate.answerPreview(() => ({ ok: false, code: 'too_many_rows', message: 'more than we count' }));
    const { opened: found } = await steps.open('payouts.purge', PURGE);
    const attached = await steps.gate.attachEvidence({ material: found.revision.material });
    expect(attached).toMatchObject({ material: { evidence: null }, previewError: { code: 'too_many_rows' } });
  });

  it('K1: facts that are larger than fits are named with their size, and the rest is kept', async () => {
    gate.answerPreview(() => ({
      ok: true,
      facts: [
        { name: 'rows', label: 'Rows', value: 1247 },
        { name: 'sample', label: 'Sample', value: 'x'.repeat(70_000) },
        { name: 'list', label: 'List', value: Array.from({ length: 3_000 }, (_, n) => `item ${n}`) },
        { name: 'last', label: 'Last', value: 'kept' },
      ],
      sourceHash: `sha256:${'5'.repeat(64)}`,
    }));
    const { input } = await steps.open('payouts.purge', PURGE);
    const { evidence } = input.material;
    expect(Buffer.byteLength(JSON.stringify(evidence))).toBeLessThanOrEqual(64 * 1024);
    expect(evidence).toMatchObject({
      facts: [
        { name: 'rows', value: 1247 },
        { name: 'sample', value: { $omitted: 'response_too_large', bytes: 70_002 } },
        { name: 'list', value: expect.arrayContaining(['item 0']) },
        { name: 'last', value: 'kept' },
      ],
      sourceHash: `sha256:${'5'.repeat(64)}`,
    });
  });

  it('is signed and read back whatever a target answers', async () => {
    const value = { big: 1e300, odd: 'a\0\ud800', list: [2 ** 60, -(2 ** 60), 0.1 + 0.2] };
    gate.answerPreview(() => ({ ok: true, facts: [{ name: 'odd', label: 'Odd', value }], sourceHash: null }));
    const { input } = await steps.open('payouts.purge', PURGE);
    expect(input.material.evidence?.facts[0]?.value).toEqual({
      big: { $number: '1e+300' },
      odd: 'a\ufffd\ufffd',
      list: [{ $number: String(2 ** 60) }, { $number: String(-(2 ** 60)) }, 0.1 + 0.2],
    });
  });

  it('is previewed with sealed values still sealed', async () => {
    const tools = gate.settings.current().policy.tools;
    const purge = tools.get('payouts.purge')?.definition;
    if (purge === undefined) throw new Error('no tool');
    gate.settings.setPolicy({ tools: [{ ...purge, seal: ['/note'] }] });
    await steps.open('payouts.purge', { note: { $sealed: 'x' } });
    expect(gate.previews[0]?.arguments).toEqual({ note: { $sealed: 'x' } });
  });
});

describe('law 2: only signed calls are previewed', () => {
  it.each<
    [
      string,
      (
        base: GatherEvidenceInput,
        journey: Journey,
      ) => Partial<GatherEvidenceInput> | Promise<Partial<GatherEvidenceInput>>,
    ]
  >([
    ['no proposal', () => ({ proposal: undefined as never })],
    [
      'a forged proposal',
      ({ reviewId }) => ({
        proposal: gate.propose(
          reviewId,
          { service: 'payouts', tool: 'payouts.purge', arguments: { everything: true } },
          'agent-1',
          signerOf(makeKey('propose-1')),
        ),
      }),
    ],
    [
      'a signed proposal other than the one on record',
      ({ reviewId }) => ({
        proposal: gate.propose(reviewId, {
          service: 'payouts',
          tool: 'payouts.purge',
          arguments: { everything: true },
        }),
      }),
    ],
    [
      'the proposal of another review',
      async () => {
        const { proposal } = (await steps.open('payouts.purge', { everything: true })).input;
        gate.previews.length = 0;
        return proposal === null ? {} : { proposal };
      },
    ],
    [
      'a proposal that nobody has opened',
      () => {
        const reviewId = gate.newReviewId();
        const request = { service: 'payouts', tool: 'payouts.purge', arguments: PURGE };
        return { reviewId, proposal: gate.propose(reviewId, request) };
      },
    ],
    ['a revision that there cannot be', () => ({ revision: 21 })],
    ['revision zero', () => ({ revision: 0 })],
    ['half a revision', () => ({ revision: 1.5 })],
    [
      'a revision of another review',
      (_base, { digest }) => ({
        change: { kind: 'revision', envelope: gate.revise(gate.newReviewId(), digest, { everything: true }) },
      }),
    ],
    [
      'a revision of another deployment',
      ({ reviewId }, { digest }) => ({
        change: { kind: 'revision', envelope: gate.revise(reviewId, digest, {}, { deploymentId: 'other' }) },
      }),
    ],
    [
      'a revision by another agent',
      ({ reviewId }, { digest }) => ({
        change: { kind: 'revision', envelope: gate.revise(reviewId, digest, {}, { proposer: 'agent-2' }) },
      }),
    ],
    [
      'a revision in the agent’s name under another agent’s key',
      ({ reviewId }, { digest }) => {
        const own = makeKey('agent-2');
        gate.trust.agents.set('agent-2', own);
        gate.settings.update({
          agents: [...gate.settings.current().agents, { id: 'agent-3', publicKey: 'file:agent-2' }],
        });
        return { change: { kind: 'revision', envelope: gate.revise(reviewId, digest, {}, { signer: signerOf(own) }) } };
      },
    ],
    [
      'an edit on another review',
      (_base, { digest }) => ({
        change: {
          kind: 'decision',
          envelope: gate.decide(gate.newReviewId(), { type: 'edit', digest, editedArguments: { everything: true } }),
        },
      }),
    ],
    [
      'a decision that edits nothing, with arguments all the same',
      ({ reviewId }, { digest }) => ({
        change: {
          kind: 'decision',
          envelope: gate.decide(reviewId, { digest, editedArguments: { everything: true } }),
        },
      }),
    ],
    [
      'a proposer’s revision passed off as a reviewer’s edit',
      ({ reviewId }, { digest }) => ({
        change: { kind: 'decision', envelope: gate.revise(reviewId, digest, { everything: true }) },
      }),
    ],
  ])('refuses %s', async (_name, forged) => {
    const { base, journey } = await opened();
    const before = await store.readEvidence(base.reviewId, 1);
    expect(await gather({ ...base, ...(await forged(base, journey)) })).toEqual(never('not_authorized'));
    expect(gate.previews).toEqual([]);
    expect(await store.readEvidence(base.reviewId, 1)).toEqual(before);
  });

  it('previews an edit and a revision with their arguments', async () => {
    const { base, journey } = await opened();
    const { reviewId } = base;
    const { digest } = journey;
    const edit = gate.decide(reviewId, { type: 'edit', digest, editedArguments: { before: '2022' } });
    expect(await gather({ ...base, revision: 2, change: { kind: 'decision', envelope: edit } })).toBeUndefined();
    const revision = gate.revise(reviewId, digest, { before: '2021' });
    expect(await gather({ ...base, revision: 3, change: { kind: 'revision', envelope: revision } })).toBeUndefined();
    expect(gate.previews.map((preview) => preview.arguments)).toEqual([{ before: '2022' }, { before: '2021' }]);
  });

  it('previews nothing of a review that has ended', async () => {
    const { base, journey } = await opened();
    const at = new Date(gate.clock.now()).toISOString();
    const { proposalDigest } = journey.opened;
    const ledger = { to: 'deny', reviewId: base.reviewId, proposalDigest, reason: 'rejected', at } as const;
    await store.commit({ ledger, entries: [] });
    expect(await gather(base)).toEqual(never('not_authorized'));
    expect(gate.previews).toEqual([]);
  });

  it('previews nothing that is frozen, or that the agent may not propose any more', async () => {
    const { base } = await opened();
    gate.settings.update({ freeze: ['payouts.purge'] });
    expect(await gather(base)).toEqual(never('reclassified'));
    gate.settings.update({ freeze: [], agents: [{ id: 'agent-1', tools: [] }] });
    expect(await gather(base)).toEqual(never('reclassified'));
    expect(gate.previews).toEqual([]);
  });

  it('previews no tool that has no preview', async () => {
    const { reviewId, input } = await steps.open('payouts.close', { id: 'a-1' });
    expect(await gather({ reviewId, proposal: input.proposal as never })).toEqual(never('reclassified'));
    expect(gate.previews).toEqual([]);
  });
});

describe('law 2: evidence counts only where the execute worker signed it for this very revision', () => {
  it.each<[string, (journey: Journey) => Promise<void>]>([
    [
      'signed by another key',
      async ({ reviewId }) => {
        const [stored] = [await store.readEvidence(reviewId, 1)];
        const payload = gate.verifier.verify('evidence', stored)?.payload;
        if (payload === undefined) throw new Error('no evidence');
        await store.putEvidence(reviewId, 1, gate.signers.review.sign('evidence', payload));
      },
    ],
    [
      'of another review',
      async ({ reviewId }) => {
        const other = await steps.open('payouts.purge', PURGE);
        const envelope = await store.readEvidence(other.reviewId, 1);
        if (envelope !== undefined) await store.putEvidence(reviewId, 1, envelope);
      },
    ],
    [
      'for other arguments',
      async (journey) => {
        const { reviewId, digest, input } = journey;
        const envelope = gate.decide(reviewId, { type: 'edit', digest, editedArguments: { before: '1970' } });
        const { proposal } = input;
        if (proposal === null) throw new Error('not signed');
        expect(await gather({ reviewId, proposal, change: { kind: 'decision', envelope } })).toBeUndefined();
      },
    ],
    [
      'for another revision',
      async (journey) => {
        const { reviewId, input } = journey;
        const { proposal } = input;
        if (proposal === null) throw new Error('not signed');
        expect(await gather({ reviewId, proposal, revision: 2 })).toBeUndefined();
        const envelope = await store.readEvidence(reviewId, 2);
        if (envelope !== undefined) await store.putEvidence(reviewId, 1, envelope);
      },
    ],
  ])('and not where it is %s', async (_name, replace) => {
    const { journey } = await opened();
    await replace(journey);
    const attached = await steps.gate.attachEvidence({ material: journey.opened.revision.material });
    expect(attached).toMatchObject({ material: { evidence: null }, previewError: { code: 'preview_unavailable' } });
  });
});

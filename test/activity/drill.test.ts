import { describe, expect, it } from 'vitest';
import { DRILL } from '../../src/contract/constants.ts';
import type { DrillPayload } from '../../src/contract/envelope.ts';
import { isDrill } from '../../src/domain/drill.ts';
import { digestMaterial } from '../../src/domain/proof/digest.ts';
import { DEPLOYMENT, type GateFixture } from '../support/gate-fixture.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';
import { refused } from '../support/gate-journey.ts';

let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ gate, steps } = made));

const payloadOf = (reviewId: string, over: object = {}): DrillPayload => ({
  deploymentId: DEPLOYMENT,
  reviewId,
  group: 'ops',
  ttl: '15m',
  reviewer: { id: 'ops-1', method: 'token' },
  startedAt: new Date(gate.clock.now()).toISOString(),
  ...over,
});
const ask = (reviewId: string, request: unknown, parent: { workflowId: string } | null = null) =>
  steps.gate.classifyQuestion({ reviewId, runId: 'run-1', startedAt: gate.clock.now(), request, parent });

async function held(request: (reviewId: string) => unknown, parent: { workflowId: string } | null = null) {
  const reviewId = gate.newReviewId();
  const answer = await ask(reviewId, request(reviewId), parent);
  if (answer.kind === 'refused') throw new Error('refused');
  return { reviewId, answer, material: answer.revision.material };
}

describe('a review is a drill only where a reviewer’s own signed request says so', () => {
  it('is one with the signature of the review key', async () => {
    const { answer, material } = await held((id) => ({ drill: gate.signers.review.sign('drill', payloadOf(id)) }));
    expect(answer).toMatchObject({ kind: 'held', base: { kind: 'in-flow', proposer: { id: 'drill:ops-1' } } });
    expect(isDrill({ kind: material.kind, tool: material.tool })).toBe(true);
  });

  it.each<[string, (reviewId: string) => unknown, { workflowId: string }?]>([
    ['the agents’ key signed it', (id) => ({ drill: gate.signers.propose.sign('drill', payloadOf(id)) })],
    ['nobody signed it', () => ({ drill: true })],
    ['it is another review’s', () => ({ drill: gate.signers.review.sign('drill', payloadOf(gate.newReviewId())) })],
    [
      'it is another deployment’s',
      (id) => ({ drill: gate.signers.review.sign('drill', payloadOf(id, { deploymentId: 'other' })) }),
    ],
    [
      'a question stands beside it',
      (id) => ({
        drill: gate.signers.review.sign('drill', payloadOf(id)),
        title: 'Pay?',
        proposal: { amount: 1 },
        approvers: ['ops'],
      }),
    ],
    [
      'a call is signed into it',
      (id) => ({
        drill: gate.signers.review.sign('drill', payloadOf(id, { tool: 'payouts.close', arguments: { id: 'a-1' } })),
      }),
    ],
    [
      'a workflow waits for the answer',
      (id) => ({ drill: gate.signers.review.sign('drill', payloadOf(id)) }),
      { workflowId: 'release-7' },
    ],
  ])('is blocked, and no drill, where %s', async (_name, request, parent) => {
    const { answer, material } = await held(request, parent ?? null);
    expect(answer).toMatchObject({ kind: 'blocked', revision: { reasonCodes: ['arguments_invalid'] } });
    expect(isDrill({ kind: material.kind, tool: material.tool })).toBe(false);
  });

  it('is a real question where a workflow copies the words of one', async () => {
    const { answer, material } = await held(() => ({
      title: 'Drill for ops: please answer. Nothing will happen.',
      proposal: { group: 'ops', members: ['ops-1'] },
      approvers: ['ops'],
    }));
    expect(answer).toMatchObject({ kind: 'held', revision: { reasonCodes: ['in_flow'] } });
    expect(isDrill({ kind: material.kind, tool: material.tool })).toBe(false);
  });

  it('is a real call where an agent proposes one under its name', async () => {
    const definition = {
      name: DRILL.tool,
      class: 'irreversible',
      connector: 'payouts',
      request: { method: 'POST', path: '/drill' },
    } as const;
    gate.settings.setPolicy({ tools: [definition] });
    const { opened } = await steps.open(DRILL.tool, {});
    expect(opened).toMatchObject({ kind: 'held', base: { kind: 'call' } });
    expect(isDrill({ kind: opened.base.kind, tool: opened.revision.material.tool })).toBe(false);
  });
});

describe('law 1: nothing runs from a drill', () => {
  it('not by all its answers, nor where they are presented for a call', async () => {
    const { reviewId, material } = await held((id) => ({ drill: gate.signers.review.sign('drill', payloadOf(id)) }));
    const decisions = [];
    for (const reviewer of ['ops-1', 'ops-2', 'ops-3', 'both-1']) {
      const envelope = gate.decide(reviewId, { digest: digestMaterial(material), reviewer });
      await steps.admit(reviewId, envelope);
      decisions.push(envelope);
    }
    const forged = { ...material, kind: 'call', tool: 'payouts.close', service: 'payouts' } as const;
    for (const given of [material, forged]) {
      const input = { reviewId, material: given, previous: null, proposal: null, decisions };
      expect(await steps.attempt(input)).toEqual(refused('not_authorized'));
    }
    expect(gate.calls).toEqual([]);
  });
});

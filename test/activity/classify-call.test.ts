import { describe, expect, it } from 'vitest';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { auditEntrySchema } from '../../src/contract/audit.ts';
import { materialSchema, reviewSchema } from '../../src/contract/review.ts';
import { StorageError, type Store } from '../../src/ports/store.ts';
import { digestMaterial } from '../../src/domain/proof/digest.ts';
import type { GateFixture } from '../support/gate-fixture.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const GET = { service: 'payouts', tool: 'payouts.get', arguments: { id: 'p-1' } };
const CLOSE = { service: 'payouts', tool: 'payouts.close', arguments: { id: 'a-1' } };

const classify = (reviewId: string, request: unknown, runId = 'run-1') =>
  steps.gate.classifyCall({ reviewId, runId, startedAt: gate.clock.now(), request });

/** Classifies and returns what of it matters here. */
async function judged(request: unknown, reviewId = gate.newReviewId()) {
  const answer = await classify(reviewId, request);
  if (answer.kind === 'refused') return { kind: answer.kind, reasonCode: answer.reasonCode };
  const { kind, revision, base } = answer;
  return { kind, gate: revision.gate, reasonCodes: revision.reasonCodes, attested: base.proposer.attested };
}

const signed = (request: typeof GET & JsonObject, proposer?: string) => {
  const reviewId = gate.newReviewId();
  return { reviewId, request: { ...request, proposal: gate.propose(reviewId, request, proposer) } };
};

describe('law 1: the class decides the gate', () => {
  it.each<[string, string, JsonObject, JsonObject]>([
    ['reversible goes', 'payouts.get', { id: 'p' }, { kind: 'free', gate: 'none', reasonCodes: [] }],
    ['sensitive goes, and people hear of it', 'payouts.notify', { id: 'p' }, { kind: 'free', gate: 'soft' }],
    [
      'irreversible waits',
      'payouts.close',
      { id: 'a' },
      { kind: 'held', gate: 'hard', reasonCodes: ['irreversible-tool'] },
    ],
    ['forbidden is blocked', 'payouts.destroy', {}, { kind: 'blocked', gate: null, reasonCodes: ['forbidden'] }],
    ['unknown is blocked', 'payouts.nothing', {}, { kind: 'blocked', gate: null, reasonCodes: ['unknown_tool'] }],
    [
      'a wrong argument is blocked',
      'payouts.create',
      { account: 1 },
      { kind: 'blocked', reasonCodes: ['arguments_invalid'] },
    ],
    [
      'an argument that leaves its path is blocked',
      'payouts.get',
      { id: '../x' },
      { kind: 'blocked', reasonCodes: ['arguments_invalid'] },
    ],
  ])('%s', async (_name, tool, args, expected) => {
    const { reviewId, request } = signed({ service: 'payouts', tool, arguments: args } as typeof GET);
    expect(await judged(request, reviewId)).toMatchObject({ ...expected, attested: true });
  });

  it('holds where a rule fails, and blocks where the approval cannot be told', async () => {
    const broken = (): never => {
      throw new Error('no such field');
    };
    gate.settings.setPolicy({ rules: [{ name: 'broken', class: 'reversible', when: broken }] });
    const failing = signed(GET);
    expect(await judged(failing.request, failing.reviewId)).toMatchObject({
      kind: 'held',
      reasonCodes: ['irreversible-tool', 'rule_error'],
    });
    const { review } = (await store.readReview(failing.reviewId)) ?? {};
    expect(review?.heldBy?.rules).toMatchObject([{ source: 'broken', error: 'failed' }]);
    gate.settings.setPolicy({ approval: broken });
    const undecidable = signed(CLOSE);
    expect(await judged(undecidable.request, undecidable.reviewId)).toMatchObject({
      kind: 'blocked',
      reasonCodes: ['policy_error'],
    });
  });

  it('blocks what is frozen, what the agent may not propose and what nobody can reach', async () => {
    const narrow = signed(CLOSE, 'narrow-agent');
    expect(await judged(narrow.request, narrow.reviewId)).toMatchObject({ reasonCodes: ['tool_not_allowed'] });
    gate.settings.update({ freeze: ['payouts.c*'] });
    const frozen = signed(CLOSE);
    expect(await judged(frozen.request, frozen.reviewId)).toMatchObject({ kind: 'blocked', reasonCodes: ['frozen'] });
    gate.settings.update({ freeze: [], connectors: {} });
    const unreachable = signed(CLOSE);
    expect(await judged(unreachable.request, unreachable.reviewId)).toMatchObject({
      reasonCodes: ['connector_missing'],
    });
  });

  it('holds a sensitive call once its tool has had too many in an hour', async () => {
    const name = `payouts.remind${gate.clock.now()}`;
    const request = { method: 'POST', path: '/payouts/{id}/remind', body: 'arguments' } as const;
    gate.settings.setPolicy({ tools: [{ name, class: 'sensitive', connector: 'payouts', request }] });
    gate.settings.update({ limits: { ...gate.settings.current().limits, sensitivePerToolPerHour: 3 } });
    const calls = Array.from({ length: 6 }, () => signed({ service: 'payouts', tool: name, arguments: { id: 'p' } }));
    const propose = () => Promise.all(calls.map((call) => classify(call.reviewId, call.request)));
    const answers = await propose();
    expect(answers.filter(({ kind }) => kind === 'free')).toHaveLength(3);
    const held = answers.flatMap((answer) => (answer.kind === 'held' ? [answer.revision] : []));
    expect(held).toHaveLength(3);
    for (const revision of held) {
      expect(revision).toMatchObject({ gate: 'hard', reasonCodes: ['sensitive_limit'] });
      expect(revision.material).toMatchObject({ class: 'sensitive', levels: [{ quorum: 1 }] });
    }
    // A local activity that is tried again judges the same call the same way.
    expect((await propose()).map(({ kind }) => kind)).toEqual(answers.map(({ kind }) => kind));
  });

  it('writes everything of it at once, in the documented shapes', async () => {
    const { reviewId, request } = signed({ ...CLOSE, reason: 'no longer used', context: { env: 'x' } });
    const answer = await classify(reviewId, request);
    if (answer.kind !== 'held') throw new Error(answer.kind);
    const { material, digest } = answer.revision;
    expect(materialSchema.safeParse(material).error).toBeUndefined();
    expect(digest).toBe(digestMaterial(material));
    const row = await steps.ledger(reviewId);
    expect(row).toMatchObject({ state: 'open', proposalDigest: answer.proposalDigest, expiresAt: material.expiresAt });
    expect(Date.parse(row.expiresAt ?? '')).toBe(gate.clock.now() + ONE_OF_OPS.expireAfterMs);
    const entries = await steps.entries(reviewId);
    expect(entries.map(({ type }) => type)).toEqual(['proposed', 'classified']);
    for (const entry of entries) expect(auditEntrySchema.safeParse(entry).error).toBeUndefined();
    expect(entries[1]).toMatchObject({ digest, status: 'pending', gate: 'hard', class: 'irreversible' });
    const stored = await store.readReview(reviewId);
    expect(reviewSchema.safeParse(stored?.review).error).toBeUndefined();
    expect(stored?.review).toMatchObject({
      status: 'pending',
      call: { digest },
      level: 1,
      expiresAt: material.expiresAt,
      heldBy: { rules: [], approval: ONE_OF_OPS.selectedBy },
    });
    const record = await store.readRecord(reviewId);
    expect(record?.materials).toEqual([material]);
    expect(record?.envelopes.map(({ kind }) => kind)).toEqual(['proposal']);
  });

  it('denies a blocked call in the ledger at once', async () => {
    const { reviewId, request } = signed({ ...GET, tool: 'payouts.destroy', arguments: { id: '' } });
    await classify(reviewId, request);
    expect(await steps.ledger(reviewId)).toMatchObject({ state: 'denied', denial: { reason: 'forbidden' } });
  });
});

describe('law 2: who proposes is what a signature says', () => {
  const unattested = (more: unknown[] = []) => ({ attested: false, reasonCodes: ['unattested', ...more] });

  it('holds what nobody signed, whatever its class', async () => {
    expect(await judged(GET)).toMatchObject({ kind: 'held', gate: 'hard', ...unattested() });
  });

  it('lets it go, or refuses it, where configuration says so', async () => {
    gate.settings.update({ unattested: 'allow' });
    expect(await judged(GET)).toMatchObject({ kind: 'free', attested: false });
    expect(await judged(CLOSE)).toMatchObject({ kind: 'held', attested: false });
    gate.settings.update({ unattested: 'refuse' });
    expect(await judged(GET)).toMatchObject({ kind: 'blocked', reasonCodes: ['unattested_refused'] });
  });

  it('blocks it where separation of duties asks for an owner that nobody knows', async () => {
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, separationOfDuties: true } });
    expect(await judged(CLOSE)).toMatchObject({ kind: 'blocked', reasonCodes: ['owner_unknown'] });
  });

  it.each<[string, (reviewId: string) => unknown]>([
    ['forged', (id) => gate.propose(id, GET, 'agent-1', signerOf(makeKey('propose-1')))],
    ['signed by the reviewers’ side', (id) => gate.propose(id, GET, 'agent-1', gate.signers.review)],
    ['for another review', () => gate.propose(gate.newReviewId(), GET)],
    ['for another deployment', (id) => gate.propose(id, GET, 'agent-1', gate.signers.propose, 'other')],
    ['of an agent that nobody knows', (id) => gate.propose(id, GET, 'nobody')],
    ['no envelope', () => 'yes'],
    ['none', () => undefined],
  ])('takes a proposal that is %s for none', async (_name, envelope) => {
    const reviewId = gate.newReviewId();
    const found = await judged({ ...GET, proposal: envelope(reviewId) }, reviewId);
    expect(found).toMatchObject({ kind: 'held', ...unattested() });
  });

  it('uses nothing beside a valid proposal', async () => {
    const reviewId = gate.newReviewId();
    const request = { ...CLOSE, tool: 'payouts.get', proposal: gate.propose(reviewId, CLOSE), class: 'reversible' };
    const answer = await classify(reviewId, request);
    expect(answer).toMatchObject({ kind: 'held', revision: { material: { tool: 'payouts.close' } } });
  });

  it('takes a service’s own key for that service alone', async () => {
    const own = makeKey('billing');
    gate.trust.agents.set('billing', own);
    const agents = [
      ...gate.settings.current().agents,
      { id: 'billing', publicKey: 'file:billing', owner: 'finance-1' },
    ];
    gate.settings.update({ agents });
    const [mine, anothers] = [gate.newReviewId(), gate.newReviewId()];
    const propose = (id: string, proposer: string) => gate.propose(id, GET, proposer, signerOf(own));
    expect(await judged({ ...GET, proposal: propose(mine, 'billing') }, mine)).toMatchObject({
      kind: 'free',
      attested: true,
    });
    expect(await judged({ ...GET, proposal: propose(anothers, 'agent-1') }, anothers)).toMatchObject(unattested());
  });

  it('ignores what an unsigned request claims: class, status, context, group, callback', async () => {
    const claims = {
      class: 'reversible',
      status: 'approved',
      context: { env: 'test' },
      group: 'g',
      callback: 'https://x.example/',
    };
    const answer = await classify(gate.newReviewId(), { ...CLOSE, ...claims });
    expect(answer).toMatchObject({
      kind: 'held',
      base: {
        group: null,
        callback: null,
        proposer: { id: 'temporal:someone@somewhere', owner: null, attested: false },
      },
      revision: { material: { context: {}, class: 'irreversible' } },
    });
  });

  it('lays the pinned context over the caller’s', async () => {
    gate.settings.update({ agents: [{ id: 'agent-1', context: { env: 'production' } }] });
    const { reviewId, request } = signed({ ...GET, context: { env: 'test', more: 1 } });
    expect(await classify(reviewId, request)).toMatchObject({
      revision: { material: { context: { env: 'production', more: 1 } } },
    });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'payouts.get'],
    ['undecodable bytes', { $undecodable: true }],
    ['no arguments', { service: 'payouts', tool: 'payouts.get' }],
    ['half a character', { ...GET, arguments: { id: '\ud800' } }],
    ['a number that no double holds', { ...GET, arguments: { id: 2 ** 60 } }],
    [
      'nesting beyond the stack',
      { ...GET, arguments: { id: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as unknown } },
    ],
    ['a key that would change the prototype', { ...GET, arguments: JSON.parse('{"__proto__":{"id":"x"}}') as unknown }],
  ])('blocks an argument that is %s, and never fails', async (_name, request) => {
    const reviewId = gate.newReviewId();
    expect(await judged(request, reviewId)).toMatchObject({ kind: 'blocked', reasonCodes: ['arguments_invalid'] });
    expect((await steps.ledger(reviewId)).state).toBe('denied');
  });

  it('takes a starter’s identity as it comes, cut to size', async () => {
    const hostile = `${'x'.repeat(118)}🙂${'y'.repeat(500)}`;
    const { classifyCall } = createGateActivities({ ...gate.gateDeps, starterIdentity: async () => hostile });
    const input = { reviewId: gate.newReviewId(), runId: 'run', startedAt: gate.clock.now(), request: CLOSE };
    const answer = await classifyCall(input);
    if (answer.kind !== 'held') throw new Error(answer.kind);
    expect(answer.base.proposer.id.length).toBeLessThanOrEqual(128);
    expect(answer.revision.digest).toBe(digestMaterial(answer.revision.material));
  });
});

describe('the limit of pending reviews', () => {
  const limited = (pendingPerAgent: number) => {
    const { limits } = gate.settings.current();
    gate.settings.update({ limits: { ...limits, pendingPerAgent } });
  };
  const tooMany = { kind: 'blocked', reasonCodes: ['too_many_pending'] };
  const propose = (proposer = 'agent-2', request = CLOSE) => {
    const { reviewId, request: proposed } = signed(request, proposer);
    return judged(proposed, reviewId);
  };

  it('holds for whoever starts the workflow; what does not wait still goes', async () => {
    limited((await store.countPending('agent-2')) + 2);
    const answers = await Promise.all([propose(), propose(), propose()]);
    expect(answers.filter(({ kind }) => kind === 'held')).toHaveLength(2);
    expect(await propose()).toMatchObject(tooMany);
    expect(await propose('agent-2', GET)).toMatchObject({ kind: 'free' });
  });

  it('one that is blocked by it has ended, visibly', async () => {
    limited(await store.countPending('agent-2'));
    const { reviewId, request } = signed(CLOSE, 'agent-2');
    await classify(reviewId, request);
    expect(await steps.ledger(reviewId)).toMatchObject({ state: 'denied', denial: { reason: 'too_many_pending' } });
    expect((await store.readReview(reviewId))?.review).toMatchObject({
      status: 'blocked',
      reasonCodes: ['too_many_pending'],
      call: { tool: 'payouts.close' },
    });
    expect((await steps.entries(reviewId)).at(-1)).toMatchObject({ type: 'classified', status: 'blocked' });
  });

  it('is one for all unattested starts, whatever their identity', async () => {
    limited((await store.countPending({ prefix: 'temporal:' })) + 1);
    const start = (identity: string) => {
      const { classifyCall } = createGateActivities({ ...gate.gateDeps, starterIdentity: async () => identity });
      return classifyCall({ reviewId: gate.newReviewId(), runId: 'r', startedAt: gate.clock.now(), request: CLOSE });
    };
    expect(await start('one')).toMatchObject({ kind: 'held' });
    expect(await start('other')).toMatchObject({ kind: 'blocked', revision: { reasonCodes: ['too_many_pending'] } });
  });

  it('does not count against itself a review that is open already', async () => {
    const { reviewId, request } = signed(CLOSE, 'agent-2');
    await classify(reviewId, request);
    limited(1);
    expect(await classify(reviewId, request, 'run-2')).toMatchObject({ kind: 'held', outcome: null });
    expect((await steps.ledger(reviewId)).state).toBe('open');
  });
});

describe('a call that can never be classified', () => {
  const failed = async (reviewId: string) => {
    expect(await steps.ledger(reviewId)).toMatchObject({
      state: 'denied',
      denial: { reason: 'classification_failed' },
    });
    expect((await store.readReview(reviewId))?.review).toMatchObject({
      status: 'blocked',
      reasonCodes: ['classification_failed'],
    });
    expect((await steps.entries(reviewId)).at(-1)).toMatchObject({ type: 'classified', status: 'blocked' });
  };

  it.each([
    ['a deadline beyond all time', () => ({ ...ONE_OF_OPS, expireAfterMs: 3_000_000 * 86_400_000 })],
    [
      'a failure that nobody thought of',
      () => ({
        ...ONE_OF_OPS,
        get levels(): never {
          throw new TypeError('no levels');
        },
      }),
    ],
  ])('ends blocked: %s', async (_name, approval) => {
    gate.settings.setPolicy({ approval: approval as never });
    const { reviewId, request } = signed(CLOSE);
    expect(await classify(reviewId, request)).toMatchObject({ kind: 'blocked', outcome: null });
    await failed(reviewId);
    expect((await store.readReview(reviewId))?.review.call).toMatchObject({ tool: 'payouts.close' });
  });

  it('ends blocked where the database takes nothing of it, and waits where the database is away', async () => {
    const { reviewId, request } = signed(CLOSE);
    const input = { reviewId, runId: 'r', startedAt: gate.clock.now(), request };
    const failing = (code: StorageError['code']) => {
      let failures = 1;
      const commit: Store['commit'] = async (next) => {
        failures -= 1;
        if (failures >= 0) throw new StorageError(code, code);
        return store.commit(next);
      };
      return createGateActivities({ ...gate.gateDeps, store: { ...store, commit } });
    };
    await expect(failing('database_unavailable').classifyCall(input)).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    expect(await store.readLedger(reviewId)).toBeUndefined();
    expect(await failing('write_refused').classifyCall(input)).toMatchObject({ kind: 'blocked' });
    await failed(reviewId);
  });

  it('is answered, not tried again, where other arguments lead to it', async () => {
    const journey = await steps.open('payouts.close', { id: 'a-1' });
    gate.settings.setPolicy({ approval: () => ({ ...ONE_OF_OPS, expireAfterMs: Number.NaN }) as never });
    const prepared = await steps.gate.prepareRevision({
      previous: journey.input.material,
      attested: true,
      arguments: { id: 'a-2' },
      startedAt: gate.clock.now(),
      question: false,
    });
    expect(prepared).toEqual({ ok: false });
  });
});

describe('law 6: one row per review', () => {
  it('refuses a review id that another proposal has', async () => {
    const { reviewId, request } = signed(GET);
    await classify(reviewId, request);
    const before = await steps.entries(reviewId);
    for (const other of [
      CLOSE,
      { ...GET, proposal: gate.propose(reviewId, { ...GET, reason: 'again' }) },
      { ...CLOSE, tool: 'payouts.destroy' },
    ]) {
      expect(await judged(other, reviewId)).toEqual({ kind: 'refused', reasonCode: 'review_id_taken' });
    }
    expect(await steps.entries(reviewId)).toEqual(before);
    expect((await steps.ledger(reviewId)).state).toBe('open');
  });

  it('writes nothing twice where it is asked again after a time-out', async () => {
    for (const call of [CLOSE, { ...GET, tool: 'payouts.destroy' }]) {
      const { reviewId, request } = signed(call);
      const first = await classify(reviewId, request);
      const size = (await store.head()).size;
      gate.clock.advance(1_000);
      const again = await steps.gate.classifyCall({
        reviewId,
        runId: 'run-1',
        startedAt: gate.clock.now() - 1_000,
        request,
      });
      expect(again).toEqual(first);
      expect((await store.head()).size).toBe(size);
    }
  });

  it('reopens after a reset under another policy, with the deadline that it had', async () => {
    const { reviewId, request } = signed(CLOSE);
    const startedAt = gate.clock.now();
    const first = await classify(reviewId, request);
    gate.settings.setPolicy({
      approval: {
        ...ONE_OF_OPS,
        expireAfterMs: 48 * 3_600_000,
        levels: [{ name: 'x', approvers: ['finance'], quorum: 2 }],
      },
    });
    const again = await steps.gate.classifyCall({ reviewId, runId: 'run-2', startedAt, request });
    if (first.kind === 'refused' || again.kind === 'refused') throw new Error('refused');
    expect(again).toMatchObject({ kind: 'held', reopened: true, outcome: null });
    expect(again.revision.material.levels).toMatchObject([{ approvers: ['finance'], quorum: 2 }]);
    expect(again.revision.material.expiresAt).toBe(first.revision.material.expiresAt);
    expect(again.revision.digest).toBe(digestMaterial(again.revision.material));
    expect((await steps.ledger(reviewId)).expiresAt).toBe(first.revision.material.expiresAt);
  });

  it('says that it was reopened where its deadline had moved earlier meanwhile', async () => {
    const { reviewId, request } = signed(CLOSE);
    await classify(reviewId, request);
    const expiresAt = new Date(gate.clock.now() + 60_000).toISOString();
    await store.commit({ ledger: { to: 'tighten', reviewId, expiresAt }, entries: [] });
    const again = await classify(reviewId, request, 'run-2');
    expect(again).toMatchObject({ reopened: true, revision: { material: { expiresAt } } });
  });

  it('tells what became of a review that is past deciding, whatever policy says of it now', async () => {
    const { input, reviewId } = await steps.approved('payouts.close', { id: 'a-1' });
    await steps.attempt(input);
    const request = { ...CLOSE, proposal: input.proposal };
    expect(await classify(reviewId, request, 'run-2')).toMatchObject({ outcome: { state: 'done' } });
    gate.settings.update({ freeze: ['*'] });
    expect(await classify(reviewId, request, 'run-3')).toMatchObject({
      kind: 'blocked',
      outcome: { state: 'done', execution: { status: 'executed' } },
    });
    expect((await steps.ledger(reviewId)).state).toBe('done');
  });

  it('tells a no that was said before, and not that it is blocked now', async () => {
    const { input, reviewId, opened } = await steps.open('payouts.close', { id: 'a-1' });
    const at = new Date(gate.clock.now()).toISOString();
    const { proposalDigest } = opened;
    await store.commit({ ledger: { to: 'deny', reviewId, proposalDigest, reason: 'rejected', at }, entries: [] });
    gate.settings.update({ freeze: ['*'] });
    const again = await classify(reviewId, { ...CLOSE, proposal: input.proposal }, 'run-2');
    expect(again).toMatchObject({ kind: 'blocked', outcome: { state: 'denied', denial: 'rejected' } });
  });

  it('denies an open row that is blocked after a reset', async () => {
    const { input, reviewId } = await steps.open('payouts.close', { id: 'a-1' });
    gate.settings.update({ freeze: ['*'] });
    const again = await classify(reviewId, { ...CLOSE, proposal: input.proposal }, 'run-2');
    expect(again).toMatchObject({ kind: 'blocked', outcome: null });
    expect(await steps.ledger(reviewId)).toMatchObject({ state: 'denied', denial: { reason: 'frozen' } });
  });
});

import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { nextClaimAt } from '../../src/domain/deferral.ts';
import { DEPLOYMENT, REVIEWERS, TOOLS, type GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, failureOf, forge, later, refused } from '../support/gate-journey.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const CLOSE: JsonObject = { id: 'a-1' };
const attempt: typeof steps.attempt = (input) => steps.attempt(input);

describe('law 3: what was shown is what runs', () => {
  it('runs an edited call with its new arguments on the editor’s approval', async () => {
    const { input } = await steps.edit(await steps.open('payouts.close', CLOSE), { id: 'a-2' });
    expect(await attempt(input)).toEqual(EXECUTED);
    expect(gate.calls[0]?.arguments).toEqual({ id: 'a-2' });
  });

  it('voids the votes of the version before', async () => {
    const first = await steps.approved('payouts.close', CLOSE);
    const second = await steps.edit(first, { id: 'a-2' }, { reviewer: 'ops-2' });
    expect(await attempt(first.input)).toEqual(refused('not_authorized'));
    expect(await attempt({ ...second.input, decisions: first.input.decisions })).toEqual(refused('not_authorized'));
    expect(await attempt(second.input)).toEqual(EXECUTED);
  });

  it('does not run a revision for which changes were requested', async () => {
    const approved = await steps.approved('payouts.close', CLOSE);
    const asked = await steps.decide(approved, { type: 'revise', comment: 'another one', reviewer: 'ops-2' });
    expect(await attempt(asked.input)).toEqual(refused('not_authorized'));
    expect(await attempt(approved.input)).toEqual(refused('not_authorized'));
  });

  it('holds an edited call to the approval in force, also where its new arguments would be free', async () => {
    const strict = {
      name: 'strict',
      class: 'irreversible',
      when: ({ arguments: a }: { arguments: JsonObject }) => a['id'] === 'p-1',
    } as const;
    const two = { ...ONE_OF_OPS, levels: [{ name: 'a', approvers: ['ops'], quorum: 2 }] };
    gate.settings.setPolicy({ rules: [strict], approval: two });
    const edited = await steps.edit(await steps.open('payouts.get', { id: 'p-1' }), { id: 'p-2' });
    // Nobody signed the levels of an edit: whoever schedules the activity may write them down as he likes.
    const one = [{ name: 'a', approvers: ['ops'], quorum: 1, escalation: null }];
    expect(await attempt(forge(edited, { levels: one }))).toEqual(refused('reclassified'));
    expect(await attempt((await steps.decide(edited, { reviewer: 'ops-2' })).input)).toEqual(EXECUTED);
  });

  it('does not take an old preview for the one that an edit led to', async () => {
    let rows = 3;
    gate.answerPreview(() => ({ ok: true, facts: [{ name: 'rows', label: 'Rows', value: rows }], sourceHash: null }));
    const first = await steps.open('payouts.purge', { before: '2023' });
    rows = 3_000;
    const edited = await steps.edit(first, { before: '2024' });
    const forged = forge(edited, { evidence: first.input.material.evidence });
    expect(await attempt(forged)).toEqual(refused('not_authorized'));
    const without = forge(edited, { evidence: null });
    expect(await attempt(without)).toEqual(refused('not_authorized'));
  });

  it('counts an edit whose preview came out the same', async () => {
    const edited = await steps.edit(await steps.open('payouts.purge', { before: '2023' }), { before: '2024' });
    expect(await attempt(edited.input)).toEqual(EXECUTED);
    expect(gate.calls[0]?.evidence).toEqual(edited.input.material.evidence);
  });

  it.each<[string, () => void]>([
    [
      'another base URL',
      () => gate.settings.update({ connectors: { payouts: { baseUrl: 'https://payouts.example.com' } } }),
    ],
    [
      'another path',
      () =>
        gate.settings.setPolicy({
          tools: TOOLS.map((tool) =>
            tool.name === 'payouts.close' ? { ...tool, request: { method: 'DELETE', path: '/all/{id}' } } : tool,
          ),
        }),
    ],
    [
      'another method',
      () =>
        gate.settings.setPolicy({
          tools: TOOLS.map((tool) =>
            tool.name === 'payouts.close' ? { ...tool, request: { method: 'POST', path: '/accounts/{id}' } } : tool,
          ),
        }),
    ],
  ])('is drifted where the target renders to %s', async (_name, change) => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    change();
    expect(await attempt(input)).toEqual(refused('drifted'));
  });
});

describe('law 4: silence is no', () => {
  it('does not count a yes that was given after the deadline', async () => {
    const journey = await steps.open('payouts.close', CLOSE);
    const decidedAt = new Date(gate.clock.now() + ONE_OF_OPS.expireAfterMs + 1).toISOString();
    expect(await attempt((await steps.decide(journey, { decidedAt })).input)).toEqual(refused('not_authorized'));
  });

  it('keeps to the ledger’s deadline where that has moved earlier', async () => {
    const { input, reviewId } = await steps.approved('payouts.close', CLOSE);
    const expiresAt = new Date(gate.clock.now() - 1).toISOString();
    await store.commit({ ledger: { to: 'tighten', reviewId, expiresAt }, entries: [] });
    expect(await attempt(input)).toEqual(refused('not_authorized'));
  });

  it('does not run an approval that is older than executeWithin', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    gate.clock.advance(gate.settings.current().executeWithinMs + 1);
    expect(await attempt(input)).toEqual(refused('approval_stale'));
  });

  it('does not run what the ledger has denied in the meantime', async () => {
    const { input, reviewId, opened } = await steps.approved('payouts.close', CLOSE);
    const at = new Date(gate.clock.now()).toISOString();
    const { proposalDigest } = opened;
    await store.commit({ ledger: { to: 'deny', reviewId, proposalDigest, reason: 'expired', at }, entries: [] });
    expect(await attempt(input)).toEqual({ failure: undefined, sent: 0, state: 'denied' });
  });
});

describe('law 5: deny first', () => {
  it('does not run with a no among the decisions, nor with one on record that is left out', async () => {
    const yes = await steps.approved('payouts.close', CLOSE);
    const no = await steps.decide(yes, { type: 'reject', reviewer: 'ops-2' });
    expect(await attempt(no.input)).toEqual(refused('not_authorized'));
    expect(await attempt(yes.input)).toEqual(refused('not_authorized'));
  });

  it('does not count a reviewer who was removed, became an auditor or changed groups', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    const others = REVIEWERS.filter(({ id }) => id !== 'ops-1');
    for (const reviewers of [
      others,
      [...others, { id: 'ops-1', groups: ['ops'], role: 'auditor' as const }],
      [...others, { id: 'ops-1', groups: ['finance'] }],
    ]) {
      gate.settings.update({ reviewers });
      expect(await attempt(input)).toEqual(refused('not_authorized'));
    }
    gate.settings.update({ reviewers: REVIEWERS });
    expect(await attempt(input)).toEqual(EXECUTED);
  });

  it('does not count the current owner once separation of duties is on', async () => {
    const sod = { approval: { ...ONE_OF_OPS, separationOfDuties: true } };
    const byOwner = await steps.decide(await steps.open('payouts.close', CLOSE), { reviewer: 'ops-3' });
    gate.settings.setPolicy(sod);
    expect(await attempt(byOwner.input)).toEqual(refused('reclassified'));
    const { input } = await steps.approved('payouts.close', CLOSE);
    gate.settings.update({ agents: [{ id: 'agent-1', owner: 'ops-1' }] });
    expect(await attempt(input)).toEqual(refused('not_authorized'));
  });

  it('counts no reviewer twice', async () => {
    const two = { ...ONE_OF_OPS, levels: [{ name: 'a', approvers: ['ops'], quorum: 2 }] };
    gate.settings.setPolicy({ approval: two });
    const once = await steps.approved('payouts.close', CLOSE);
    expect(await attempt((await steps.decide(once)).input)).toEqual(refused('not_authorized'));
    expect(await attempt((await steps.decide(once, { reviewer: 'ops-2' })).input)).toEqual(EXECUTED);
  });

  it('does not count a decision whose signing key is no longer trusted', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    gate.trust.roles.review = [];
    expect(await attempt(input)).toEqual(refused('not_authorized'));
  });

  it('does not count a decision for another deployment', async () => {
    const { input, reviewId, digest } = await steps.open('payouts.close', CLOSE);
    const envelope = gate.decide(reviewId, { digest, deploymentId: `${DEPLOYMENT}-2` });
    await steps.admit(reviewId, envelope);
    expect(await attempt({ ...input, decisions: [envelope] })).toEqual(refused('not_authorized'));
  });
});

describe('calls that cannot be made yet', () => {
  const waits = (code: string) => ({ failure: later(code), sent: 0, state: 'open' });
  const countClaims = async (tool: string): Promise<number> => {
    for (let n = 1; ; n += 1) {
      if (nextClaimAt(await store.nthLastClaim(tool, n), gate.clock.now()) === null) return n - 1;
    }
  };

  it('wait while their tool is frozen', async () => {
    const { input } = await steps.approved('payouts.close', CLOSE);
    gate.settings.update({ freeze: ['payouts.*'] });
    expect(await attempt(input)).toEqual(waits('frozen'));
    gate.settings.update({ freeze: [] });
    expect(await attempt(input)).toEqual(EXECUTED);
  });

  it('wait while too many of their tool ran in the last hour', async () => {
    const [first, second] = [
      await steps.approved('payouts.close', CLOSE),
      await steps.approved('payouts.close', CLOSE),
    ];
    const claimed = await countClaims('payouts.close');
    gate.settings.update({ limits: { ...gate.settings.current().limits, irreversiblePerToolPerHour: claimed + 1 } });
    expect(await attempt(first.input)).toEqual(EXECUTED);
    expect(await attempt(second.input)).toEqual(waits('rate_exceeded'));
  });

  it('wait for a decision beyond the limit of sensitive calls, whatever Temporal says of them', async () => {
    const limits = { ...gate.settings.current().limits, sensitivePerToolPerHour: 1 };
    gate.settings.update({ limits });
    const notify = { id: 'p-1' };
    expect(await attempt((await steps.open('payouts.notify', notify)).input)).toEqual(EXECUTED);
    const held = await steps.open('payouts.notify', notify);
    expect(held.opened.kind).toBe('held');
    expect(await attempt(held.input)).toEqual(refused('not_authorized'));
    const asFree = forge(await steps.open('payouts.notify', notify), { levels: [], expiresAt: null });
    expect(await attempt(asFree)).toEqual(refused('not_authorized'));
    expect(await attempt((await steps.decide(held)).input)).toEqual(EXECUTED);
  });

  it('wait in turn when a batch is decided at once: none exceeds the limit', async () => {
    const batch = await Promise.all([1, 2, 3, 4].map(() => steps.approved('payouts.close', CLOSE)));
    const claimed = await countClaims('payouts.close');
    gate.settings.update({ limits: { ...gate.settings.current().limits, irreversiblePerToolPerHour: claimed + 2 } });
    const worker = steps.run();
    const failures = await Promise.all(batch.map(({ input }) => failureOf(worker.executeCall(input))));
    expect(failures.filter((failure) => failure === undefined)).toHaveLength(2);
    expect(failures.filter((failure) => failure?.code === 'rate_exceeded')).toHaveLength(2);
    expect(gate.calls).toHaveLength(2);
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/contract/config.ts';
import type { PolicyFile } from '../../src/contract/policy.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

/** The two files edited while Holdpoint runs: what waits is judged by what is in force when it is executed. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  const { config, policy } = world.deployment;
  world.deployment.writePolicy(policy);
  await configure(config);
});

/** Marks the config so that it can be told when it is in force: the auditor signs in with another group. */
let edits = 0;
async function configure(config: ConfigFile): Promise<void> {
  edits += 1;
  const mark = `edit-${edits}`;
  const reviewers = (config.reviewers ?? []).map((one) => (one.id === 'audit-1' ? { ...one, groups: [mark] } : one));
  world.deployment.writeConfig({ ...config, reviewers });
  await until(
    async () => {
      const { body } = await world.get('/v1/session', 'audit-1');
      return JSON.stringify(body['reviewer'] ?? null).includes(mark) ? true : undefined;
    },
    { what: `the config ${mark} in force` },
  );
}
const edit = (change: Partial<ConfigFile>) => configure({ ...world.deployment.config, ...change });
/** The policy is read together with the config: once the mark is seen, so is the policy. */
async function writePolicy(change: Partial<PolicyFile>, config: Partial<ConfigFile> = {}): Promise<void> {
  world.deployment.writePolicy({ ...world.deployment.policy, ...change });
  await edit(config);
}
const frozen: Partial<ConfigFile> = { freeze: ['bank.*'] };

describe('freeze', () => {
  test('stops new calls at once; approved ones wait, and are made when it is lifted', async () => {
    const ref = newRef('freeze');
    const { reviewId } = await world.hold('bank.pay', { ref });
    await edit(frozen);
    expect((await world.decide(reviewId, {})).status).toBe(200);
    for (const tool of ['bank.pay', 'bank.get', 'bank.notify']) {
      const answer = await world.execute(tool, { ref });
      expect(answer).toMatchObject({ status: 403, body: { outcome: 'BLOCKED', reasonCodes: ['frozen'] } });
    }
    expect(await world.review(reviewId)).toMatchObject({ status: 'approved', execution: { status: 'not_started' } });
    expect(world.target.count(ref)).toBe(0);
    await edit({});
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed' } });
    expect(world.target.count(ref)).toBe(1);
  });

  test('an approval that is not executed in time is stale, and never made', async () => {
    const ref = newRef('stale');
    await edit({ executeWithin: '2s' });
    const review = await world.hold('bank.pay', { ref });
    await edit({ ...frozen, executeWithin: '2s' });
    expect((await world.decide(review.reviewId, {})).status).toBe(200);
    expect(await world.settled(review.reviewId)).toMatchObject({
      status: 'approved',
      execution: { status: 'failed', error: { code: 'approval_stale' } },
    });
    await edit({});
    expect(world.target.count(ref)).toBe(0);
  });
});

describe('law 2: the stricter of then and now', () => {
  test('a policy that asks for more, forbids the call or sends it elsewhere: refused at execution', async () => {
    const cases = [
      { tool: 'bank.pay', ref: newRef('tightened'), code: 'reclassified' },
      { tool: 'bank.order', ref: newRef('forbidden'), code: 'reclassified' },
      { tool: 'bank.slow', ref: newRef('moved'), code: 'drifted' },
    ];
    const reviews = await Promise.all(cases.map(({ tool, ref }) => world.hold(tool, { ref })));
    await edit(frozen);
    for (const { reviewId } of reviews) expect((await world.decide(reviewId, {})).status).toBe(200);
    const { policy } = world.deployment;
    const [chain] = policy.approvals ?? [];
    const ops = { match: 'true', levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }] };
    await writePolicy({
      approvals: [{ ...(chain as NonNullable<typeof chain>), match: 'tool == "bank.pay"' }, ops],
      rules: [{ when: 'tool == "bank.order"', class: 'forbidden' }],
      tools: (policy.tools ?? []).map((tool) =>
        tool.name === 'bank.slow' ? { ...tool, request: { ...tool.request, path: '/elsewhere' } as never } : tool,
      ),
    });
    for (const [index, { ref, code }] of cases.entries()) {
      expect(await world.settled(reviews[index]?.reviewId ?? '')).toMatchObject({
        status: 'approved',
        execution: { status: 'failed', error: { code } },
      });
      expect(world.target.count(ref)).toBe(0);
    }
  });

  test('a policy that has become weaker lets nothing go by that was held', async () => {
    const ref = newRef('weaker');
    const { reviewId } = await world.hold('bank.pay', { ref });
    const tools = (world.deployment.policy.tools ?? []).map((tool) =>
      tool.name === 'bank.pay' ? { ...tool, class: 'reversible' as const } : tool,
    );
    await writePolicy({ tools, rules: [] });
    expect(await world.review(reviewId)).toMatchObject({ status: 'pending' });
    expect(world.target.count(ref)).toBe(0);
    await world.decide(reviewId, { type: 'reject' });
  });

  test('a rule that fails makes a call irreversible, never less', async () => {
    await writePolicy({ rules: [{ when: 'tool == "bank.get" && context.missing == 1', class: 'sensitive' }] });
    const answer = await world.execute('bank.get', { ref: newRef('failing') });
    expect(answer).toMatchObject({ status: 202, body: { class: 'irreversible', gate: 'hard' } });
    expect(answer.body.reasonCodes).toEqual(expect.arrayContaining(['rule_error', 'context_not_pinned']));
    await world.decide(answer.body.reviewId, { type: 'reject' });
  });
});

describe('law 5: people', () => {
  test('whoever is removed or leaves the group between vote and execution no longer counts, nor a removed agent', async () => {
    const cases = [
      { ref: newRef('removed'), by: 'ops-2', agent: 'agent-2' },
      { ref: newRef('left'), by: 'ops-3', agent: 'agent-2' },
      { ref: newRef('agent'), by: 'ops-1', agent: 'agent-1' },
    ] as const;
    const reviews = await Promise.all(
      cases.map(({ ref, agent }) => world.hold('bank.pay', { ref }, {}, { as: agent })),
    );
    await edit(frozen);
    for (const [index, { by }] of cases.entries())
      expect((await world.decide(reviews[index]?.reviewId ?? '', {}, by)).status).toBe(200);
    const { agents = [], reviewers = [] } = world.deployment.config;
    await edit({
      agents: agents
        .filter(({ id }) => id !== 'agent-1')
        .map((agent) => (agent.owner === 'ops-2' ? { ...agent, owner: 'ops-1' } : agent)),
      reviewers: reviewers
        .filter(({ id }) => id !== 'ops-2')
        .map((one) => (one.id === 'ops-3' ? { ...one, groups: ['finance'] } : one)),
    });
    expect((await world.get('/v1/reviews', 'ops-2')).status).toBe(401);
    expect((await world.execute('bank.get', { ref: 'x' })).status).toBe(401);
    for (const [index, { ref }] of cases.entries()) {
      expect(await world.settled(reviews[index]?.reviewId ?? '')).toMatchObject({
        status: 'approved',
        execution: { status: 'failed', error: { code: 'not_authorized' } },
      });
      expect(world.target.count(ref)).toBe(0);
    }
  });
});

describe('a file that is broken', () => {
  const config = async () => {
    const { status, body } = await world.get('/readyz');
    const problems = body['problems'] as readonly { code: string; message: string }[];
    return { status, said: problems.find(({ code }) => code === 'config_not_in_force')?.message };
  };

  test.each([
    ['the policy, as YAML', () => world.deployment.writePolicy('version: 1\ntools: [}'), 'policy.yaml'],
    [
      'the policy, by a wrong class',
      () =>
        world.deployment.writePolicy('version: 1\ntools:\n  - { name: bank.pay, class: harmless, connector: bank }\n'),
      'policy.yaml',
    ],
    [
      'the policy, with a gate weaker than irreversible',
      () =>
        world.deployment.writePolicy(
          'version: 1\ntools:\n  - { name: bank.pay, class: irreversible, gate: soft, connector: bank }\n',
        ),
      'policy.yaml',
    ],
    [
      'the config, by an unknown key',
      () => world.deployment.writeConfig({ ...world.deployment.config, allowAll: true } as never),
      'holdpoint.yaml',
    ],
  ])('%s: the old one stays in force, and /readyz says so', async (_what, spoil, file) => {
    const ref = newRef('broken');
    spoil();
    const broken = await until(
      async () => {
        const found = await config();
        return found.said === undefined ? undefined : found;
      },
      { what: 'a word on /readyz' },
    );
    expect(broken.status).toBe(200);
    expect(broken.said).toContain(file);
    const answer = await world.execute('bank.pay', { ref });
    expect(answer).toMatchObject({ status: 202, body: { class: 'irreversible', gate: 'hard' } });
    await world.decide(answer.body.reviewId, {});
    expect(await world.settled(answer.body.reviewId)).toMatchObject({ execution: { status: 'executed' } });
    world.deployment.writePolicy(world.deployment.policy);
    await edit({});
    expect((await config()).said).toBeUndefined();
  });
});

describe('limits', () => {
  test('an agent has so many reviews waiting and no more; what needs nobody still goes', async () => {
    const { body } = await world.get('/v1/reviews?status=pending,changes_requested&proposer=agent-2&limit=200');
    const waiting = (body['reviews'] as readonly unknown[]).length;
    await edit({ limits: { ...world.deployment.config.limits, pendingPerAgent: waiting + 2 } });
    const propose = () => world.execute('bank.pay', { ref: newRef('limit') }, {}, { as: 'agent-2' });
    const answers = await Promise.all(Array.from({ length: 6 }, propose));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(2);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(4);
    for (const answer of refused) {
      expect(answer.body).toMatchObject({ code: 'too_many_pending' });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const free = await world.execute('bank.get', { ref: newRef('limit') }, {}, { as: 'agent-2' });
    expect(free.status).toBe(200);
  });

  test('so many requests a minute', async () => {
    const { config } = world.deployment;
    world.deployment.writeConfig({ ...config, limits: { ...config.limits, requestsPerMinute: 20 } });
    const limited = await until(
      async () => {
        const answer = await world.get('/v1/reviews', 'agent-2');
        return answer.status === 429 ? answer : undefined;
      },
      { what: 'the limit' },
    );
    expect(limited).toMatchObject({ body: { code: 'rate_limited' } });
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('so many irreversible calls of a tool an hour: the next one waits, approved', async () => {
    const refs = [newRef('hour'), newRef('hour')];
    const limits = { ...world.deployment.config.limits, irreversiblePerToolPerHour: 1 };
    await edit({ limits });
    const made: string[] = [];
    for (const ref of refs) {
      const { reviewId } = await world.hold('bank.order', { ref });
      await world.decide(reviewId, {});
      made.push(reviewId);
    }
    expect(await world.settled(made[0] ?? '')).toMatchObject({ execution: { status: 'executed' } });
    expect(await world.review(made[1] ?? '')).toMatchObject({
      status: 'approved',
      execution: { status: 'not_started' },
    });
    expect(refs.map((ref) => world.target.count(ref))).toEqual([1, 0]);
  });
});

test('every change of policy is in the record', async () => {
  const { body } = await world.get('/v1/audit/entries?limit=1000', 'audit-1');
  const entries = (body['entries'] as readonly { entry: { type: string; previous: string | null } }[]).map(
    ({ entry }) => entry,
  );
  const changes = entries.filter(({ type }) => type === 'policy_changed');
  expect(changes.length).toBeGreaterThan(3);
  expect(changes[0]?.previous).toBeNull();
});

import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/domain/policy/policy.ts';
import { APPROVALS, callOf, CONFIG, EXAMPLE_CONFIG, EXAMPLE_POLICY, policyOf } from './policy-support.ts';

const SCHEMA =
  '{ type: object, additionalProperties: false, properties: { x: { type: integer }, amount: { type: integer }, text: { type: string }, all: { type: boolean } } }';
const TOOLS = `version: 1
include: [github, stripe]
tools:
  - { name: api.read, class: reversible, connector: api, request: { method: GET, path: "/x" }, arguments: ${SCHEMA} }
  - { name: api.note, class: sensitive, connector: api, request: { method: POST, path: "/x", body: arguments }, arguments: ${SCHEMA} }
  - { name: api.quiet, class: sensitive, gate: none, connector: api, request: { method: POST, path: "/x", body: arguments }, arguments: ${SCHEMA} }
  - { name: api.held, class: reversible, gate: hard, connector: api, request: { method: POST, path: "/x", body: arguments }, arguments: ${SCHEMA} }
  - { name: api.wipe, class: irreversible, connector: api, request: { method: DELETE, path: "/x" }, arguments: ${SCHEMA} }
  - { name: api.never, class: forbidden, connector: api, request: { method: DELETE, path: "/x" }, arguments: ${SCHEMA} }
`;
const withRules = (rules: string, approvals = APPROVALS): Policy =>
  policyOf(`${TOOLS}${rules === '' ? '' : `rules:\n${rules}`}${approvals}`);
const plain = policyOf(`${TOOLS}${APPROVALS}`);

describe('classification', () => {
  it.each([
    ['api.read', 'free', 'reversible', 'none', []],
    ['api.note', 'free', 'sensitive', 'soft', []],
    ['api.quiet', 'free', 'sensitive', 'none', []],
    ['api.held', 'held', 'reversible', 'hard', ['held_by_policy']],
    ['api.wipe', 'held', 'irreversible', 'hard', ['irreversible-tool']],
    ['api.never', 'blocked', 'forbidden', undefined, ['forbidden']],
    ['mcp.tickets.close', 'held', 'irreversible', 'hard', ['unlisted_tool']],
    ['mcp.tickets.a.b', 'held', 'irreversible', 'hard', ['unlisted_tool']],
    ['mcp.elsewhere.close', 'blocked', null, undefined, ['unknown_tool']],
    ['mcp.api.close', 'blocked', null, undefined, ['unknown_tool']],
    ['mcp.tickets', 'blocked', null, undefined, ['unknown_tool']],
    ['api.unheard', 'blocked', null, undefined, ['unknown_tool']],
    ['__proto__', 'blocked', null, undefined, ['unknown_tool']],
  ])('%s is %s, %s', (tool, kind, callClass, gate, reasonCodes) => {
    expect(plain.classify(callOf(tool))).toMatchObject({ kind, class: callClass, reasonCodes, ...(gate && { gate }) });
  });

  it('does not run a tool whose connector is not configured', () => {
    const policy = policyOf(`version: 1\ninclude: [github]\n${APPROVALS}`, CONFIG.replace(/ {2}github:.*\n/, ''));
    const call = callOf('github.repos.get', { arguments: { owner: 'o', repo: 'r' } });
    const errors = [{ pointer: '', message: expect.stringContaining('the connector github') }];
    const verdict = { kind: 'blocked', class: 'reversible', reasonCodes: ['connector_missing'], errors };
    expect(policy.classify(call)).toMatchObject(verdict);
    expect(policy.findTool('github.repos.get')).toBeUndefined();
  });

  it('forbids unlisted tools where the policy says so', () => {
    const policy = policyOf(`${TOOLS}${APPROVALS}unknownTool: forbidden\n`);
    expect(policy.classify(callOf('mcp.tickets.close'))).toMatchObject({
      kind: 'blocked',
      class: 'forbidden',
      reasonCodes: ['forbidden', 'unlisted_tool'],
    });
  });

  it('holds a call to its tool’s service', () => {
    expect(plain.classify(callOf('api.read', { service: 'github' }))).toMatchObject({
      kind: 'blocked',
      reasonCodes: ['unknown_tool'],
    });
  });

  it('applies every rule that matches, and the strictest wins', () => {
    const policy = withRules(`  - { when: tool == "api.read", class: sensitive, reason: first }
  - { when: service == "api", class: irreversible, reason: second }
  - { when: tool == "api.read" && arguments.x == 1, class: forbidden, reason: third }
  - { when: tool == "another.tool", class: forbidden, reason: fourth }
`);
    const held = policy.classify(callOf('api.read', { arguments: { x: 2 } }));
    expect(held).toMatchObject({ kind: 'held', class: 'irreversible', reasonCodes: ['first', 'second'] });
    expect(held.fired.map(({ reason }) => reason)).toEqual(['first', 'second']);
    expect(policy.classify(callOf('api.read', { arguments: { x: 1 } }))).toMatchObject({
      kind: 'blocked',
      class: 'forbidden',
      reasonCodes: ['forbidden', 'first', 'second', 'third'],
    });
  });

  it('never goes below the tool’s own class', () => {
    const policy = withRules('  - { when: "true", class: reversible, gate: none }\n');
    expect(policy.classify(callOf('api.wipe'))).toMatchObject({ kind: 'held', class: 'irreversible' });
    expect(policy.classify(callOf('api.note'))).toMatchObject({ kind: 'free', gate: 'soft' });
  });

  it('lets a rule strengthen a gate without changing the class', () => {
    const policy = withRules('  - { when: tool == "api.read", class: reversible, gate: hard, reason: watched }\n');
    expect(policy.classify(callOf('api.read'))).toMatchObject({
      kind: 'held',
      class: 'reversible',
      reasonCodes: ['watched'],
    });
  });

  it.each([
    ['misses a field', 'arguments.amount > 5'],
    ['is not true or false', 'arguments.text'],
    ['compares what cannot be', 'arguments.text > 5'],
  ])('makes a call irreversible when a rule %s', (_what, when) => {
    const policy = withRules(`  - { when: ${when}, class: sensitive }\n`);
    const verdict = policy.classify(callOf('api.read', { arguments: { text: 'x' } }));
    expect(verdict).toMatchObject({ kind: 'held', class: 'irreversible', reasonCodes: ['rule_error'] });
    expect(verdict.fired[0]?.error).not.toBeNull();
  });

  it('counts a floor like a rule', () => {
    const floor = { class: 'irreversible', reason: 'not_plain_select' } as const;
    expect(plain.classify(callOf('api.read', { floor }))).toMatchObject({
      kind: 'held',
      class: 'irreversible',
      reasonCodes: ['not_plain_select'],
    });
  });

  it('never lets the urgency that a caller names lower a class: a rule can only raise it', () => {
    const policy = withRules(
      '  - { when: urgency == "high", class: sensitive, gate: hard, reason: hurried }\n' +
        '  - { when: urgency == "normal", class: irreversible, reason: usual }\n',
    );
    const classOf = (urgency?: 'low' | 'normal' | 'high') => policy.classify(callOf('api.read', { urgency }));
    // A call counts as one of normal urgency whatever its caller says.
    for (const urgency of [undefined, 'low', 'normal', 'high'] as const) {
      expect(classOf(urgency)).toMatchObject({ class: 'irreversible' });
    }
    expect(classOf('high').reasonCodes).toContain('hurried');
    expect(classOf('low').reasonCodes).not.toContain('hurried');
  });

  it('never lets a caller’s context lower a class', () => {
    const policy = withRules('  - { when: has(context.env) && context.env != "test", class: irreversible }\n');
    const classOf = (context: { env?: string }, pinnedContext: { env?: string }): unknown =>
      policy.classify(callOf('api.read', { context, pinnedContext })).class;
    expect(classOf({}, {})).toBe('reversible');
    expect(classOf({ env: 'production' }, {})).toBe('irreversible');
    expect(classOf({ env: 'test' }, { env: 'production' })).toBe('irreversible');
    expect(classOf({ env: 'test' }, { env: 'test' })).toBe('reversible');
    const missing = withRules('  - { when: context.env == "production", class: irreversible }\n');
    expect(missing.classify(callOf('api.read', { context: { env: 'test' } }))).toMatchObject({
      class: 'irreversible',
      reasonCodes: ['rule_error', 'context_not_pinned'],
    });
  });

  it('selects the first approval that matches', () => {
    const approvals = `approvals:
  - match: has(context.team) && context.team == "trusted"
    levels: [{ name: light, approvers: [ops], quorum: 1 }]
  - match: tool == "api.wipe" && has(arguments.all)
    levels: [{ name: one, approvers: [ops], quorum: 1 }, { name: two, approvers: [ops], quorum: 2 }]
    ttl: 30m
    remind: [10m]
    separationOfDuties: true
    escalate: { after: 5m, to: [ops] }
  - match: "true"
    levels: [{ name: default, approvers: [ops], quorum: 1 }]
`;
    const policy = withRules('', approvals).classify;
    const selected = (...args: Parameters<typeof callOf>): unknown => {
      const verdict = policy(callOf(...args));
      return verdict.kind === 'held' ? verdict.approval : verdict;
    };
    expect(selected('api.wipe')).toMatchObject({
      levels: [{ name: 'default' }],
      separationOfDuties: false,
      expireAfterMs: 86_400_000,
      remindBeforeMs: [],
      escalate: null,
      emailDecision: 'sign-in',
      slackDecision: 'sign-in',
    });
    const team = { team: 'trusted' };
    expect(selected('api.wipe', { arguments: { all: true }, context: team })).toMatchObject({
      levels: [{ name: 'one' }, {}],
    });
    expect(selected('api.wipe', { context: team, pinnedContext: team })).toMatchObject({ levels: [{ name: 'light' }] });
    expect(selected('api.wipe', { arguments: { all: true } })).toMatchObject({
      levels: [{ name: 'one' }, { name: 'two', quorum: 2 }],
      separationOfDuties: true,
      expireAfterMs: 1_800_000,
      remindBeforeMs: [600_000],
      escalate: { afterMs: 300_000, to: ['ops'] },
    });
    expect(selected('api.held')).toMatchObject({ emailDecision: 'confirm', slackDecision: 'confirm' });
  });

  it.each([
    [
      'fewer levels',
      '{ levels: [{ name: x, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 1h }',
      'base',
    ],
    [
      'other groups',
      '{ levels: [{ name: x, approvers: [other], quorum: 2 }, { name: y, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 1h }',
      'base',
    ],
    [
      'more groups',
      '{ levels: [{ name: x, approvers: [ops, other], quorum: 2 }, { name: y, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 1h }',
      'base',
    ],
    [
      'a smaller quorum',
      '{ levels: [{ name: x, approvers: [ops], quorum: 1 }, { name: y, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 1h }',
      'base',
    ],
    [
      'no separation of duties',
      '{ levels: [{ name: x, approvers: [ops], quorum: 2 }, { name: y, approvers: [ops], quorum: 1 }], ttl: 1h }',
      'base',
    ],
    [
      'more time',
      '{ levels: [{ name: x, approvers: [ops], quorum: 2 }, { name: y, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 2h }',
      'base',
    ],
    [
      'others to escalate to',
      '{ levels: [{ name: x, approvers: [ops], quorum: 2 }, { name: y, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 1h, escalate: { after: 1m, to: [other] } }',
      'base',
    ],
    [
      'a weaker way to decide',
      '{ levels: [{ name: x, approvers: [ops], quorum: 2 }, { name: y, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 1h, emailDecision: confirm }',
      'base',
    ],
    [
      'the same and less time',
      '{ levels: [{ name: x, approvers: [ops], quorum: 2 }, { name: y, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 5s }',
      'x',
    ],
    [
      'one level more',
      '{ levels: [{ name: x, approvers: [other], quorum: 1 }, { name: y, approvers: [ops], quorum: 2 }, { name: z, approvers: [ops], quorum: 1 }], separationOfDuties: true, ttl: 1h }',
      'x',
    ],
  ])('lets a caller’s context select an approval with %s only if that is stricter', (_what, approval, first) => {
    const approvals = `approvals:
  - ${approval.replace('{', '{ match: has(context.hurry),')}
  - match: "true"
    levels: [{ name: base, approvers: [ops], quorum: 2 }, { name: last, approvers: [ops], quorum: 1 }]
    separationOfDuties: true
    ttl: 1h
`;
    const policy = withRules('', approvals);
    const firstLevel = (more: Parameters<typeof callOf>[1]): unknown => {
      const verdict = policy.classify(callOf('api.wipe', more));
      return verdict.kind === 'held' ? verdict.approval.levels[0]?.name : verdict.kind;
    };
    expect(firstLevel({ context: { hurry: true } })).toBe(first);
    expect(firstLevel({ context: { hurry: true }, pinnedContext: { hurry: true } })).toBe('x');
    expect(firstLevel({})).toBe('base');
  });

  it('blocks where selecting an approval fails, also for a call that is held for another reason', () => {
    const policy = withRules(
      '',
      APPROVALS.replace(
        '  - match: "true"',
        '  - match: arguments.amount > 5\n    levels: [{ name: a, approvers: [ops], quorum: 1 }]\n  - match: "true"',
      ),
    );
    expect(policy.classify(callOf('api.wipe'))).toMatchObject({ kind: 'blocked', reasonCodes: ['policy_error'] });
    expect(policy.classify(callOf('api.read'))).toMatchObject({ kind: 'free' });
    expect(policy.approvalFor(callOf('api.read'))).toEqual({ error: 'policy_error' });
    expect(policy.approvalFor(callOf('api.read', { arguments: { amount: 1 } }))).toMatchObject({
      levels: [{ name: 'approval' }],
    });
  });

  it('checks arguments before it asks any rule', () => {
    const call = callOf('github.repos.delete', { arguments: { owner: 'o', repository: 'r' } });
    expect(plain.classify(call)).toMatchObject({
      kind: 'blocked',
      reasonCodes: ['arguments_invalid'],
      class: 'irreversible',
    });
  });

  it('wants what is sealed sealed', () => {
    const base = { amount: 5_000, currency: 'usd' };
    const classify = (source: unknown): unknown =>
      plain.classify(callOf('stripe.charges.create', { arguments: { ...base, source } as never }));
    expect(classify('tok')).toMatchObject({ kind: 'blocked', reasonCodes: ['seal_required'] });
    expect(classify({ $sealed: 'x', more: 1 })).toMatchObject({ kind: 'blocked', reasonCodes: ['seal_required'] });
    expect(classify({ $sealed: 'x' })).toMatchObject({ kind: 'free', class: 'sensitive' });
  });

  it('blocks what it cannot judge instead of throwing', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 50_000; level++) deep = [deep];
    expect(plain.classify(callOf('api.note', { arguments: { deep } as never })).kind).toBe('blocked');
  });

  it('classifies the example files as their comments say', () => {
    const policy = policyOf(EXAMPLE_POLICY, EXAMPLE_CONFIG);
    const payout = { account: 'acct', amount: 1_000_000, currency: 'usd' };
    const production = { context: { env: 'production' }, pinnedContext: { env: 'production' } };
    const classify = (...args: Parameters<typeof callOf>): unknown => policy.classify(callOf(...args));
    expect(classify('payouts.create', { arguments: payout })).toMatchObject({
      kind: 'held',
      approval: { levels: [{ name: 'approval' }] },
    });
    expect(classify('payouts.create', { arguments: { ...payout, amount: 1_000_001 } })).toMatchObject({
      kind: 'held',
      approval: { levels: [{ name: 'operations' }, { name: 'finance', quorum: 2 }], expireAfterMs: 14_400_000 },
    });
    expect(classify('payouts.create', { arguments: { ...payout, amount: 1.5 } })).toMatchObject({
      reasonCodes: ['arguments_invalid'],
    });
    expect(classify('payouts.notify', production)).toMatchObject({
      kind: 'held',
      class: 'irreversible',
      reasonCodes: ['production-customer-mail'],
    });
    expect(classify('payouts.get')).toMatchObject({ kind: 'free', class: 'reversible', gate: 'none' });
    expect(classify('payouts.closeAccount')).toMatchObject({ kind: 'blocked', reasonCodes: ['forbidden'] });
    expect(classify('mcp.tickets.close')).toMatchObject({ kind: 'held', reasonCodes: ['unlisted_tool'] });
    expect(classify('stripe.charges.create', { arguments: { amount: 10_001, currency: 'usd' } })).toMatchObject({
      kind: 'held',
      reasonCodes: ['large-charge'],
    });
  });
});

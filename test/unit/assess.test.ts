import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import { assessCall, levelsOf, mayPropose, type Proposer } from '../../src/domain/policy/assess.ts';
import { valueAt } from '../../src/domain/json/pointer.ts';
import type { Settings } from '../../src/domain/policy/settings.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';
import { HOUR, iso, NOON } from '../support/materials.ts';
import { ONE_OF_OPS, smallPolicy, type SmallPolicy } from '../support/small-policy.ts';

const TOOLS: readonly ToolDefinition[] = [
  { name: 'pay.get', class: 'reversible', connector: 'pay', request: { method: 'GET', path: '/p/{id}' } },
  {
    name: 'pay.wire',
    class: 'irreversible',
    connector: 'pay',
    request: { method: 'POST', path: '/w', body: 'arguments' },
    seal: ['/memo', '/deep/secret'],
  },
];

function settingsOf(over: Partial<Settings> = {}, policy: Partial<SmallPolicy> = {}): Settings {
  return {
    deploymentId: 'test-deployment',
    agents: [],
    reviewers: [],
    policy: smallPolicy({ tools: TOOLS, approval: ONE_OF_OPS, ...policy }),
    configDigest: `sha256:${'c'.repeat(64)}`,
    callbacks: [],
    unattested: 'hold',
    executeWithinMs: HOUR,
    freeze: [],
    operators: [],
    liftBySecondPerson: false,
    limits: { pendingPerAgent: 1, irreversiblePerToolPerHour: 1, sensitivePerToolPerHour: 600, requestsPerMinute: 1 },
    connectors: {
      pay: { baseUrl: 'https://pay.example.com' },
      tickets: { type: 'mcp', url: 'https://mcp.example.com' },
    },
    notifications: undefined,
    oidc: undefined,
    publicUrl: null,
    logLevel: null,
    ...over,
  };
}

const agent = (over: Partial<Extract<Proposer, { attested: true }>['agent']> = {}): Proposer => ({
  attested: true,
  id: 'agent-1',
  owner: null,
  agent: { id: 'agent-1', ...over },
});
const NOBODY: Proposer = { attested: false, id: 'temporal:x', owner: null };

function assess(tool: string, args: JsonObject, proposer = agent(), settings = settingsOf(), context: JsonObject = {}) {
  return assessCall({ service: 'pay', tool, arguments: args, context, urgency: null, proposer, settings });
}

describe('law 1: what policy and configuration say of a call', () => {
  it('asks for the approval of a call that its class would let go under the budget of its rules', () => {
    const sessions: unknown[] = [];
    const settings = settingsOf(
      {},
      {
        rules: [{ name: 'never', class: 'irreversible', when: ({ evaluation }) => sessions.push(evaluation) === 0 }],
        approval: ({ evaluation }) => {
          sessions.push(evaluation);
          return ONE_OF_OPS;
        },
      },
    );
    expect(assess('pay.get', { id: '1' }, NOBODY, settings)).toMatchObject({ kind: 'held' });
    expect(sessions).toHaveLength(2);
    expect(sessions[0]).toBeDefined();
    expect(sessions[1]).toBe(sessions[0]);
  });

  it('counts the pinned context over the caller’s, and an unsigned caller’s not at all', () => {
    const pinned = agent({ context: { env: 'production' } });
    expect(assess('pay.get', { id: '1' }, pinned, undefined, { env: 'test', a: 1 }).context).toEqual({
      env: 'production',
      a: 1,
    });
    expect(assess('pay.get', { id: '1' }, NOBODY, undefined, { env: 'test' }).context).toEqual({});
  });

  it('freezes by exact name or prefix', () => {
    for (const freeze of [['*'], ['pay.*'], ['pay.get']]) {
      expect(assess('pay.get', { id: '1' }, agent(), settingsOf({ freeze })).reasonCodes).toEqual(['frozen']);
    }
    for (const freeze of [[], ['pay'], ['pay.wire'], ['*.get'], ['pay.g?t']]) {
      expect(assess('pay.get', { id: '1' }, agent(), settingsOf({ freeze })).kind).toBe('free');
    }
  });

  it('freezes SQL that a select cannot run by the name of the tool that can', async () => {
    await loadSqlParser();
    const db = { class: 'reversible', connector: 'db' } as const;
    const tools: ToolDefinition[] = [
      { ...db, name: 'db.select', sql: 'select' },
      { ...db, name: 'db.execute', class: 'irreversible', sql: 'execute' },
    ];
    const settings = settingsOf({ freeze: ['db.execute'], connectors: { db: { url: 'env:DB' } } }, { tools });
    const proposed = { service: 'db', tool: 'db.select', context: {}, urgency: null, proposer: agent(), settings };
    expect(assessCall({ ...proposed, arguments: { sql: 'SELECT 1' } }).kind).toBe('free');
    expect(assessCall({ ...proposed, arguments: { sql: 'DELETE FROM t' } }).reasonCodes).toEqual(['frozen']);
  });

  it('holds what was held before, whatever its class', () => {
    const given = {
      service: 'pay',
      tool: 'pay.get',
      arguments: { id: '1' },
      context: {},
      urgency: null,
      proposer: agent(),
    };
    expect(assessCall({ ...given, settings: settingsOf() }).kind).toBe('free');
    expect(assessCall({ ...given, settings: settingsOf(), stayHeld: true })).toMatchObject({
      kind: 'held',
      gate: 'hard',
    });
  });

  it('blocks a free call that is to be held where no approval can be told', () => {
    const broken = settingsOf(
      {},
      {
        approval: () => {
          throw new Error('no such field');
        },
      },
    );
    expect(assess('pay.get', { id: '1' }, NOBODY, broken)).toMatchObject({
      kind: 'blocked',
      reasonCodes: ['policy_error'],
    });
  });

  it('lets an agent propose what its patterns name, exactly', () => {
    expect(mayPropose({ id: 'a' }, 'anything.at_all')).toBe(true);
    expect(mayPropose({ id: 'a', tools: [] }, 'pay.get')).toBe(false);
    expect(mayPropose({ id: 'a', tools: ['pay.*'] }, 'pay.get')).toBe(true);
    expect(mayPropose({ id: 'a', tools: ['pay.get'] }, 'pay.getAll')).toBe(false);
    expect(mayPropose({ id: 'a', tools: ['*.get'] }, 'pay.get')).toBe(false);
  });
});

describe('law 7: what must be sealed', () => {
  const sealed = { $sealed: 'x' };

  it.each<[string, JsonObject, string]>([
    ['sealed', { memo: sealed, deep: { secret: sealed } }, 'irreversible-tool'],
    ['absent', { amount: 1 }, 'irreversible-tool'],
    ['in the clear', { memo: 'plain' }, 'seal_required'],
    ['null', { memo: null }, 'seal_required'],
    ['one of two in the clear', { memo: sealed, deep: { secret: 1 } }, 'seal_required'],
    ['sealed with something beside it', { memo: { $sealed: 'x', plain: 'y' } }, 'seal_required'],
    ['sealed as no text', { memo: { $sealed: 7 } }, 'seal_required'],
    ['a list of sealed values', { memo: [sealed] }, 'seal_required'],
    ['sealed where nothing is to be', { amount: sealed }, 'arguments_invalid'],
    ['sealed inside a sealed place’s neighbour', { memo: sealed, other: [{ a: sealed }] }, 'arguments_invalid'],
  ])('%s', (_name, args, code) => {
    const found = assess('pay.wire', args);
    expect(found.reasonCodes).toEqual([code]);
    if (found.kind === 'blocked') expect(found.withhold).toBe(true);
  });

  it('is withheld whoever else refuses the call', () => {
    const plain = { memo: 'plain' };
    expect(assess('pay.wire', plain, agent({ tools: [] }))).toMatchObject({
      reasonCodes: ['tool_not_allowed'],
      withhold: true,
    });
    expect(assess('pay.wire', plain, NOBODY, settingsOf({ unattested: 'refuse' }))).toMatchObject({ withhold: true });
    expect(assess('pay.wire', { memo: sealed }, agent({ tools: [] }))).toMatchObject({ withhold: false });
  });
});

describe('JSON Pointers into arguments', () => {
  it('name what RFC 6901 says, and nothing inherited', () => {
    const value = { 'a/b': 1, 'm~n': 2, '': 3, list: [{ x: 4 }], deep: { y: null } };
    expect(valueAt(value, '/a~1b')).toBe(1);
    expect(valueAt(value, '/m~0n')).toBe(2);
    expect(valueAt(value, '/')).toBe(3);
    expect(valueAt(value, '/list/0/x')).toBe(4);
    expect(valueAt(value, '/deep/y')).toBeNull();
    for (const none of ['/toString', '/__proto__', '/deep/y/z', '/list/1']) {
      expect(valueAt(value, none)).toBeUndefined();
    }
  });
});

describe('levels in the digest', () => {
  it('carry escalation as a time, counted from the start', () => {
    const plan = { ...ONE_OF_OPS, escalate: { afterMs: HOUR, to: ['managers'] } };
    expect(levelsOf(plan, NOON)).toEqual([
      { name: 'approval', approvers: ['ops'], quorum: 1, escalation: { at: iso(NOON + HOUR), to: ['managers'] } },
    ]);
    expect(levelsOf(ONE_OF_OPS, NOON)[0]?.escalation).toBeNull();
  });
});

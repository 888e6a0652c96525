import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { MAX_STEPS } from '../../src/domain/policy/cel-values.ts';
import { withoutFolds } from '../../src/domain/policy/schema.ts';
import { judgeRead } from '../../src/domain/policy/schema-reads.ts';
import type { Policy } from '../../src/domain/policy/policy.ts';
import {
  APPROVALS,
  callOf,
  CONFIG,
  EXAMPLE_CONFIG,
  EXAMPLE_POLICY,
  evaluate,
  load,
  placeOf,
} from './policy-support.ts';
import { policyOf, problemsOf } from './policy-support.ts';

const familyOf = (value: Json): string =>
  value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value === 'object' ? 'map' : typeof value;

describe('conditions over values of two types', () => {
  const LITERALS: readonly [string, Json][] = [
    ['"production"', 'production'],
    ['"1"', '1'],
    ['""', ''],
    ['1', 1],
    ['0.5', 0.5],
    ['true', true],
    ['null', null],
    ['["production"]', ['production']],
    ['{"a": 1}', { a: 1 }],
  ];
  const TEMPLATES: readonly ((literal: string) => string)[] = [
    (literal) => `arguments.v == ${literal}`,
    (literal) => `!(arguments.v != ${literal})`,
    (literal) => `has(arguments.v) && ${literal} == arguments.v`,
    (literal) => `arguments.v in [${literal}]`,
    (literal) => `${literal} in [arguments.v]`,
    (literal) => `[arguments.v].exists(x, x == ${literal})`,
    (literal) => `[arguments.v].exists_one(x, x == ${literal})`,
    (literal) => `!([arguments.v].all(x, x != ${literal}))`,
    (literal) => `size([arguments.v].filter(x, x == ${literal})) > 0`,
    (literal) => `true in [arguments.v].map(x, x == ${literal})`,
    (literal) => `[arguments.v] == [${literal}]`,
    (literal) => `{"k": [arguments.v]} == {"k": [${literal}]}`,
    (literal) => `(arguments.v == ${literal} ? 1 : 2) == 1`,
    (literal) => `arguments.v == ${literal} || tool == "another"`,
    (literal) => `arguments.v == ${literal} && tool == "payouts.create"`,
  ];

  it('are an error for every value of another type, and never a silent no', () => {
    const value = fc.oneof(fc.constantFrom(...LITERALS.map(([, of]) => of)), fc.jsonValue({ maxDepth: 2 }));
    const condition = fc.tuple(fc.constantFrom(...TEMPLATES), fc.constantFrom(...LITERALS));
    fc.assert(
      fc.property(value, condition, (given, [template, [literal, of]]) => {
        const result = evaluate(template(literal), { arguments: { v: given as Json } });
        if (familyOf(given as Json) !== familyOf(of)) expect(result).toBe('error');
        else if (JSON.stringify(given) === JSON.stringify(of)) expect(result).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each<[string, JsonObject, boolean | 'error']>([
    // Numbers are one type, however they are written.
    ['arguments.v == 1.0', { v: 1 }, true],
    ['arguments.v == 1u', { v: 1 }, true],
    ['arguments.v in [1, 2.5]', { v: 2.5 }, true],
    ['arguments.v > 100 && arguments.v <= 100.5', { v: 100.5 }, true],
    ['arguments.v < "b"', { v: 1 }, 'error'],
    // Every element is looked at, wherever the difference or the match is.
    ['"a" in arguments.v', { v: ['a', 1] }, 'error'],
    ['"a" in arguments.v', { v: [['a']] }, 'error'],
    ['"a" in arguments.v', { v: 'abc' }, 'error'],
    ['"a" in arguments.v', { v: [] }, false],
    ['arguments.v == [1, "b"]', { v: [2, 3] }, 'error'],
    ['arguments.v == ["a"]', { v: [1, 2] }, 'error'],
    ['arguments.v == {"a": 1, "b": 2}', { v: { a: '1' } }, 'error'],
    ['arguments.v == {"a": {"b": 1}}', { v: { a: { b: '1' } } }, 'error'],
    ['arguments.v == {"a": 1}', { v: { b: 1 } }, false],
    ['arguments.v.exists(x, x == "a")', { v: ['a', 1] }, 'error'],
    ['arguments.v.exists(x, x == "a")', { v: ['b', null] }, 'error'],
    ['arguments.v.all(x, x > 1)', { v: [2, 2.5] }, true],
    ['arguments.v.map(x, x * 2) == [2, 4]', { v: [1, 2] }, true],
    ['arguments.v.filter(x, x > 1).exists(x, x == 3)', { v: [1, 2, 3] }, true],
    ['arguments.v.map(x, [x, x + 1].filter(y, y > 1)) == [[2], [2, 3]]', { v: [1, 2] }, true],
    // Maps: keys of another type, and a null that is there.
    ['1 in arguments.v', { v: { a: 1 } }, 'error'],
    ['arguments.v[1] == 1', { v: { a: 1 } }, 'error'],
    ['{1: "a"}[arguments.v] == "a"', { v: '1' }, 'error'],
    ['"a" in arguments.v', { v: { a: null } }, true],
    ['has(arguments.v)', { v: null }, true],
    ['has(arguments.v.a)', {}, 'error'],
    ['has(arguments.v.a)', { v: 'text' }, 'error'],
    ['arguments.v == "a"', {}, 'error'],
    ['type(arguments.v) == null_type', { v: 'a' }, false],
    // Functions of text.
    ['arguments.v.startsWith("a")', { v: ['a'] }, 'error'],
    ['arguments.v.contains("a")', { v: 1 }, 'error'],
    ['arguments.v.matches("a")', { v: null }, 'error'],
    ['size(arguments.v) > 0', { v: 1 }, 'error'],
    ['timestamp(arguments.v) > timestamp("2026-01-01T00:00:00Z")', { v: '2026-06-01T00:00:00Z' }, true],
    ['timestamp(arguments.v) == arguments.w', { v: '2026-06-01T00:00:00Z', w: '2026-06-01T00:00:00Z' }, 'error'],
    ['timestamp(arguments.v).getHours() == 7', { v: '2026-06-01T07:00:00Z' }, true],
    ['duration(arguments.v) == duration("60m")', { v: '1h' }, true],
    ['int(arguments.v) == 12', { v: '9'.repeat(101) }, 'error'],
    // An error is not absorbed by what comes after it; what rules the tool out comes first wherever it stands.
    ['arguments.v == "a" && arguments.w == "b"', { v: ['a'], w: 'c' }, 'error'],
    ['arguments.v == "a" || arguments.w == "b"', { v: ['a'], w: 'b' }, 'error'],
    ['arguments.w == "c" && arguments.v == "a"', { v: ['a'], w: 'b' }, false],
    ['(arguments.v == "a" && arguments.w) && tool == "another"', {}, false],
  ])('%s with %j is %s', (text, args, expected) => {
    expect(evaluate(text, { arguments: args })).toBe(expected);
  });
});

describe('another spelling of a key', () => {
  const SPELLINGS = ['Env', 'ENV', 'env ', ' env', 'e\u200bnv', 'еnv', 'ｅnv', 'env\u00a0', '𝐞nv'];
  const READS = [
    'arguments.env == "production"',
    'has(arguments.env) && arguments.env == "production"',
    '"env" in arguments && arguments["env"] == "production"',
    'arguments.exists(k, k == "env" && arguments[k] == "production")',
    'arguments == {"env": "production"}',
  ];

  it.each(SPELLINGS)('%j is an error wherever the key is read, with or without the key itself', (spelling) => {
    for (const read of READS) {
      expect(evaluate(read, { arguments: { [spelling]: 'production' } })).toBe('error');
      expect(evaluate(read, { arguments: { env: 'staging', [spelling]: 'production' } })).toBe('error');
      expect(evaluate(read, { arguments: { env: 'production' } })).toBe(true);
    }
    expect(evaluate('arguments.meta.env == "a"', { arguments: { meta: { env: 'b', [spelling]: 'a' } } })).toBe('error');
    expect(evaluate('context.env == "a"', { context: { env: 'b', [spelling]: 'a' } })).toBe('error');
    expect(evaluate('arguments.other == "a"', { arguments: { other: 'b', [spelling]: 'a' } })).toBe(false);
  });

  it.each(SPELLINGS)('%j does not slip through a search over keys', (spelling) => {
    for (const search of ['k.startsWith("en")', 'k.contains("nv")', 'k.matches("^env$")', 'k + "" in ["env"]']) {
      const read = `arguments.exists(k, ${search} && arguments[k] == "production")`;
      expect(evaluate(read, { arguments: { [spelling]: 'production' } })).not.toBe(false);
      expect(evaluate(read, { arguments: { env: 'staging', [spelling]: 'production' } })).toBe('error');
    }
  });

  it('is not another key', () => {
    expect(evaluate('arguments.exists(k, k.endsWith("Id"))', { arguments: { userId: 1 } })).toBe(true);
    expect(evaluate('arguments.exists(k, k.matches("Id$"))', { arguments: { userId: 1 } })).toBe(true);
    expect(evaluate('has(arguments.env)', { arguments: { envs: 1, en: 1, environment: 1, 'e-nv': 1 } })).toBe(false);
  });
});

describe('fold: ascii', () => {
  const folded = { type: 'string', fold: 'ascii' };
  const schema: JsonObject = {
    $defs: { name: folded },
    type: 'object',
    properties: {
      owner: { $ref: '#/$defs/name' },
      names: { type: 'array', items: folded },
      by: { type: 'object', additionalProperties: folded },
      plain: { type: 'string' },
    },
    allOf: [{ properties: { repo: folded } }],
  };

  it.each<[string, JsonObject, boolean | 'error']>([
    ['arguments.owner == "acme" && arguments.repo == "prod"', { owner: 'ACME', repo: 'Prod' }, true],
    ['arguments.owner == "AcMe"', { owner: 'aCmE' }, true],
    ['arguments.owner != "ACME"', { owner: 'acme' }, false],
    ['arguments.owner == arguments.plain', { owner: 'acme', plain: 'Acme' }, true],
    ['arguments.plain == "acme"', { plain: 'Acme' }, false],
    ['arguments.owner in ["ACME", "other"]', { owner: 'acme' }, true],
    ['"Acme" in arguments.names', { names: ['x', 'ACME'] }, true],
    ['arguments.names.exists(n, n == "Acme")', { names: ['ACME'] }, true],
    ['arguments.names == ["Acme"]', { names: ['ACME'] }, true],
    ['arguments.by["lead"] == "acme"', { by: { lead: 'ACME' } }, true],
    ['{"ACME": 1}[arguments.owner] == 1', { owner: 'acme' }, true],
    ['arguments.owner in {"ACME": 1}', { owner: 'acme' }, true],
    ['arguments.owner in {"ACME": 1, "Acme": 2}', { owner: 'acme' }, 'error'],
    ['arguments.owner.startsWith("AC")', { owner: 'acme' }, true],
    ['arguments.owner.contains("CM")', { owner: 'acme' }, true],
    ['arguments.owner.endsWith("ME")', { owner: 'acme' }, true],
    ['arguments.owner.matches("^A[C]M\\\\D$")', { owner: 'acme' }, true],
    ['arguments.owner + "/" + arguments.repo == "Acme/Prod"', { owner: 'ACME', repo: 'PROD' }, true],
    ['string(arguments.owner) == "Acme"', { owner: 'ACME' }, true],
    ['arguments.owner < "B"', { owner: 'a' }, true],
    ['arguments.owner == "acme"', { owner: 'аcme' }, 'error'],
    ['arguments.owner == "straße"', { owner: 'acme' }, 'error'],
    ['arguments.owner == arguments.plain', { owner: 'acme', plain: 'аcme' }, 'error'],
    ['arguments.owner == "acme"', { owner: 'acme ' }, 'error'],
    ['arguments.owner == "acme"', { owner: 'acme\t' }, 'error'],
    ['bytes(arguments.owner) == b"acme"', { owner: 'ACME' }, 'error'],
    ['arguments.owner == 1', { owner: '1' }, 'error'],
  ])('%s with %j is %s', (text, args, expected) => {
    expect(evaluate(text, { arguments: args, schema })).toBe(expected);
  });
});

const TOOL = `version: 1
tools:
  - name: api.label
    class: reversible
    connector: api
    request: { method: POST, path: /x, body: arguments }
    arguments:
      type: object
      additionalProperties: false
      properties:
        owner: { type: string, fold: ascii }
        env: { type: string, fold: ascii }
        tags: { type: array, items: { type: string, enum: [a, b] } }
        meta: { type: object }
        text: { type: string }
        count: { type: integer }
        any: {}
        list: { type: array, items: { type: integer } }
`;
const withRule = (when: string, rule = 'class: irreversible\n    reason: production'): string =>
  `${TOOL}rules:\n  - when: ${JSON.stringify(when)}\n    ${rule}\n${APPROVALS}`;

it('is not told to models, some of whose APIs refuse keywords that they do not know', () => {
  const schema = {
    type: 'object',
    properties: { fold: { type: 'string', fold: 'ascii', const: { fold: 1 } }, list: { items: { fold: 'ascii' } } },
  };
  expect(withoutFolds(schema)).toEqual({
    type: 'object',
    properties: { fold: { type: 'string', const: { fold: 1 } }, list: { items: {} } },
  });
});

describe('a call that a rule or a match cannot judge', () => {
  const classify = (policy: Policy, args: JsonObject, more = {}): unknown =>
    policy.classify(callOf('api.label', { arguments: args, ...more }));
  const production = 'tool == "api.label" && has(arguments.env) && arguments.env == "production"';

  it.each<[Json, string, readonly string[]]>([
    ['production', 'held', ['production']],
    ['Production', 'held', ['production']],
    ['production ', 'held', ['rule_error']],
    ['produсtion', 'held', ['rule_error']],
    [['production'], 'blocked', ['arguments_invalid']],
    ['staging', 'free', []],
  ])('env %j is %s', (env, kind, reasonCodes) => {
    expect(classify(policyOf(withRule(production)), { env })).toMatchObject({ kind, reasonCodes });
  });

  it('counts as irreversible, or as what the rule sets if that is stricter', () => {
    const strict = policyOf(withRule(production, 'class: forbidden'));
    expect(classify(strict, { env: 'produсtion' })).toMatchObject({
      kind: 'blocked',
      class: 'forbidden',
      reasonCodes: ['forbidden', 'rule_error'],
    });
    const mild = policyOf(withRule(production, 'class: sensitive'));
    expect(classify(mild, { env: 'produсtion' })).toMatchObject({ kind: 'held', class: 'irreversible' });
    expect(classify(strict, { env: 'staging' })).toMatchObject({ kind: 'free' });
  });

  it('does not get the approval of a match that misses another spelling', () => {
    const policy = policyOf(
      `${TOOL.replace('reversible', 'irreversible')}approvals:
  - match: tool == "api.label" && arguments.env == "production"
    levels: [{ name: two, approvers: [ops], quorum: 2 }]
  - match: "true"
    levels: [{ name: one, approvers: [ops], quorum: 1 }]
`,
    );
    expect(classify(policy, { env: 'Production' })).toMatchObject({ approval: { levels: [{ name: 'two' }] } });
    expect(classify(policy, { env: 'staging' })).toMatchObject({ approval: { levels: [{ name: 'one' }] } });
    for (const env of ['produсtion', ' production']) {
      expect(classify(policy, { env })).toMatchObject({ kind: 'blocked', reasonCodes: ['policy_error'] });
    }
  });

  it('reads context that is not pinned', () => {
    const policy = policyOf(withRule('tool == "api.label" && context.env == "production"'));
    const reasonCodes = ['rule_error', 'context_not_pinned'];
    expect(classify(policy, {}, { context: { env: 'staging' } })).toMatchObject({ kind: 'held', reasonCodes });
    const pinned = { context: { env: 'staging' }, pinnedContext: { env: 'staging' } };
    expect(classify(policy, {}, pinned)).toMatchObject({ kind: 'free' });
  });
});

describe('the budget of a call', () => {
  const policy = (rules: number): Policy => {
    const rule = `  - { when: '!arguments.list.all(x, x >= 0)', class: sensitive }\n`;
    const approvals = APPROVALS.replace(
      '\n',
      `\n  - { match: 'arguments.list.exists(x, x < 0)', levels: &l [{ name: a, approvers: [ops], quorum: 1 }] }\n`,
    );
    return policyOf(`${TOOL}rules:\n${rule.repeat(rules)}${approvals}`);
  };
  const call = callOf('api.label', { arguments: { list: Array.from({ length: 10_000 }, () => 1) } });

  it('is one over all rules, and over the matches after them', () => {
    expect(policy(1).classify(call)).toMatchObject({ kind: 'free' });
    expect(policy(15).classify(call)).toMatchObject({ kind: 'free' });
    expect(policy(30).classify(call)).toMatchObject({
      kind: 'blocked',
      class: 'irreversible',
      reasonCodes: ['policy_error', 'rule_error'],
    });
    const held = policyOf(withRule(Array.from({ length: 30 }, () => 'arguments.list.all(x, x >= 0)').join(' && ')));
    expect(held.classify(call)).toMatchObject({ kind: 'held', class: 'irreversible', reasonCodes: ['rule_error'] });
  });

  it('is counted in steps, the same each time', () => {
    const text = 'arguments.list.all(x, x >= 0)';
    const size = (length: number): JsonObject => ({ list: Array.from({ length }, () => 1) });
    expect(evaluate(text, { arguments: size(MAX_STEPS / 100) })).toBe(true);
    expect(evaluate(text, { arguments: size(MAX_STEPS) })).toBe('error');
  });
});

describe('conversions', () => {
  it.each(['1,000', '1000 USD', 'abc', '', ' ', 'NaN', 'Infinity', '0x3E8', ' 1000', '1_000', '١٠٠٠'])(
    'of a text that is no number of CEL are an error: %j',
    (amount) => {
      for (const type of ['int', 'uint', 'double', 'duration']) {
        const limit = type === 'duration' ? 'duration("1s")' : `${type}(1)`;
        expect(evaluate(`${type}(arguments.amount) > ${limit}`, { arguments: { amount } })).toBe('error');
        expect(evaluate(`!(${type}(arguments.amount) <= ${limit})`, { arguments: { amount } })).toBe('error');
      }
    },
  );

  it('read what CEL reads', () => {
    expect(evaluate('double(arguments.a) > 100.0', { arguments: { a: '1.5e3' } })).toBe(true);
    expect(evaluate('int(arguments.a) == -5 && uint(arguments.b) == 7u', { arguments: { a: '-5', b: '7' } })).toBe(
      true,
    );
    expect(evaluate('duration(arguments.a) > duration("1h")', { arguments: { a: '1h30m' } })).toBe(true);
  });

  it('take whole numbers as seconds since 1970', () => {
    const text = 'timestamp(arguments.at) > timestamp("2020-01-01T00:00:00Z")';
    expect(evaluate(text, { arguments: { at: 1_900_000_000 } })).toBe(true);
    expect(evaluate(text, { arguments: { at: 1_500_000_000 } })).toBe(false);
  });

  it('are an error where a calculation ends in no number', () => {
    const call = { arguments: { a: 0.5 } };
    expect(evaluate('arguments.a / 0.0 - arguments.a / 0.0 > 1.0', call)).toBe('error');
    expect(evaluate('arguments.a / 0.0 - arguments.a / 0.0 == 1.0', call)).toBe('error');
  });
});

describe('fold: ascii at every place that a schema can say it', () => {
  const fold = { type: 'string', fold: 'ascii' };
  it.each<[string, JsonObject]>([
    ['unevaluatedProperties', { unevaluatedProperties: fold }],
    ['additionalProperties', { additionalProperties: fold }],
    ['patternProperties', { patternProperties: { '^o': fold } }],
    ['dependentSchemas', { dependentSchemas: { owner: { properties: { owner: fold } } } }],
    ['else', { if: { required: ['other'] }, else: { properties: { owner: fold } } }],
    ['if', { if: { properties: { owner: fold } } }],
  ])('of a member: %s', (_keyword, schema) => {
    expect(evaluate('arguments.owner == "acme"', { arguments: { owner: 'ACME' }, schema })).toBe(true);
  });

  it.each<[string, JsonObject]>([
    ['items', { items: fold }],
    ['prefixItems', { prefixItems: [fold] }],
    ['unevaluatedItems', { unevaluatedItems: fold }],
    ['contains', { contains: fold }],
  ])('of an element: %s', (_keyword, list) => {
    const schema = { properties: { owners: { type: 'array', ...list } } };
    expect(evaluate('"acme" in arguments.owners', { arguments: { owners: ['ACME'] }, schema })).toBe(true);
  });
});

describe('what a key or a folded text is compared with', () => {
  it('has letter case for nobody: a pattern that asks for it is an error', () => {
    const schema = { type: 'object', properties: { env: { type: 'string', fold: 'ascii' } } };
    for (const pattern of ['(?-i)PROD', '(?-i:PROD)', '(?s-i)PROD']) {
      const text = `arguments.env.matches("${pattern}")`;
      expect(evaluate(text, { arguments: { env: 'PROD' }, schema })).toBe('error');
      expect(evaluate(text, { arguments: { env: 'PROD' } })).toBe(true);
    }
  });

  it.each([
    '"env-1".startsWith(k)',
    '"the env".contains(k)',
    '"my-env".endsWith(k)',
    'k < "f" && k > "a"',
    'bytes(k) == b"env"',
  ])('does not tell spellings of a key apart: %s', (text) => {
    expect(evaluate(`arguments.exists(k, ${text})`, { arguments: { ENV: 1 } })).toBe('error');
  });
});

describe('work that one call can make', () => {
  const keys = Object.fromEntries(Array.from({ length: 12_000 }, (_, at) => [`k${at}`, 1]));
  const list = Array.from({ length: 8_000 }, () => 'a');

  it.each([
    ['a large map read for every element of a list', 'arguments.list.exists(x, x == arguments.keys.env)', false],
    ['its key asked for', 'arguments.list.exists(x, has(arguments.keys.other))', false],
    ['its size', 'arguments.list.exists(x, size(arguments.keys) < 1)', 'error'],
    ['a time zone', 'arguments.times.exists(t, timestamp(t).getHours("Europe/Berlin") > 24)', 'error'],
    ['a key of which each letter is many', 'arguments.long.exists(k, k == "env")', 'error'],
  ])('is counted, or done once: %s', (_what, text, answer) => {
    const times = Array.from({ length: 8_000 }, () => '2026-01-01T00:00:00Z');
    const long = { ['\ufdfa'.repeat(60_000)]: 1 };
    expect(evaluate(text, { arguments: { list, keys: { ...keys, env: 'z' }, times, long } })).toBe(answer);
  });
});

describe('what policy check says of a rule', () => {
  const problems = (policy: string, config = CONFIG): readonly string[] => problemsOf(policy, config).map(placeOf);
  const warnings = (policy: string, config = CONFIG): readonly string[] => {
    const result = load(policy, config);
    return result.ok ? result.warnings.map(({ message }) => message) : ['refused'];
  };
  const named = (condition: string): string => withRule(`tool == "api.label" && ${condition}`);

  it.each([
    ['an argument of any type', 'arguments.any == "x"'],
    ['a key in an open object', 'arguments.meta.env == "x"'],
    ['an open object as a whole', 'arguments.meta == {"env": "x"}'],
    ['all arguments', 'arguments.exists(k, arguments[k] == "x")'],
    ['a misspelt argument', 'arguments.evn == "x"'],
    ['a misspelt argument under has', 'has(arguments.evn) && arguments.evn == "x"'],
    ['a misspelt argument by its index', '"evn" in arguments'],
  ])('refuses one that reads %s', (_what, condition) => {
    expect(problems(named(condition))).toEqual(['policy.yaml:20:11']);
  });

  it.each([
    ['presence alone', 'has(arguments.meta)'],
    ['size alone', 'size(arguments.meta) > 3'],
    ['what is closed and typed', 'arguments.env == "x" && arguments.count > 1 && "a" in arguments.tags'],
  ])('takes one that reads %s', (_what, condition) => {
    expect(warnings(named(condition))).toEqual([]);
  });

  it('looks at the first elements of a list too, where the schema tells them from the others', () => {
    const judge = (first: JsonObject): string =>
      judgeRead(
        {
          type: 'object',
          additionalProperties: false,
          properties: { list: { type: 'array', prefixItems: [first], items: { type: 'integer' } } },
        },
        ['list'],
        'value',
      );
    expect(judge({ type: 'object' })).toBe('open');
    expect(judge({})).toBe('open');
    expect(judge({ type: 'string' })).toBe('free_text');
    expect(judge({ type: 'integer' })).toBe('closed');
  });

  it('warns of text that may be spelt in several ways', () => {
    expect(warnings(named('arguments.text == "x"'))).toEqual([expect.stringContaining('arguments.text')]);
    expect(warnings(named('size(arguments.text) > 5'))).toEqual([]);
  });

  it('does not mind what a rule reads that cannot raise the tool', () => {
    expect(warnings(withRule('tool == "api.label" && arguments.any == "x"', 'class: reversible'))).toEqual([]);
  });

  it('refuses a rule over an open schema, names all its tools, and leaves out those its text rules out', () => {
    const open = `${TOOL}  - { name: api.open, class: sensitive, connector: api, request: { method: POST, path: /x, body: arguments } }
  - { name: mcp.tickets.close, class: sensitive, connector: tickets }
`;
    const rule = (when: string, callClass = 'irreversible'): string =>
      `${open}rules:\n  - { when: ${JSON.stringify(when)}, class: ${callClass} }\n${APPROVALS}`;
    const [found] = problemsOf(rule('has(arguments.env) && arguments.env == "x"'));
    expect(found?.message).toContain('api.open, mcp.tickets.close');
    expect(found?.message).not.toContain('api.label');
    expect(load(rule('tool.startsWith("api.l") && arguments.env == "x"')).ok).toBe(true);
    expect(load(rule('(tool == "api.label" && arguments.env == "x") || service == "other"')).ok).toBe(true);
    expect(problems(rule('service == "mcp" && arguments.env == "x"'))).toHaveLength(1);
    // Tools of an upstream that the policy does not name are irreversible: only a forbidden rule raises them.
    expect(load(rule('tool == "mcp.tickets.wipe" && arguments.env == "x"')).ok).toBe(true);
    expect(problems(rule('tool == "mcp.tickets.wipe" && arguments.env == "x"', 'forbidden'))).toHaveLength(1);
    expect(problems(rule('tool.startsWith("mcp.") && arguments.env == "x"', 'forbidden'))).toHaveLength(1);
  });

  it('says which agents do not pin the context that a rule reads', () => {
    const agent = (id: string, more: string): string => `  - { id: ${id}, keySha256: ${id.repeat(64)}${more} }\n`;
    const config = (agents: string): string => `${CONFIG}agents:\n${agents}`;
    const rule = named('context.env == "production"');
    const pins = agent('a', ', context: { env: production }');
    expect(warnings(rule, config(pins))).toEqual([]);
    expect(warnings(rule, CONFIG)).toEqual([expect.stringContaining('no agent pins context.env')]);
    expect(warnings(rule, config(pins + agent('b', '')))).toEqual([expect.stringMatching(/not pinned: b$/)]);
    // An agent that may not propose the tool does not count.
    const elsewhere = pins.replace(' }\n', ', tools: ["mcp.*"] }\n');
    expect(warnings(rule, config(elsewhere + agent('b', '')))).toEqual([
      expect.stringMatching(/^no agent pins.*not pinned for b$/),
    ]);
    expect(warnings(named('has(context.env) && context.env == "x"'), config(pins))).toEqual([]);
  });

  it('loads the example files, and says what their rule over context lacks', () => {
    expect(warnings(EXAMPLE_POLICY, EXAMPLE_CONFIG)).toContainEqual(expect.stringContaining('context.env'));
  });

  it('takes fold where there is text, and ascii alone', () => {
    const owner = 'owner: { type: string, fold: ascii }';
    expect(problems(named('true').replace(owner, 'owner: { type: integer, fold: ascii }'))).not.toEqual([]);
    expect(problems(named('true').replace(owner, 'owner: { type: string, fold: unicode }'))).not.toEqual([]);
  });
});

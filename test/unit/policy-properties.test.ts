import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLASSES, GATES } from '../../src/contract/call.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Classification } from '../../src/domain/policy/policy.ts';
import { APPROVALS, callOf, policyOf } from './policy-support.ts';

/** How strict an answer is: class and gate, a blocked call strictest of all. */
function strictness(verdict: Classification): { readonly class: number; readonly gate: number } {
  if (verdict.kind === 'blocked') return { class: CLASSES.length, gate: GATES.length };
  return { class: CLASSES.indexOf(verdict.class), gate: GATES.indexOf(verdict.gate) };
}

const conditions = fc.constantFrom(
  'true',
  'false',
  'arguments.amount > 10',
  'has(arguments.memo)',
  'arguments.memo == "x"',
  'context.env == "production"',
  'has(context.env) && context.env == "production"',
  '!has(context.env)',
  'context.level > 3',
  'arguments.list.exists(i, i > 2)',
  'proposer == "agent-1"',
  'tool.matches("^api[.]") && arguments.amount == 1',
);
const rules = fc.array(
  fc.oneof(
    fc.record({
      when: conditions,
      class: fc.constantFrom('reversible', 'sensitive'),
      gate: fc.constantFrom('none', 'soft', 'hard', undefined),
    }),
    fc.record({ when: conditions, class: fc.constantFrom('irreversible', 'forbidden'), gate: fc.constant(undefined) }),
  ),
  { maxLength: 4 },
);
const tool = fc.record({
  class: fc.constantFrom('reversible', 'sensitive', 'irreversible'),
  gate: fc.constantFrom('none', 'soft', 'hard'),
});
const args = fc.record(
  {
    amount: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string()),
    memo: fc.oneof(fc.constant('x'), fc.string(), fc.boolean()),
    list: fc.oneof(fc.array(fc.integer(), { maxLength: 4 }), fc.constant(null)),
  },
  { requiredKeys: [] },
);
const context = fc.record(
  { env: fc.oneof(fc.constantFrom('production', 'test'), fc.integer()), level: fc.integer({ min: 0, max: 6 }) },
  { requiredKeys: [] },
);

interface RuleText {
  readonly when: string;
  readonly class: string;
  readonly gate: string | undefined;
}

const SCHEMA = JSON.stringify({
  type: 'object',
  additionalProperties: false,
  properties: {
    amount: { type: ['number', 'string'] },
    memo: { type: ['string', 'boolean'] },
    list: { type: ['array', 'null'], items: { type: 'integer' } },
  },
});

function build(own: { class: string; gate: string }, list: readonly RuleText[]): ReturnType<typeof policyOf> {
  const gate = own.class === 'irreversible' ? '' : `, gate: ${own.gate}`;
  const text = list.map((rule) => `  - ${JSON.stringify(rule)}\n`).join('');
  return policyOf(`version: 1
tools:
  - { name: api.do, class: ${own.class}${gate}, connector: api, request: { method: POST, path: /x, body: arguments }, arguments: ${SCHEMA} }
${text === '' ? '' : `rules:\n${text}`}${APPROVALS}`);
}

describe('for any tool, rules, arguments and context', () => {
  it('adding a rule never makes a call less strict', () => {
    fc.assert(
      fc.property(tool, rules, rules, args, context, (own, some, more, given, pinned) => {
        const call = callOf('api.do', {
          arguments: given as JsonObject,
          context: pinned as JsonObject,
          pinnedContext: pinned as JsonObject,
        });
        const fewer = strictness(build(own, some).classify(call));
        const all = strictness(build(own, [...some, ...more]).classify(call));
        expect(all.class).toBeGreaterThanOrEqual(fewer.class);
        expect(all.gate).toBeGreaterThanOrEqual(fewer.gate);
      }),
    );
  });

  it('a caller’s own context never makes a call less strict', () => {
    fc.assert(
      fc.property(tool, rules, args, context, context, (own, list, given, said, pinned) => {
        const policy = build(own, list);
        const call = { arguments: given as JsonObject, pinnedContext: pinned as JsonObject };
        const silent = strictness(policy.classify(callOf('api.do', { ...call, context: pinned as JsonObject })));
        const spoken = strictness(
          policy.classify(callOf('api.do', { ...call, context: { ...said, ...pinned } as JsonObject })),
        );
        expect(spoken.class).toBeGreaterThanOrEqual(silent.class);
        expect(spoken.gate).toBeGreaterThanOrEqual(silent.gate);
      }),
    );
  });

  it('irreversible is held or blocked, never below the tool’s class, and an error is never lenient', () => {
    fc.assert(
      fc.property(tool, rules, args, context, (own, list, given, said) => {
        const verdict = build(own, list).classify(
          callOf('api.do', { arguments: given as JsonObject, context: said as JsonObject }),
        );
        const callClass = verdict.class ?? 'forbidden';
        expect(CLASSES.indexOf(callClass)).toBeGreaterThanOrEqual(
          CLASSES.indexOf(own.class as (typeof CLASSES)[number]),
        );
        if (callClass === 'irreversible') expect(['held', 'blocked']).toContain(verdict.kind);
        if (verdict.fired.some(({ error }) => error !== null)) expect(verdict.kind).not.toBe('free');
      }),
    );
  });
});

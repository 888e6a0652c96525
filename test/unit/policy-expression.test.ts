import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_STEPS } from '../../src/domain/policy/cel-values.ts';
import { readUse } from '../../src/domain/policy/cel-reads.ts';
import { compileExpression, prepareInput } from '../../src/domain/policy/expression.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { evaluate, expression } from './policy-support.ts';

const offsetsOf = (text: string): readonly number[] => {
  const compiled = compileExpression(text);
  return compiled.ok ? [] : compiled.problems.map(({ offset }) => offset);
};

describe('conditions', () => {
  it.each<[string, JsonObject, boolean | 'error']>([
    ['arguments.amount > 1000000', { amount: 1_000_001 }, true],
    ['arguments.amount > 1000000', { amount: 1_000_000.5 }, true],
    ['arguments.amount > 1000000', { amount: 1_000_000 }, false],
    ['arguments.amount > 99.5', { amount: 100 }, true],
    ['arguments.amount == 10', { amount: 10.0 }, true],
    ['arguments.amount > 1', { amount: '2' }, 'error'],
    ['arguments.amount > 1', {}, 'error'],
    ['arguments.amount > 1 || tool == "payouts.create"', {}, true],
    ['arguments.amount > 1 && tool == "another.tool"', {}, false],
    ['has(arguments.memo)', {}, false],
    ['has(arguments.memo) && arguments.memo == "x"', { memo: 'x' }, true],
    ['arguments.flag', { flag: true }, true],
    ['arguments.flag', { flag: 'true' }, 'error'],
    ['arguments.flag', { flag: 1 }, 'error'],
    ['"eu" in arguments.regions', { regions: ['us', 'eu'] }, true],
    ['arguments.items.exists(i, i.price >= 10)', { items: [{ price: 1 }, { price: 10.5 }] }, true],
    ['arguments.items.all(i, i.price >= 10)', { items: [{ price: 10 }, {}] }, 'error'],
    ['arguments.nothing == null', { nothing: null }, true],
    ['arguments.host.matches("^[a-z]+[.]example[.]com$")', { host: 'a.example.com' }, true],
    ['arguments["odd key"] == 1', { 'odd key': 1 }, true],
    ['arguments.big == 9007199254740991', { big: 9_007_199_254_740_991 }, true],
  ])('%s with %j is %s', (text, args, expected) => {
    expect(evaluate(text, { arguments: args })).toBe(expected);
  });

  it.each([
    ['tool ==== "x"', 5],
    ['toool == "x"', 0],
    ['tool == "x" && unknown', 15],
    ['tool > 3', 5],
    ['tool == 3', 5],
    ['size(tool)', 0],
    ['arguments.amount + 1', 17],
    ['"just text"', 0],
    ['tool.name == "x"', 4],
    ['foo(tool)', 0],
    ['tool.matches("(?=a)")', 4],
    ['tool.matches(service)', 4],
    ['[1, 2].all(x, x > limit)', 18],
    ['', 0],
  ])('%s is refused where it goes wrong', (text, near) => {
    const offsets = offsetsOf(text);
    expect(offsets.length).toBeGreaterThan(0);
    expect(Math.abs((offsets[0] ?? -99) - near)).toBeLessThanOrEqual(1);
  });

  it('refuses what is too long or too deep instead of failing', () => {
    expect(offsetsOf(`tool == "${'x'.repeat(5_000)}"`)).toEqual([0]);
    expect(offsetsOf(`${'('.repeat(2_000)}true${')'.repeat(2_000)}`)).toEqual([0]);
  });

  it('knows which places it looks at, for one tool', () => {
    const usesOf = (text: string, root: 'arguments' | 'context' = 'arguments', tool = 'payouts.create'): unknown =>
      expression(text)
        .usesFor(tool, 'payouts', root)
        .map(readUse)
        .map(({ path, looksAt }) => [path.join('.'), looksAt]);
    expect(usesOf('arguments.a.b == 1 && arguments["c"] == 2 && "d" in arguments && size(arguments.e) > 1')).toEqual([
      ['a.b', 'value'],
      ['c', 'value'],
      ['d', 'presence'],
      ['e', 'size'],
    ]);
    expect(usesOf('arguments.items.exists(i, i.secret == 1)')).toEqual([['items', 'value']]);
    expect(usesOf('arguments[context.key] == 1')).toEqual([['', 'value']]);
    expect(usesOf('size(arguments) > 1')).toEqual([['', 'value']]);
    expect(usesOf('[1].exists(arguments, arguments == 1)')).toEqual([]);
    expect(usesOf('has(context.env) && context.env == "x"', 'context')).toEqual([
      ['env', 'presence'],
      ['env', 'value'],
    ]);
    const either = '(tool == "payouts.create" && arguments.a == 1) || (tool == "payouts.get" && arguments.b == 1)';
    expect(usesOf(either)).toEqual([['a', 'value']]);
    expect(usesOf(either, 'arguments', 'payouts.get')).toEqual([['b', 'value']]);
    expect(usesOf(either, 'arguments', 'payouts.list')).toEqual([]);
    expect(usesOf('tool.startsWith("pay") ? arguments.a == 1 : arguments.b == 1')).toEqual([['a', 'value']]);
  });

  it('knows which tools its own text rules out', () => {
    const guarded = expression('tool == "payouts.create" && arguments.amount > 1');
    expect(guarded.concerns('payouts.create', 'payouts')).toBe(true);
    expect(guarded.concerns('payouts.get', 'payouts')).toBe(false);
    expect(expression('service == "x" || arguments.a == 1').concerns('payouts.get', 'payouts')).toBe(true);
    expect(expression('tool.startsWith("pay") && arguments.a == 1').concerns('payouts.get', 'payouts')).toBe(true);
  });

  it('gives up on input that would take long, and does so at once', () => {
    const list = Array.from({ length: 20_000 }, (_, index) => index);
    expect(evaluate('arguments.list.all(x, arguments.list.all(y, x >= 0 || y >= 0))', { arguments: { list } })).toBe(
      'error',
    );
    expect(evaluate('arguments.list.exists(x, !(x in arguments.list))', { arguments: { list } })).toBe('error');
    expect(evaluate('arguments.list.all(x, x >= 0)', { arguments: { list } })).toBe(true);
    expect(MAX_STEPS).toBeLessThanOrEqual(1_000_000);
  });

  it('answers true, false or error whatever the input holds', () => {
    const conditions = [
      'arguments.a > 1',
      'arguments.a.b == "x"',
      'arguments.a in arguments.b',
      'arguments.a.exists(x, x == context.y)',
    ].map(expression);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue()), (args) => {
        const input = prepareInput({
          tool: 't.x',
          service: 't',
          arguments: args as JsonObject,
          context: {},
          proposer: 'p',
        });
        for (const condition of conditions) expect(typeof condition.evaluate(input).ok).toBe('boolean');
      }),
    );
  });
});

import { describe, expect, test } from 'vitest';
import { firedLines, readPastedCall } from '../../src/dashboard/policy/pasted-call.ts';

describe('a pasted call', () => {
  test('is what policy looks at, of a request as an agent sends it', () => {
    const judged = { service: 'bank', tool: 'bank.pay', arguments: { amount: 1 } };
    const call = { ...judged, context: { env: 'production' }, urgency: 'high' };
    const request = { ...call, reason: 'because', threadId: 't-1', waitSeconds: 30 };
    expect(readPastedCall(JSON.stringify(request))).toEqual(call);
  });

  test('has its service from its tool’s name', () => {
    expect(readPastedCall('{"tool":"bank.pay","arguments":{}}')).toEqual({
      service: 'bank',
      tool: 'bank.pay',
      arguments: {},
    });
  });

  test('is nothing else', () => {
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{}',
      '{"tool":"a.b"}',
      '{"tool":1,"arguments":{}}',
      '{"tool":"a.b","arguments":[]}',
    ]) {
      expect([text, readPastedCall(text)]).toEqual([text, undefined]);
    }
  });
});

test('rules that fired are found by their lines, in the file that is shown alone', () => {
  const rule = (source: string) => ({
    source,
    reads: [],
    class: 'forbidden' as const,
    gate: null,
    reason: null,
    error: null,
  });
  const rules = [
    rule('policy.yaml:12 tool == "a.b"'),
    rule('policy.yaml:20 true'),
    rule('github.yaml:3 true'),
    rule('bank.pay'),
  ];
  expect(firedLines(rules, 'policy.yaml')).toEqual([12, 20]);
});

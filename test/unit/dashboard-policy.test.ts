import { describe, expect, test } from 'vitest';
import type { ToolSummary } from '../../src/contract/api.ts';
import type { Json } from '../../src/contract/json.ts';
import { draftOfCall, parseCall, readCall, writeCall } from '../../src/dashboard/policy/call-draft.ts';
import { firedLines } from '../../src/dashboard/policy/fired-lines.ts';
import { effectText, findTools, heldText, servicesOf } from '../../src/dashboard/policy/tools.ts';

describe('a pasted call', () => {
  test('is what policy looks at, of a request as an agent sends it', () => {
    const judged = { service: 'bank', tool: 'bank.pay', arguments: { amount: 1 } };
    const call = { ...judged, context: { env: 'production' }, urgency: 'high' };
    const request = { ...call, reason: 'because', threadId: 't-1', waitSeconds: 30 };
    expect(parseCall(JSON.stringify(request))).toEqual(call);
  });

  test('has its service from its tool’s name', () => {
    expect(parseCall('{"tool":"bank.pay","arguments":{}}')).toEqual({
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
      expect([text, parseCall(text)]).toEqual([text, undefined]);
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
  expect(firedLines({ rules }, 'policy.yaml')).toEqual([12, 20]);
});

describe('a call in fields', () => {
  const call = {
    service: 'bank',
    tool: 'bank.pay',
    arguments: { amount: 1.5, to: ['a', null] },
    urgency: 'high',
  } as const;

  test('is the same as JSON and back', () => {
    const parsed = parseCall(writeCall(call));
    const draft = parsed && draftOfCall(parsed);
    if (draft === undefined) throw new Error('no draft');
    expect(readCall(call, draft)).toEqual({ call, errors: [] });
  });

  test('says at which field a number cannot be sent', () => {
    const draft = draftOfCall(call);
    if (draft === undefined) throw new Error('no draft');
    const members = [{ name: 'amount', draft: { kind: 'number', text: '1,5' } as const }];
    const { errors } = readCall(call, { ...draft, arguments: { kind: 'object', members } });
    expect(errors.map(({ pointer }) => pointer)).toEqual(['/arguments/amount']);
  });

  test('is left as JSON where a field would lose digits', () => {
    const parsed = parseCall('{"tool":"bank.pay","arguments":{"amount":12345678901234567890}}');
    expect(parsed).toBeDefined();
    expect(parsed && draftOfCall(parsed)).toBeUndefined();
  });
});

describe('tools', () => {
  const tool = (over: Partial<ToolSummary> & { readonly [name: string]: Json | undefined }): ToolSummary => ({
    tool: 'bank.pay',
    service: 'bank',
    origin: 'user',
    title: null,
    description: null,
    class: 'irreversible',
    gate: null,
    effects: ['money', 'access'],
    reason: null,
    approvals: [{ when: null, levels: [{ name: 'one', approvers: ['ops', 'managers'], quorum: 2 }] }],
    money: [],
    seal: [],
    ...over,
  });
  const read = tool({ tool: 'bank.read', class: 'reversible', effects: ['read'], approvals: [] });
  const tell = tool({ tool: 'chat.tell', service: 'chat', class: 'sensitive', effects: null });
  const close = tool({ tool: 'bank.close', class: 'forbidden', approvals: [] });

  test('stand by service, in the order of their names', () => {
    const services = servicesOf([tell, read, tool({})]).map(([name, some]) => [name, some.map((one) => one.tool)]);
    expect(services).toEqual([
      ['bank', ['bank.pay', 'bank.read']],
      ['chat', ['chat.tell']],
    ]);
  });

  test('say what their calls meet, and whether a rule can hold them', () => {
    expect([tool({}), read, tell, close].map(heldText)).toEqual([
      'Held for a decision',
      'Runs',
      'Runs, and people are told; rules can hold it',
      'Blocked',
    ]);
    expect([tool({}), tell].map(effectText)).toEqual(['Moves money, gives access', 'Not stated']);
  });

  test('are found by every word of what their row says', () => {
    const found = (search: string) => findTools([tool({}), read, tell, close], search).map((one) => one.tool);
    expect(found('MONEY managers')).toEqual(['bank.pay']);
    expect(found('blocked')).toEqual(['bank.close']);
    expect(found('bank nothing')).toEqual([]);
    expect(found(' ')).toHaveLength(4);
  });
});

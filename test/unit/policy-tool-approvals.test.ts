import { describe, expect, test } from 'vitest';
import { policyOf } from './policy-support.ts';

const POLICY = `version: 1
tools:
  - { name: api.pay, class: irreversible, connector: api, request: { method: POST, path: "/pay", body: arguments },
      arguments: { type: object, additionalProperties: false, properties: { amount: { type: integer } } } }
  - { name: api.tell, class: sensitive, connector: api, request: { method: POST, path: "/tell" } }
  - { name: api.read, class: reversible, connector: api, request: { method: GET, path: "/read" } }
  - { name: api.close, class: forbidden, connector: api, request: { method: DELETE, path: "/close" } }
rules:
  - { when: 'tool == "api.tell" && context.env == "production"', class: irreversible }
  - { when: 'tool == "api.read" && context.env == "production"', class: sensitive }
approvals:
  - match: tool == "api.pay" && arguments.amount > 100
    levels: [{ name: money, approvers: [ops], quorum: 2 }]
  - match: tool == "api.pay"
    levels: [{ name: one, approvers: [ops], quorum: 1 }]
  - match: "true"
    levels: [{ name: rest, approvers: [ops], quorum: 1 }]
`;

describe('who may come to decide on calls of a tool', () => {
  const policy = policyOf(POLICY);
  const approvalsOf = (name: string) => {
    const tool = policy.tools.get(name);
    if (tool === undefined) throw new Error(name);
    return policy.approvalsOf(tool).map(({ when, levels }) => [when, levels[0]?.name]);
  };

  test('is each approval that its calls can match, up to the first that they all do', () => {
    expect(approvalsOf('api.pay')).toEqual([
      ['tool == "api.pay" && arguments.amount > 100', 'money'],
      [null, 'one'],
    ]);
  });

  test('is told where only a rule can hold its calls', () => {
    expect(approvalsOf('api.tell')).toEqual([[null, 'rest']]);
  });

  test('is empty where its calls run or are blocked', () => {
    expect(approvalsOf('api.read')).toEqual([]);
    expect(approvalsOf('api.close')).toEqual([]);
  });
});

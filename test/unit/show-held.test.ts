import { describe, expect, test } from 'vitest';
import type { HeldBy, Review } from '../../src/contract/review.ts';
import { viewForAgent } from '../../src/domain/show/agent-view.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import type { Block, ShownTool } from '../../src/domain/show/shown.ts';
import { layOutText, shownToText } from '../../src/domain/show/to-text.ts';
import { aReview } from './client-fixtures.ts';
import { callOf, policyOf } from './policy-support.ts';

const POLICY = policyOf(`version: 1
tools:
  - name: api.pay
    class: reversible
    connector: api
    request: { method: POST, path: "/x", body: arguments }
    arguments:
      type: object
      additionalProperties: false
      properties:
        to: { type: object, additionalProperties: false, properties: { iban: { type: string, enum: [a, b] } } }
        amount: { type: integer }
        urgent: { type: boolean }
rules:
  - { when: 'tool == "api.pay" && arguments.amount > 100', class: irreversible, reason: large }
  - { when: 'tool == "api.pay" && arguments.to.iban == "b" && context.env == "prod"', class: irreversible }
  - { when: 'tool == "api.other" && has(arguments.never)', class: irreversible, reason: other }
approvals:
  - { match: 'tool == "api.pay" && arguments.amount > 1000', levels: [{ name: money, approvers: [ops], quorum: 1 }] }
  - { match: "true", levels: [{ name: approval, approvers: [ops], quorum: 1 }] }
`);

const classify = (args: Parameters<typeof callOf>[1]) => POLICY.classify(callOf('api.pay', args));

describe('what a classification tells of the conditions that a call met', () => {
  test('rules and the approval with the places that they read, for its tool alone', () => {
    const call = { arguments: { amount: 2_000, to: { iban: 'b' } }, context: { env: 'prod' } };
    expect(classify({ ...call, pinnedContext: call.context })).toMatchObject({
      kind: 'held',
      fired: [
        { reason: 'large', source: expect.stringMatching(/^policy\.yaml:\d+ tool ==/), reads: ['/arguments/amount'] },
        { reason: null, reads: ['/arguments/to/iban', '/context/env'] },
      ],
      approval: { selectedBy: { reads: ['/arguments/amount'] } },
    });
  });

  test('what a rule that could not be judged wanted to read', () => {
    const { fired } = classify({ arguments: { to: { iban: 'b' } } });
    const reads = fired.filter(({ error }) => error !== null).map((rule) => rule.reads);
    // Two rules, and the approval.
    expect(reads).toEqual([['/arguments/amount'], ['/arguments/to/iban', '/context/env'], ['/arguments/amount']]);
  });
});

describe('a held call as it is shown', () => {
  const heldBy: HeldBy = {
    rules: [
      {
        source: 'policy.yaml:12 tool == "api.pay" && arguments.amount > 100',
        reads: ['/arguments/amount', '/context/env'],
        class: 'irreversible',
        gate: null,
        reason: 'large',
        error: null,
      },
    ],
    approval: { source: 'policy.yaml:18 arguments.amount > 1000', reads: ['/arguments/amount'] },
  };
  const review = aReview({
    heldBy,
    reasonCodes: ['large'],
    context: { env: 'prod' },
    call: { ...aReview().call, tool: 'api.pay', arguments: { zone: 'x', amount: 2_000, iban: 'b' } },
  });
  const tool: ShownTool = { arguments: { type: 'object', properties: { iban: {}, amount: {} } } };
  const show = (one: Review) => showReview(one, { now: 0, tool, pinned: {} });
  const textOf = (one: Review) => shownToText(layOutText(show(one))).join('\n');
  const valuesOf = (id: string) =>
    show(review)
      .sections.find((section) => section.id === id)
      ?.blocks.find((block): block is Extract<Block, { kind: 'values' }> => block.kind === 'values');

  test('names the rule and the approval, and what each read', () => {
    const text = textOf(review);
    expect(text).toContain(
      'Rule: large (policy.yaml:12 tool == "api.pay" && arguments.amount > 100); reads amount, context.env',
    );
    expect(text).toContain('Approval: policy.yaml:18 arguments.amount > 1000; reads amount');
    expect(text).toContain('Why it is held: irreversible: a rule of the policy');
    expect(text.match(/large/g)).toHaveLength(1);
  });

  test('marks what they read', () => {
    expect(valuesOf('call')?.readers).toEqual({ amount: ['rule large', 'approval policy.yaml:18'] });
    expect(valuesOf('words')?.readers).toEqual({ env: ['rule large'] });
  });

  test('shows arguments in the order of the tool’s schema', () => {
    expect(Object.keys(valuesOf('call')?.values ?? {})).toEqual(['iban', 'amount', 'zone']);
  });

  test('says of a rule that it could not be judged; the default approval says nothing', () => {
    const failed = { ...heldBy.rules[0]!, reason: 'rule_error', error: 'no such key: amount' };
    const approval = { source: 'my policy.yaml:20 true', reads: [] };
    const text = textOf({ ...review, heldBy: { rules: [failed], approval } });
    expect(text).toContain('could not be judged, which counts as irreversible: no such key: amount');
    expect(text).not.toContain('Approval:');
  });

  test('is not told to its agent', () => {
    expect(viewForAgent(review)).not.toHaveProperty('heldBy');
  });
});

describe('a question of a workflow', () => {
  const question = aReview({
    kind: 'in-flow',
    title: 'Publish this draft?',
    reasonCodes: ['in_flow'],
    call: { service: 'in-flow', tool: 'in-flow.approval', arguments: { draft: 'News' }, digest: aReview().call.digest },
    target: { connector: 'in-flow', request: null },
    allowedDecisions: ['approve', 'respond'],
    proposer: { id: 'workflow:order-17', owner: null, attested: false },
  });
  const textOf = (one: Review) =>
    shownToText(layOutText(showReview(one, { now: 0, tool: undefined, pinned: {}, withAnswer: true }))).join('\n');

  test('reads as one: who asks, what about, and what each answer means', () => {
    const text = textOf(question);
    expect(text).toContain('Asked by: workflow order-17');
    expect(text).toContain('THE PROPOSAL');
    expect(text).toContain('Approve: the workflow goes on with the proposal as it stands');
    expect(text).toContain('Answer: the workflow receives your words');
    expect(text).not.toMatch(/in.flow|irreversible|Request to|Reject:|Edit:|No owner|Not attested/i);
  });

  test('shows the answer that was given, and then no others', () => {
    const resolution = {
      type: 'respond' as const,
      by: 'ops-1',
      comment: null,
      response: 'Shorter,\nplease',
      edited: false,
      retryable: false,
    };
    const text = textOf({ ...question, status: 'approved', resolvedAt: question.proposedAt, resolution });
    expect(text).toMatch(/Ended: answered by ops-1[^]*│ Shorter,\n *│ please/);
    expect(text).not.toContain('WHAT THE ANSWERS MEAN');
  });
});

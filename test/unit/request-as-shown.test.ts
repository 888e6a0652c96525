import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import { assessCall } from '../../src/domain/policy/assess.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import { layOutText, shownToText } from '../../src/domain/show/to-text.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { aReview } from './client-fixtures.ts';
import { CATALOG_FILES } from '../support/catalogs.ts';

await loadSqlParser();

const settings = (() => {
  const loaded = loadSettings({
    config: {
      name: 'holdpoint.yaml',
      text: `
policy: ./policy.yaml
reviewers: [{ id: ops-1, groups: [ops], tokenSha256: '${'ab'.repeat(32)}' }]
connectors:
  stripe: { baseUrl: https://api.stripe.com, credential: env:STRIPE_API_KEY }
  svc: { baseUrl: https://svc.example.com, credential: env:TOKEN }
`,
    },
    policy: {
      name: 'policy.yaml',
      text: `
version: 1
include: [stripe]
tools:
  - name: svc.form
    class: irreversible
    connector: svc
    request: { method: POST, path: '/form', body: arguments, bodyFormat: form }
  - name: svc.clear
    class: irreversible
    connector: svc
    request: { method: PATCH, path: '/people/{id}', body: arguments, nulls: clear, headers: { X-Version: '2' } }
    seal: [/memo]
    arguments:
      type: object
      additionalProperties: false
      required: [id]
      properties:
        id: { type: integer }
        name: { type: [string, 'null'] }
        memo: { type: string }
        nick: { type: string }
        lines: { type: array, items: { type: object, required: [sku], properties: { sku: { type: string }, note: { type: string } } } }
        to: { type: object, required: [city], properties: { city: { type: string }, street: { type: string } } }
approvals: [{ match: 'true', levels: [{ name: approval, approvers: [ops], quorum: 1 }] }]
`,
    },
    catalogs: CATALOG_FILES,
    deploymentId: 'test',
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  return loaded.settings;
})();

const assess = (tool: string, args: JsonObject) =>
  assessCall({
    service: tool.split('.')[0] as string,
    tool,
    arguments: args,
    context: {},
    urgency: null,
    proposer: { attested: true, id: 'agent-1', owner: null, agent: { id: 'agent-1' } },
    settings,
  });

/** The review of a call that is held, as text. */
function shown(tool: string, args: JsonObject): string {
  const assessment = assess(tool, args);
  if (assessment.kind !== 'held') throw new Error(JSON.stringify(assessment));
  const { target } = assessment;
  const review = aReview({ call: { service: 'svc', tool, arguments: args, digest: null }, target });
  const view = showReview(review, { now: Date.parse(review.proposedAt), tool: undefined, pinned: null });
  return shownToText(layOutText(view)).join('\n');
}

describe('a call whose request cannot carry its arguments is blocked before anybody is asked', () => {
  it.each<[string, string, JsonObject, string[]]>([
    ['R1', 'stripe.customers.update', { customer: 'cus_1', metadata: {} }, ['/metadata']],
    ['R1', 'stripe.refunds.create', { charge: 'ch_1', metadata: {} }, ['/metadata']],
    ['R1', 'stripe.subscriptions.update', { subscription_exposed_id: 'sub_1', items: [{}] }, ['/items/0']],
    ['R2', 'svc.form', { tags: [], x: {}, name: 'n' }, ['/tags', '/x']],
    ['R2', 'svc.clear', { id: 1, to: { city: 'x', at: -0 } }, ['/to/at']],
    ['R3', 'svc.form', { name: null }, ['/name']],
  ])('%s: %s %j', (_id, tool, args, pointers) => {
    const found = assess(tool, args);
    expect(found).toMatchObject({ kind: 'blocked', reasonCodes: ['arguments_invalid'] });
    if (found.kind === 'blocked') expect(found.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});

describe('a null that does not fit', () => {
  const messageOf = (args: JsonObject) => {
    const found = assess('svc.clear', args);
    return found.kind === 'blocked' ? found.errors : [];
  };

  it('R4: is to be left out where nothing requires the argument', () => {
    expect(messageOf({ id: 1, nick: null, to: { city: 'x', street: null } })).toEqual([
      { pointer: '/nick', message: 'must be a string: leave it out instead of null' },
      { pointer: '/to/street', message: 'must be a string: leave it out instead of null' },
    ]);
    expect(messageOf({ id: 1, lines: [{ sku: null }, { sku: 's', note: null }] })).toEqual([
      { pointer: '/lines/0/sku', message: 'must be a string' },
      { pointer: '/lines/1/note', message: 'must be a string: leave it out instead of null' },
    ]);
  });

  it('R4: is not, where something does', () => {
    expect(messageOf({ id: null, to: { city: null } })).toEqual([
      { pointer: '/id', message: 'must be a whole number' },
      { pointer: '/to/city', message: 'must be a string' },
    ]);
  });
});

describe('a review shows the request as it will be sent', () => {
  it('R1: Stripe’s own way to clear, and what it clears', () => {
    const text = shown('stripe.customers.update', {
      customer: 'cus_1',
      email: 'a+b@example.com',
      address: '',
      metadata: { old: '', new: 'x y' },
    });
    expect(text).toContain('Clears: address, metadata/old');
    expect(text).toContain('│ POST https://api.stripe.com/v1/customers/cus_1\n');
    expect(text).toContain('│ Content-Type: application/x-www-form-urlencoded\n');
    expect(text).toContain('│ email=a%2Bb%40example.com&address=&metadata%5Bold%5D=&metadata%5Bnew%5D=x%20y\n');
  });

  it('R3: null as what it does, and sealed values as sealed', () => {
    const text = shown('svc.clear', { id: 7, name: null, memo: { $sealed: 'eyJ.a-_.b' } });
    expect(text).toContain('Clears: name');
    expect(text).toContain(
      '│ PATCH https://svc.example.com/people/7\n  │ X-Version: 2\n  │ Content-Type: application/json',
    );
    expect(text).toContain('│ {"name":null,"memo":{"$sealed":"(encrypted)"}}');
    expect(text).not.toContain('eyJ.a-_.b');
  });

  it('a request that is of another form is shown as it is', () => {
    for (const request of [{ method: 'POST', url: 'https://x.example.com' }, { mode: 'select' }, 'x', { clears: 1 }]) {
      const view = showReview(aReview({ target: { connector: 'svc', request } }), {
        now: 0,
        tool: undefined,
        pinned: null,
      });
      expect(shownToText(layOutText(view)).join('\n')).toContain(JSON.stringify(request, null, 2).split('\n').at(-1));
    }
  });

  it('R3: nothing is said to be cleared where nothing is', () => {
    expect(shown('svc.clear', { id: 7, name: 'x' })).not.toContain('Clears');
    // Without `nulls: clear` an empty text is an empty text.
    expect(shown('svc.form', { name: '' })).not.toContain('Clears');
  });
});

import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { APPROVALS, CONFIG, load, policyOf, problemsOf } from './policy-support.ts';
import { CATALOG_FILES } from '../support/catalogs.ts';

const PAIR = '{ amount: { type: integer }, currency: { type: string } }';
const own = (more: string, properties = PAIR, name = 'api.refund'): string => `version: 1
include: [stripe]
tools:
  - name: ${name}
    class: irreversible
    title: Refund
    connector: api
    request: { method: POST, path: /x, body: arguments }
    arguments: { type: object, additionalProperties: false, properties: ${properties} }
    ${more}
${APPROVALS}`;
const refused = (money: string, more = ''): string | undefined => {
  const [problem, ...rest] = problemsOf(own(`money: [${money}]\n    ${more}`));
  expect(rest).toEqual([]);
  expect(problem?.line).toBe(10);
  return problem?.message;
};
/** With the catalogs that Holdpoint has. */
const loadBuiltIn = (tools: string) =>
  loadSettings({
    config: { name: 'holdpoint.yaml', text: CONFIG },
    policy: { name: 'policy.yaml', text: `version: 1\ninclude: [stripe]\ntools: [${tools}]\n${APPROVALS}` },
    catalogs: CATALOG_FILES,
    deploymentId: 'test',
  });
const warnings = (policy: string): readonly string[] => {
  const result = load(policy);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.warnings.map(({ line, message, fix }) => `${line} ${message} ${fix}`);
};

describe('money of a tool', () => {
  it.each([
    '{ amount: /amount, currency: /currency, scale: minor }',
    '{ amount: /amount, currency: EUR, scale: major }',
    '{ amount: /amount, currency: eur, scale: minor }',
    '{ amount: /amount, currency: USDC, scale: minor, exponents: { USDC: 6 } }',
  ])('is declared as %s', (entry) => {
    const [first] = policyOf(own(`money: [${entry}]`)).tools.get('api.refund')?.definition.money ?? [];
    expect(first).toMatchObject({ amount: '/amount' });
    expect(warnings(own(`money: [${entry}]`))).toEqual([]);
  });

  it.each([
    [
      'an argument that is not there',
      '{ amount: /amounts, currency: EUR, scale: minor }',
      'the tool has no argument /amounts',
    ],
    [
      'a currency that is not there',
      '{ amount: /amount, currency: /curency, scale: minor }',
      'the tool has no argument /curency',
    ],
    ['an unknown currency', '{ amount: /amount, currency: EUX, scale: minor }', 'unknown currency EUX'],
    ['a currency without minor units', '{ amount: /amount, currency: XAU, scale: minor }', 'unknown currency XAU'],
    [
      'a fact without a preview',
      '{ amount: /amount, currency: { fact: currency }, scale: minor }',
      'the preview has no fact currency',
    ],
    [
      'one amount in many currencies',
      '{ amount: /amount, currency: /currency/*, scale: minor }',
      'it names more lists than the amount, so an amount has many currencies',
    ],
  ])('cannot name %s', (_name, entry, message) => {
    expect(refused(entry)).toBe(message);
  });

  it('cannot be sealed, and has one of two scales', () => {
    const sealed = refused('{ amount: /amount, currency: EUR, scale: minor }', 'seal: [/amount]');
    expect(sealed).toBe('/amount is sealed, so nobody can read it');
    const [problem] = problemsOf(own('money: [{ amount: /amount, currency: EUR, scale: cents }]'));
    expect(problem?.message).toContain('scale');
    const [missing] = problemsOf(own('money: [{ amount: /amount, currency: EUR }]'));
    expect(missing?.message).toContain('scale is missing');
    const [pointer] = problemsOf(own('money: [{ amount: amount, currency: EUR, scale: minor }]'));
    expect(pointer?.message).toContain('amount');
  });

  it('of a built-in tool is the catalog’s', () => {
    const change = (more: string) =>
      loadBuiltIn(`{ name: stripe.refunds.create, class: irreversible, connector: stripe${more} }`);
    const money = ', money: [{ amount: /amount, currency: USD, scale: major }]';
    expect(change('').ok).toBe(true);
    expect(change(money)).toMatchObject({
      problems: [{ message: expect.stringContaining('money differs') as string }],
    });
    expect(change(`${money}, override: true`).ok).toBe(true);
  });
});

describe('policy check warns of whole numbers beside a currency', () => {
  it('M4: that no money is declared of, with the lines to add', () => {
    const [warning, ...rest] = warnings(own(''));
    expect(rest).toEqual([]);
    expect(warning).toContain('api.refund: amount beside currency');
    expect(warning).toContain('money: [{ amount: /amount, currency: /currency, scale: minor }]');
  });

  it.each([
    ['another name of the currency', '{ total: { type: integer }, currencyCode: { type: string } }', '/total'],
    ['codes of currencies', '{ fee: { type: number }, in: { enum: [usd, eur] } }', '/fee'],
    [
      'a pair further in',
      '{ price: { type: object, additionalProperties: false, properties: { cents: { type: integer }, currency: { type: string } } } }',
      '/price/cents',
    ],
    [
      'pairs in a list',
      '{ to: { type: array, items: { type: object, additionalProperties: false, properties: { amount: { type: integer }, currency: { type: string } } } } }',
      '/to/*/amount',
    ],
    ['a number or none', '{ amount: { type: [integer, "null"] }, charge_currency: { type: string } }', '/amount'],
    [
      'one of a choice',
      '{ amount: { anyOf: [{ type: integer }, { type: integer, maximum: 5 }] }, currency: { type: string } }',
      '/amount',
    ],
  ])('with %s', (_name, properties, pointer) => {
    expect(warnings(own('', properties)).join('\n')).toContain(`{ amount: ${pointer}, currency:`);
  });

  it.each([
    ['nothing of it is money', own('money: []')],
    ['there is no currency', own('', '{ amount: { type: integer }, concurrency: { type: string } }')],
    ['there is no number', own('', '{ currency: { type: string } }')],
    ['amounts are text', own('', '{ amount: { type: string }, currency: { type: string } }')],
    [
      'it is declared beside another number',
      own(
        'money: [{ amount: /amount, currency: /currency, scale: minor }]',
        '{ amount: { type: integer }, days: { type: integer }, currency: { type: string } }',
      ),
    ],
    [
      'the tool only reads',
      own('effects: [read]', PAIR, 'api.list').replace('class: irreversible', 'class: reversible'),
    ],
  ])('but not where %s', (_name, policy) => {
    expect(warnings(policy)).toEqual([]);
  });
});

it('rules compare amounts as they are sent: a charge above 100 USD is irreversible, one below it is not', () => {
  const loaded = loadBuiltIn('');
  if (!loaded.ok) throw new Error('refused');
  const classOf = (amount: number, currency: string) =>
    loaded.settings.policy.classify({
      tool: 'stripe.charges.create',
      service: 'stripe',
      arguments: { amount, currency },
      context: {},
      pinnedContext: {},
      proposer: 'agent-1',
    }).class;
  expect([classOf(10_000, 'usd'), classOf(10_001, 'usd'), classOf(1, 'huf')]).toEqual([
    'sensitive',
    'irreversible',
    'irreversible',
  ]);
});

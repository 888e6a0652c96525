import { describe, expect, it } from 'vitest';
import type { Fact } from '../../src/contract/call.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import { describeProposal } from '../../src/domain/gate/describe.ts';
import { amountsOf } from '../../src/domain/show/show-call.ts';
import { CATALOGS } from '../support/catalogs.ts';
import { aReview } from './client-fixtures.ts';
import { doorsOf } from './doors.ts';

const stripe = new Map((CATALOGS.get('stripe')?.tools ?? []).map((tool) => [tool.name, tool]));
const toolOf = (name: string): ToolDefinition => stripe.get(name) as ToolDefinition;
const fact = (name: string, label: string, value: Fact['value']): Fact => ({ name, label, value });
const expectEverywhere = (doors: ReturnType<typeof doorsOf>, text: string): void => {
  expect(Object.keys(doors).filter((door) => !doors[door]?.includes(text))).toEqual([]);
};

describe('a refund of 125000', () => {
  const refund = toolOf('stripe.refunds.create');
  const args = { payment_intent: 'pi_1', amount: 125_000 };
  const intent = (currency: string) => [
    fact('payment_intent', 'Payment intent', 'pi_1'),
    fact('intent_amount', 'Amount', 250_000),
    fact('intent_currency', 'Currency', currency),
  ];

  it('M1: on an intent in forints is 1,250.00 HUF wherever people read it, with the raw value', () => {
    const doors = doorsOf(refund, args, intent('huf'));
    expectEverywhere(doors, '1,250.00 HUF (125000)');
    expect(doors['page, heading']).toBe('Refund 1,250.00 HUF (125000); without an amount, all of it');
    expect(doors['page, row']).toBe(doors['page, heading']);
    // Amounts of the evidence are facts, not the call.
    expect(doors['terminal, list']).not.toContain('2,500.00');
    expect(doors['terminal, show']).toContain('Amount: 2,500.00 HUF (250000)');
    expect(Object.values(doors).join('\n')).not.toMatch(/forint|125,000/i);
  });

  it('M1: on a charge, in the currency of the charge', () => {
    const facts = [fact('amount', 'Amount', 500_000), fact('currency', 'Currency', 'eur')];
    expectEverywhere(doorsOf(refund, { charge: 'ch_1', amount: 125_000 }, facts), '1,250.00 EUR (125000)');
  });

  // https://docs.stripe.com/currencies: zero-decimal, special cases, three-decimal; the rest has two.
  const ZERO = 'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' ');
  const TWO = 'isk ugx std huf twd usd eur gbp idr cop pkr all'.split(' ');
  const THREE = 'bhd jod kwd omr tnd'.split(' ');
  it.each([
    ...ZERO.map((code) => [code, '125,000'] as const),
    ...TWO.map((code) => [code, '1,250.00'] as const),
    ...THREE.map((code) => [code, '125.000'] as const),
  ])('M2: on an intent in %s is what Stripe’s own table makes of it: %s', (code, amount) => {
    expectEverywhere(doorsOf(refund, args, intent(code)), `${amount} ${code.toUpperCase()} (125000)`);
  });

  it('whose currency nobody found stays a number', () => {
    const doors = doorsOf(refund, args);
    expect(Object.values(doors).join('\n')).not.toMatch(/[A-Z]{3} \(125000\)/);
    expect(doors['page, heading']).toContain('Refund 125000');
  });

  it('M5: is in the terminal what it is on the page', () => {
    const doors = doorsOf(refund, args, intent('huf'));
    expect(doors['terminal, heading']).toContain(doors['page, heading']);
    expect(doors['terminal, show']).toContain('  Amount: 1,250.00 HUF (125000)');
    expect(doors['page, call']).toContain('1,250.00 HUF (125000)');
  });
});

describe('a tool of one’s own', () => {
  const own = (more: Partial<ToolDefinition>): ToolDefinition => ({
    name: 'bank.refund',
    class: 'irreversible',
    connector: 'bank',
    arguments: {
      type: 'object',
      properties: { amount: { type: 'integer', description: 'in cents' }, currency: { type: 'string' } },
    },
    ...more,
  });
  const args = { amount: 129_900, currency: 'eur' };
  const money = [{ amount: '/amount', currency: '/currency', scale: 'minor' as const }];

  it('M4: declared, with a title, says 1,299.00 EUR wherever people read it', () => {
    const doors = doorsOf(own({ title: 'Refund {amount} {currency}', money }), args);
    expectEverywhere(doors, '1,299.00 EUR (129900)');
    expect(doors['page, heading']).toBe('Refund 1,299.00 EUR (129900)');
  });

  it('M4: declared, without a title, and in a fixed currency', () => {
    expectEverywhere(doorsOf(own({ money }), args), '1,299.00 EUR (129900)');
    const yen = own({ money: [{ amount: '/amount', currency: 'JPY', scale: 'major' }] });
    expectEverywhere(doorsOf(yen, { amount: 129_900 }), '129,900 JPY (129900)');
  });

  it('M4: stands in Temporal’s summary from the start', () => {
    const { summary, details } = describeProposal({ tool: 'bank.refund', arguments: args }, 'agent-1', own({ money }));
    expect(summary.replaceAll('\\', '')).toBe('Call bank.refund, 1,299.00 EUR (129900)');
    expect(details.replaceAll('\\', '')).toContain('Amount: 1,299.00 EUR (129900)');
  });

  it.each(['whole dollars, no cents', 'in cents', 'minor units'])(
    'M3: undeclared it stays a number, whatever its schema says (%s)',
    (description) => {
      const properties = { amount: { type: 'integer', description } };
      const tool = own({ title: 'Pay {amount}', arguments: { type: 'object', properties } });
      const doors = doorsOf(tool, { amount: 5_000 });
      expect(doors['page, heading']).toBe('Pay 5000');
      expect(Object.values(doors).join('\n')).not.toMatch(/50\.00|5,000|dollar|USD/i);
    },
  );

  it('gives its answer no money, and a question none', () => {
    const question = aReview({ kind: 'in-flow', call: { ...aReview().call, arguments: args } });
    expect(amountsOf(question, own({ money }))).toEqual([]);
  });
});

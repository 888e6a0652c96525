import { describe, expect, it } from 'vitest';
import type { Fact } from '../../src/contract/call.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Money } from '../../src/contract/policy.ts';
import { writeDecimal, parseDecimal } from '../../src/domain/decimal.ts';
import { ISO_4217 } from '../../src/domain/iso-4217.ts';
import { decimalsOf, writeAmounts } from '../../src/domain/money.ts';
import { writeSentence } from '../../src/domain/show/title.ts';
import { writeLine } from '../../src/domain/show/to-text.ts';
import { viewForAgent, viewRowForAgent } from '../../src/domain/show/agent-view.ts';
import { listRowOf } from '../../src/storage/reviews/review-row.ts';
import { aReview } from './client-fixtures.ts';

const MONEY: Money = { amount: '/amount', currency: '/currency', scale: 'minor' };
const fact = (name: string, value: Fact['value']): Fact => ({ name, label: name, value });
const texts = (money: readonly Money[], args: JsonObject, facts: readonly Fact[] = []): readonly string[] =>
  writeAmounts(money, args, facts).map(({ text }) => text);

describe('amounts', () => {
  it.each([
    ['usd', '1,250.00 USD (125000)'],
    ['HUF', '1,250.00 HUF (125000)'],
    ['twd', '1,250.00 TWD (125000)'],
    ['isk', '125,000 ISK (125000)'],
    ['jpy', '125,000 JPY (125000)'],
    ['kwd', '125.000 KWD (125000)'],
    ['clf', '12.5000 CLF (125000)'],
    ['mga', '1,250.00 MGA (125000)'],
  ])('in the smallest unit of %s', (currency, text) => {
    expect(texts([MONEY], { amount: 125_000, currency })).toEqual([text]);
  });

  it('of a coin with 18 decimals are written up to a thousand billion', () => {
    const coin: Money = { ...MONEY, exponents: { ETH: 18 } };
    const amount = `1234567${'0'.repeat(17)}1`;
    expect(texts([coin], { amount, currency: 'eth' })).toEqual([`1,234,567.${'0'.repeat(17)}1 ETH ("${amount}")`]);
    expect(texts([coin], { amount: '9'.repeat(31), currency: 'eth' })).toHaveLength(1);
  });

  it('know the decimals of ISO 4217, which are not those of Intl', () => {
    expect(ISO_4217.size).toBeGreaterThan(160);
    expect([...ISO_4217.keys()].filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
    expect(['HUF', 'IDR', 'PKR', 'IQD', 'XCG'].map((code) => decimalsOf(code, undefined))).toEqual([2, 2, 2, 3, 2]);
    expect(['XAU', 'XXX', 'BTC', '', 'U', 'USD ', '\u0131SK'].map((code) => decimalsOf(code, undefined))).toEqual(
      Array(7).fill(undefined),
    );
  });

  it('M2: a provider’s own decimals go before those of the standard', () => {
    const exponents = { ISK: 2, ugx: 2, MGA: 0, USDC: 6 };
    const own = (currency: string) => texts([{ ...MONEY, exponents }], { amount: 125_000, currency });
    expect([own('isk'), own('ugx'), own('mga'), own('usdc'), own('eur')].flat()).toEqual([
      '1,250.00 ISK (125000)',
      '1,250.00 UGX (125000)',
      '125,000 MGA (125000)',
      '0.125000 USDC (125000)',
      '1,250.00 EUR (125000)',
    ]);
  });

  it('keep every digit, whatever they are counted in', () => {
    const major: Money = { ...MONEY, scale: 'major' };
    const of = (money: Money, amount: JsonObject[string]) => texts([money], { amount, currency: 'EUR' });
    expect(of(major, 19.9)).toEqual(['19.90 EUR (19.9)']);
    expect(of(major, 19.999)).toEqual(['19.999 EUR (19.999)']);
    expect(of(major, '1234567.8')).toEqual(['1,234,567.80 EUR ("1234567.8")']);
    expect(of(MONEY, 5)).toEqual(['0.05 EUR (5)']);
    expect(of(MONEY, 0)).toEqual(['0.00 EUR (0)']);
    expect(of(MONEY, -125_005)).toEqual(['-1,250.05 EUR (-125005)']);
    expect(of(MONEY, 12.5)).toEqual(['0.125 EUR (12.5)']);
    expect(of(MONEY, { $number: '123456789012345678' })).toEqual(['1,234,567,890,123,456.78 EUR (123456789012345678)']);
  });

  it.each<[string, JsonObject]>([
    ['no currency', { amount: 5 }],
    ['an unknown currency', { amount: 5, currency: 'zzz' }],
    ['a currency that is no text', { amount: 5, currency: ['usd'] }],
    ['no amount', { currency: 'usd' }],
    ['an amount that is no number', { amount: '5 000', currency: 'usd' }],
    ['an amount with zeros before it', { amount: '005', currency: 'usd' }],
    ['a sealed amount', { amount: { $sealed: 'eyJ' }, currency: 'usd' }],
    ['null', { amount: null, currency: 'usd' }],
    ['an amount that nobody could read', { amount: 1e300, currency: 'usd' }],
    ['an exponent without end', { amount: '1e999999999', currency: 'usd' }],
  ])('stay as they are with %s', (_name, args) => {
    expect(texts([MONEY], args)).toEqual([]);
  });

  it('M3: nothing is money that is not declared', () => {
    expect(texts([], { amount: 5_000, currency: 'usd' })).toEqual([]);
    expect(writeLine(writeSentence('bank.pay', 'Pay {amount}', { amount: 5_000 }))).toBe('Pay 5000');
  });

  it('take a currency from the evidence where it is declared there, and amounts of the evidence', () => {
    const money: Money[] = [
      { ...MONEY, currency: { fact: 'currency' } },
      { ...MONEY, currency: { fact: 'intent_currency' } },
      { amount: { fact: 'intent_amount' }, currency: { fact: 'intent_currency' }, scale: 'minor' },
    ];
    const facts = [fact('intent_amount', 500), fact('intent_currency', 'jpy')];
    expect(texts(money, { amount: 250 }, facts)).toEqual(['250 JPY (250)', '500 JPY (500)']);
    expect(texts(money, { amount: 250, currency: 'usd' })).toEqual([]);
    expect(texts(money, { amount: 250 }, [...facts, fact('currency', null)])).toContain('250 JPY (250)');
    // In which of two currencies it is nobody can say.
    expect(texts(money, { amount: 250 }, [...facts, fact('currency', 'usd')])).toEqual(['500 JPY (500)']);
    expect(texts(money, { amount: 250 }, [...facts, fact('intent_currency', 'usd')])).toEqual([]);
  });

  it('of a list each have the currency beside them', () => {
    const money: Money = { amount: '/to/*/amount', currency: '/to/*/currency', scale: 'minor' };
    const to = [{ amount: 5, currency: 'usd' }, { amount: 5 }, { amount: 5, currency: 'jpy' }];
    expect(writeAmounts([money], { to }, [])).toEqual([
      { place: '/to/0/amount', text: '0.05 USD (5)', currency: '/to/0/currency' },
      { place: '/to/2/amount', text: '5 JPY (5)', currency: '/to/2/currency' },
    ]);
    expect(texts([{ ...money, currency: '/currency' }], { to, currency: 'eur' })).toHaveLength(3);
    expect(texts([{ ...money, amount: '/to/*/amount', currency: 'EUR' }], { to: 'x' })).toEqual([]);
  });
});

it('of a long list the first are written, and a line names three', () => {
  const money: Money = { amount: '/to/*/amount', currency: 'EUR', scale: 'minor' };
  const amounts = writeAmounts([money], { to: Array.from({ length: 5_000 }, (_, amount) => ({ amount })) }, []);
  expect(amounts).toHaveLength(100);
  expect(writeLine(writeSentence('bank.payAll', null, {}, amounts))).toBe(
    'Call bank.payAll, 0.00 EUR (0), 0.01 EUR (1), 0.02 EUR (2), …',
  );
  expect(listRowOf(aReview({ amounts: [...amounts] })).row.amounts).toHaveLength(5);
});

describe('titles', () => {
  const amounts = writeAmounts([MONEY], { amount: 129_900, currency: 'eur' }, []);
  const said = (title: string | null) =>
    writeLine(writeSentence('bank.refund', title, { amount: 129_900, currency: 'eur', to: '1,299.00 EUR' }, amounts));

  it('M4: have the amount in its currency, once, with the raw value', () => {
    expect(said('Refund {amount} {currency} to {to}')).toBe('Refund 1,299.00 EUR (129900) to "1,299.00 EUR"');
    expect(said('Refund {currency} {amount}')).toBe('Refund 1,299.00 EUR (129900)');
    expect(said('Refund {amount} in {currency}')).toBe('Refund 1,299.00 EUR (129900) in "eur"');
  });

  it('have it too where the tool has no title', () => {
    expect(said(null)).toBe('Call bank.refund, 1,299.00 EUR (129900)');
  });
});

it('agents are not told of amounts that only the evidence knows', () => {
  const amounts = [
    { place: '/amount', text: '250 JPY (250)', currency: { fact: 'currency' } },
    { place: { fact: 'amount' }, text: '5.00 USD (500)', currency: null },
    { place: '/fee', text: '0.05 EUR (5)', currency: '/currency' },
  ];
  const evidence = [{ facts: [fact('currency', 'jpy')], sourceHash: null, gatheredAt: 'now' }];
  expect(viewForAgent(aReview({ amounts, evidence })).amounts).toEqual([amounts[2]]);
  expect(viewRowForAgent({ amounts } as never).amounts).toEqual([amounts[2]]);
  const sentence = writeSentence('bank.pay', 'Pay {amount}, fee {fee}', { amount: 250, fee: 5 }, amounts);
  expect(writeLine(sentence)).toBe('Pay 250 JPY (250), fee 0.05 EUR (5)');
  const told = [viewForAgent(aReview({ amounts, sentence })), viewRowForAgent({ sentence } as never)];
  for (const view of told) {
    expect(writeLine(view.sentence ?? [])).toBe('Pay 250, fee 0.05 EUR (5)');
    expect(JSON.stringify(view.sentence)).not.toContain('JPY');
  }
});

it('decimals are written with every digit', () => {
  const write = (literal: string, fraction: number) => {
    const decimal = parseDecimal(literal);
    return decimal === undefined ? undefined : writeDecimal(decimal, fraction);
  };
  expect(['0', '-0.5', '1e3', '123456', '1E-2', '999', '1000'].map((literal) => write(literal, 2))).toEqual([
    '0.00',
    '-0.50',
    '1,000.00',
    '123,456.00',
    '0.01',
    '999.00',
    '1,000.00',
  ]);
  expect(['', '.5', '1.', '+1', '01', '1e', 'NaN', '0x1', ' 1'].map((literal) => write(literal, 2))).toEqual(
    Array(9).fill(undefined),
  );
});

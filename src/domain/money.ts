import type { Fact } from '../contract/call.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { Money, MoneyPlace } from '../contract/policy.ts';
import type { WrittenAmount } from '../contract/review.ts';
import { parseDecimal, writeDecimal } from './decimal.ts';
import { ISO_4217 } from './iso-4217.ts';
import { isExactNumber, writeJson } from '../contract/exact-number.ts';
import { pointerStep } from '../contract/pointer.ts';
import { parsePointer, valueAt } from './json/pointer.ts';

/** Amounts of a list that are written; the others are in the arguments, as all are. */
const MOST_IN_LIST = 100;
/** Longest amount that is written out with its raw value, in characters: a million of a coin of 18 decimals takes 61. */
const LONGEST = 100;

/**
 * The amounts of a call that its tool declares, and nothing else: what policy does not call money stays the number that
 * it is, and so does an amount whose currency is not there, is none, or is another one by another entry.
 */
export function writeAmounts(
  money: readonly Money[] | null | undefined,
  args: JsonObject,
  facts: readonly Fact[],
): readonly WrittenAmount[] {
  const written = (money ?? []).flatMap((entry) =>
    readPlaces(entry.amount, args, facts).flatMap(({ place, value, keys }): WrittenAmount[] => {
      const code = fixedCode(entry.currency);
      const currency = code === undefined ? fillKeys(entry.currency, keys) : null;
      const codes = currency === null ? [code] : readPlaces(currency, args, facts).map((found) => found.value);
      const text = codes.length === 1 ? writeAmount(value, codes[0] as Json, entry) : undefined;
      return text === undefined ? [] : [{ place, text, currency }];
    }),
  );
  return written.filter(
    (one, index) =>
      written.findIndex((other) => isSame(other.place, one.place)) === index &&
      written.every((other) => !isSame(other.place, one.place) || other.text === one.text),
  );
}

/** Those of the call itself; the others are facts about it. */
export function ofArguments(amounts: readonly WrittenAmount[]): readonly WrittenAmount[] {
  return amounts.filter(({ place }) => typeof place === 'string');
}

/** The amount at a place, if it is written. */
export function amountAt(amounts: readonly WrittenAmount[], place: MoneyPlace): WrittenAmount | undefined {
  return amounts.find((amount) => isSame(amount.place, place));
}

/** `/credit_amount` → `Credit amount`. */
export function wordsOfPlace(place: MoneyPlace): string {
  const words = (typeof place === 'string' ? parsePointer(place).join(' ') : place.fact).replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Decimals of a currency's smallest unit where a tool counts in it; undefined: no currency that is known. */
export function decimalsOf(code: string, exponents: Money['exponents']): number | undefined {
  if (!/^[A-Za-z]{3,10}$/.test(code)) return undefined;
  const own = Object.entries(exponents ?? {}).find(([name]) => name.toUpperCase() === code.toUpperCase());
  return own?.[1] ?? ISO_4217.get(code.toUpperCase());
}

function writeAmount(value: Json, code: Json, { scale, exponents }: Money): string | undefined {
  const literal = isExactNumber(value) ? value.$number : value;
  if ((typeof literal !== 'number' && typeof literal !== 'string') || typeof code !== 'string') return undefined;
  const amount = parseDecimal(String(literal));
  const decimals = decimalsOf(code, exponents);
  if (amount === undefined || decimals === undefined) return undefined;
  const exponent = scale === 'minor' ? amount.exponent - decimals : amount.exponent;
  const text = `${writeDecimal({ ...amount, exponent }, decimals)} ${code.toUpperCase()} (${writeJson(value)})`;
  return text.length > LONGEST ? undefined : text;
}

/** The code of a currency that policy names; undefined: it is looked up. */
export function fixedCode(currency: Money['currency']): string | undefined {
  return typeof currency === 'string' && !currency.startsWith('/') ? currency : undefined;
}

function isSame(a: MoneyPlace, b: MoneyPlace): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : a.fact === b.fact;
}

interface Found {
  readonly place: MoneyPlace;
  readonly value: Json;
  /** What each `*` of the pointer stood for. */
  readonly keys: readonly string[];
}

function readPlaces(place: MoneyPlace, args: JsonObject, facts: readonly Fact[]): readonly Found[] {
  if (typeof place !== 'string') {
    return facts.filter(({ name }) => name === place.fact).map(({ value }) => ({ place, value, keys: [] }));
  }
  const star = parsePointer(place).indexOf('*');
  if (star === -1) {
    const value = valueAt(args, place);
    return value === undefined ? [] : [{ place, value, keys: [] }];
  }
  const above = place
    .split('/')
    .slice(0, star + 1)
    .join('/');
  const list = valueAt(args, above);
  if (!Array.isArray(list)) return [];
  return Object.keys(list)
    .slice(0, MOST_IN_LIST)
    .flatMap((key) =>
      readPlaces(fillKeys(place, [key]), args, facts).map((found) => ({ ...found, keys: [key, ...found.keys] })),
    )
    .slice(0, MOST_IN_LIST);
}

/** The pointer with keys in the place of its first `*`s. */
function fillKeys(place: MoneyPlace, keys: readonly string[]): MoneyPlace {
  if (typeof place !== 'string') return place;
  return keys.reduce((pointer, key) => pointer.replace(/\/\*(?=\/|$)/, () => pointerStep(key)), place);
}

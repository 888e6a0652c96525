import type { Fact } from '../contract/call.ts';
import type { Json, JsonObject } from '../contract/json.ts';

/**
 * `1,250.00 US dollars` of 125000 minor units; undefined where this is no amount in a currency that is known. Without a
 * locale it is written as the reader's own machine writes numbers.
 */
export function writeAmount(amount: Json | undefined, currency: Json | undefined, locale?: string): string | undefined {
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || typeof currency !== 'string') return undefined;
  const code = currency.toUpperCase();
  if (!/^[A-Z]{3}$/.test(code) || !Intl.supportedValuesOf('currency').includes(code)) return undefined;
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency: code, currencyDisplay: 'name' });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

/** Whether a tool's amounts are minor units: Stripe's are, and those whose schema says so. */
export function countsMinorUnits(tool: string, schema: JsonObject | null | undefined): boolean {
  if (tool.startsWith('stripe.')) return true;
  const properties = schema?.['properties'] as { readonly amount?: { readonly description?: unknown } } | undefined;
  const described = properties?.amount?.description;
  return typeof described === 'string' && MINOR_UNITS.test(described);
}

const MINOR_UNITS = /minor units|cents/i;

/** What a call's amount is in: its own currency, or that of what it refers to, as Holdpoint found it there. */
export function currencyOf(args: JsonObject, facts: readonly Fact[]): Json | undefined {
  return args['currency'] ?? onlyCurrency(facts);
}

/** A fact that is an amount in minor units, written out: `intent_amount` is in `intent_currency`. Locale: {@link writeAmount}. */
export function writeFact(
  { name, label, value }: Fact,
  tool: string,
  facts: readonly Fact[],
  locale?: string,
): string | undefined {
  const isAmount = MINOR_UNITS.test(label) || (tool.startsWith('stripe.') && /(^|_)amount(_|$)/.test(name));
  if (!isAmount) return undefined;
  const own = /(^|_)amount$/.test(name) ? name.replace(/amount$/, 'currency') : undefined;
  return writeAmount(value, facts.find((fact) => fact.name === own)?.value ?? onlyCurrency(facts), locale);
}

/** Undefined where facts name none, or more than one: an amount in the wrong currency is worse than a bare number. */
function onlyCurrency(facts: readonly Fact[]): Json | undefined {
  const found = new Set(facts.filter(({ name }) => /(^|_)currency$/.test(name)).map(({ value }) => value));
  return found.size === 1 ? [...found][0] : undefined;
}

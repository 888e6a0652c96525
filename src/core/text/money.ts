import type { Json, JsonObject } from '../../contract/json.ts';

/** `1,250.00 US dollars` of 125000 minor units; undefined where this is no amount in a currency that is known. */
export function writeAmount(args: JsonObject): string | undefined {
  const { amount, currency } = args as { readonly amount?: Json; readonly currency?: Json };
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || typeof currency !== 'string') return undefined;
  const code = currency.toUpperCase();
  if (!/^[A-Z]{3}$/.test(code) || !Intl.supportedValuesOf('currency').includes(code)) return undefined;
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency: code, currencyDisplay: 'name' });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** Whether a tool's amounts are minor units: Stripe's are, and those whose schema says so. */
export function countsMinorUnits(tool: string, schema: JsonObject | undefined): boolean {
  if (tool.startsWith('stripe.')) return true;
  const properties = schema?.['properties'] as { readonly amount?: { readonly description?: unknown } } | undefined;
  const described = properties?.amount?.description;
  return typeof described === 'string' && /minor units|cents/i.test(described);
}

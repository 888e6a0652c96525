/** A number as it is written in base ten: `digits` × 10^`exponent`. */
export interface Decimal {
  /** Signed. */
  readonly digits: bigint;
  readonly exponent: number;
}

/** Longest literal that is read, and largest exponent: a double needs no more, and work on the digits stays small. */
const MAX_LENGTH = 400;
const MAX_EXPONENT = 400;

/** Reads a number in JSON's notation; undefined where the text is none, or a huge one. */
export function parseDecimal(literal: string): Decimal | undefined {
  if (literal.length > MAX_LENGTH) return undefined;
  const match = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  const exponent = Number(power) - fraction.length;
  return Math.abs(exponent) > MAX_EXPONENT ? undefined : { digits: BigInt(`${sign}${whole}${fraction}`), exponent };
}

/**
 * Whether a number is a multiple of another, both taken as they are written: 19.99 is one of 0.01, which the quotient of
 * the two doubles denies.
 */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  const [a, b] = [parseDecimal(String(value)), parseDecimal(String(divisor))];
  if (a === undefined || b === undefined || b.digits === 0n) return false;
  const exponent = Math.min(a.exponent, b.exponent);
  return scaleTo(a, exponent) % scaleTo(b, exponent) === 0n;
}

function scaleTo({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to);
}

/** `1,250.00`: every digit, at least `fraction` of them after the point, thousands in groups. */
export function writeDecimal({ digits, exponent }: Decimal, fraction: number): string {
  const places = Math.max(fraction, -exponent);
  const text = String(scaleTo({ digits: digits < 0n ? -digits : digits, exponent }, -places)).padStart(places + 1, '0');
  const whole = groupThousands(text.slice(0, text.length - places));
  return `${digits < 0n ? '-' : ''}${whole}${places === 0 ? '' : `.${text.slice(-places)}`}`;
}

function groupThousands(digits: string): string {
  const head = digits.length % 3;
  const groups = digits.slice(head).match(/\d{3}/g) ?? [];
  return [...(head === 0 ? [] : [digits.slice(0, head)]), ...groups].join(',');
}

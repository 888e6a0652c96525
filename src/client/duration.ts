/** Milliseconds, or text such as `4s`, `30m`, `24h`, `7d`. */
export type Duration = number | string;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration. Throws a RangeError on anything else, so that a typing error never waits for ever. */
export function toMs(duration: Duration): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration) && duration >= 0) return duration;
    throw new RangeError(`not a duration in milliseconds: ${duration}`);
  }
  const match = /^([0-9]{1,7})(ms|s|m|h|d)$/.exec(duration);
  if (match === null) throw new RangeError(`not a duration such as 4s, 30m or 24h: ${duration}`);
  return Number(match[1]) * (UNITS[match[2] as string] as number);
}

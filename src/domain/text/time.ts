/** `3 d 4 h`, `23 h 58 min`, `4 min 5 s`, `12 s`: the two largest units. Input in ms; negative counts as zero. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

/** Time left until a deadline; `none` without one, `over` past it. */
export function formatLeft(expiresAt: string | null, now: number): string {
  if (expiresAt === null) return 'none';
  const left = Date.parse(expiresAt) - now;
  return left <= 0 ? 'over' : formatSpan(left);
}

/** `1,247`: digits in groups of three, the same everywhere. */
export function formatCount(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(value);
}

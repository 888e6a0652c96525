/** Parts of a piece that were on screen, in px from its top: apart from each other, in order. */
export type Spans = readonly (readonly [from: number, to: number])[];

/** With one more part, which may touch others. */
export function addSpan(spans: Spans, from: number, to: number): Spans {
  const touching = spans.filter(([a, b]) => a <= to && b >= from);
  const merged = [Math.min(from, ...touching.map(([a]) => a)), Math.max(to, ...touching.map(([, b]) => b))] as const;
  return [...spans.filter((span) => !touching.includes(span)), merged].toSorted(([a], [b]) => a - b);
}

/** Borders fall between device pixels. */
const ROUNDING = 1;

/** Whether all of a piece of this height was on screen, at once or one part after the other. */
export function coversAll(spans: Spans, height: number): boolean {
  return spans.some(([from, to]) => from <= ROUNDING && to >= height - ROUNDING);
}

/**
 * One reading for everybody who asks within `ms` of its start, and for everybody while it is under way, however it ends: what
 * anybody may ask for costs no more than one reading every `ms`.
 */
export function atMostEvery<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly until: number; isOver: boolean } | undefined;
  return () => {
    const now = performance.now();
    if (kept !== undefined && (!kept.isOver || now < kept.until)) return kept.value;
    const reading = { value: read(), until: now + ms, isOver: false };
    kept = reading;
    const end = (): void => void (reading.isOver = true);
    reading.value.then(end, end);
    return reading.value;
  };
}

/** One way to make a reversible call. */
export interface Caller {
  readonly name: string;
  call(): Promise<void>;
}

/** One way through a gate, from proposal to result. */
export interface Door {
  readonly name: string;
  gate(): Promise<GateTimes>;
  close(): Promise<void>;
}

/** Milliseconds: propose → pending, decision → executed. */
export interface GateTimes {
  readonly pendingMs: number;
  readonly decidedMs: number;
}

export interface Latency {
  readonly pending: Quantiles;
  readonly decided: Quantiles;
}
export interface Quantiles {
  readonly median: number;
  readonly p99: number;
}

/** How many a second, with `clients` at once, until `count` are done. */
export async function measureRate(work: () => Promise<unknown>, clients: number, count: number): Promise<number> {
  let left = count;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) await work();
    }),
  );
  return (count * 1_000) / (performance.now() - from);
}

/** One client, one call after the other; ms. */
export async function measureCalls(call: () => Promise<void>, count: number): Promise<Quantiles> {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const from = performance.now();
    await call();
    times.push(performance.now() - from);
  }
  return quantilesOf(times);
}

/** One client, one gate after the other. */
export async function measureLatency(door: Door, count: number): Promise<Latency> {
  const times: GateTimes[] = [];
  for (let n = 0; n < count; n += 1) times.push(await door.gate());
  return {
    pending: quantilesOf(times.map((time) => time.pendingMs)),
    decided: quantilesOf(times.map((time) => time.decidedMs)),
  };
}

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[Math.max(0, Math.min(sorted.length - 1, index))] ?? 0;
  const half = sorted.length / 2;
  return {
    // Of an even count the mean of the two in the middle.
    median: (at(Math.ceil(half) - 1) + at(Math.floor(half))) / 2,
    // The smallest value that 99 % do not exceed.
    p99: at(Math.ceil(0.99 * sorted.length) - 1),
  };
}

export function median(values: readonly number[]): number {
  return quantilesOf(values).median;
}

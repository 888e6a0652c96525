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

export interface Throughput {
  readonly gatesPerSecond: number;
}

export interface Latency {
  readonly pending: Quantiles;
  readonly decided: Quantiles;
}
export interface Quantiles {
  readonly median: number;
  readonly p99: number;
}

/** `clients` at once, until `count` gates are through. */
export async function measureThroughput(door: Door, clients: number, count: number): Promise<Throughput> {
  let left = count;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) await door.gate();
    }),
  );
  return { gatesPerSecond: (count * 1_000) / (performance.now() - from) };
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

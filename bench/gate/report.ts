import { measureCalls, measureLatency, measureRate, median, type Caller, type Door } from './measure.ts';

/** Figures of one round of one door or caller, by the name of their row. */
export type Round = Readonly<Record<string, number>>;

export interface Amounts {
  /** At once, where a rate is measured. */
  readonly clients: number;
  /** How many are counted for a rate. */
  readonly many: number;
  /** How many one client makes after each other. */
  readonly few: number;
}

export const PENDING = 'propose → pending, ms, median';
export const ONE_CALL = 'one call, ms, median';

export async function measureDoor(door: Door, { clients, many, few }: Amounts): Promise<Round> {
  const rate = await measureRate(() => door.gate(), clients, many);
  const { pending, decided } = await measureLatency(door, few);
  return {
    [`gates a second, ${clients} clients`]: rate,
    [PENDING]: pending.median,
    'propose → pending, ms, p99': pending.p99,
    'decision → executed, ms, median': decided.median,
    'decision → executed, ms, p99': decided.p99,
  };
}

export async function measureCaller(caller: Caller, { clients, many, few }: Amounts): Promise<Round> {
  const rate = await measureRate(() => caller.call(), clients, many);
  const { median: middle, p99 } = await measureCalls(() => caller.call(), few);
  return { [`calls a second, ${clients} clients`]: rate, [ONE_CALL]: middle, 'one call, ms, p99': p99 };
}

/** One after the other, round by round: the machine's speed drifts, and what is in one round drifts together. */
export async function inTurns<T extends { readonly name: string }>(
  all: readonly T[],
  count: number,
  measure: (one: T) => Promise<Round>,
): Promise<readonly (readonly Round[])[]> {
  const rounds: Round[][] = all.map(() => []);
  for (let n = 1; n <= count; n += 1) {
    for (const [index, one] of all.entries()) {
      const round = await measure(one);
      rounds[index]?.push(round);
      const figures = Object.entries(round).map(([name, value]) => `${name} ${value.toFixed(1)}`);
      console.error(`round ${n}, ${one.name}: ${figures.join(' · ')}`);
    }
  }
  return rounds;
}

/** A column for each; ratios to the first. */
export function table(
  title: string,
  all: readonly { readonly name: string }[],
  rounds: readonly (readonly Round[])[],
): void {
  const rows = Object.keys(rounds[0]?.[0] ?? {});
  const lines = rows.map((name) => {
    const values = rounds.map((of) => of.map((round) => round[name] ?? NaN));
    const cells = values.map((of, n) => {
      const figure = median(of);
      const beside = n === 0 ? '' : ` (${ratio(of, values[0] ?? []).toFixed(2)})`;
      return `${figure.toFixed(figure < 10 ? 2 : 1)}${beside}`;
    });
    return [name, ...cells];
  });
  const cells = [[title, ...all.map(({ name }) => name)], ...lines];
  const widths = cells[0]?.map((_cell, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of cells) console.log(line.map((text, n) => text.padEnd(widths[n] ?? 0)).join('  '));
  console.log('');
}

/** Median of the ratios of the same rounds. */
export function ratio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, n) => value / (b[n] ?? NaN)));
}

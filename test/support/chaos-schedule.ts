import { randomFrom } from './e2e-traffic.ts';

/** What can be killed or stopped. */
export const PARTS = [
  'propose-1',
  'propose-2',
  'review-1',
  'review-2',
  'gate-1',
  'gate-2',
  'execute-1',
  'execute-2',
] as const;
export type PartName = (typeof PARTS)[number];
export const PROCESSES = [...PARTS, 'agent-1', 'agent-2', 'temporal', 'postgres'] as const;
export type ProcessName = (typeof PROCESSES)[number];

/** `forMs`: how long it lasts. */
export type Fault =
  | { readonly kind: 'kill'; readonly process: ProcessName }
  | { readonly kind: 'stop'; readonly process: ProcessName; readonly forMs: number }
  | { readonly kind: 'cut'; readonly part: PartName; readonly from: 'postgres' | 'temporal' }
  | { readonly kind: 'hold'; readonly part: PartName; readonly from: 'postgres' | 'temporal'; readonly forMs: number }
  /** The data directory of PostgreSQL, or of one execute worker. */
  | { readonly kind: 'full'; readonly disk: 'postgres' | 'execute-1'; readonly forMs: number }
  /** The clock of the part that has one of its own. */
  | { readonly kind: 'clock'; readonly byMs: number };

export type ScheduledFault = Fault & { readonly atMs: number };

/** The same for the same seed, whatever the machine. */
export interface Schedule {
  readonly clockOf: PartName;
  readonly faults: readonly ScheduledFault[];
}

/** How often each kind comes, out of 100. */
const SHARES: readonly (readonly [Fault['kind'], number])[] = [
  ['kill', 80],
  ['stop', 8],
  ['cut', 5],
  ['hold', 3],
  ['clock', 3],
  ['full', 1],
];

/** @param perMinute faults, on average */
export function scheduleFaults(seed: number, minutes: number, perMinute: number): Schedule {
  const random = randomFrom(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const ms = (from: number, to: number) => Math.round(from + random() * (to - from));
  const clockOf = one(PARTS);
  const faults: ScheduledFault[] = [];
  const meanMs = 60_000 / perMinute;
  for (let atMs = meanMs; atMs < minutes * 60_000; atMs += ms(0, 2 * meanMs)) faults.push({ atMs, ...anyFault() });
  return { clockOf, faults };

  function anyFault(): Fault {
    let dice = random() * 100;
    const [kind] = SHARES.find(([, share]) => (dice -= share) < 0) ?? ['kill'];
    switch (kind) {
      case 'kill':
        // The agents die most often, and what everything stands on most rarely.
        return { kind, process: random() < 0.35 ? one(['agent-1', 'agent-2'] as const) : one(killable()) };
      case 'stop':
        return { kind, process: one(PROCESSES), forMs: ms(500, 12_000) };
      case 'cut':
        return { kind, part: one(PARTS), from: one(['postgres', 'temporal'] as const) };
      case 'hold':
        return { kind, part: one(PARTS), from: one(['postgres', 'temporal'] as const), forMs: ms(500, 15_000) };
      case 'full':
        return { kind, disk: one(['postgres', 'execute-1'] as const), forMs: ms(1_000, 5_000) };
      case 'clock':
        return { kind, byMs: one([0, ms(-90_000, 90_000)]) };
      default:
        return kind satisfies never;
    }
  }

  function killable(): readonly ProcessName[] {
    return [...PARTS, ...PARTS, 'temporal', 'postgres'];
  }
}

import type { ServiceContext } from './context.ts';

/** Rows that are read at once: few enough for other requests to come in between. */
export const PIECE = 200;

/** On whose account, and for how long, many rows are read. */
export interface Scan {
  /** Aborted when the caller is gone or the process shuts down. */
  readonly signal: AbortSignal;
  /** Counts rows that were read for the caller. Throws `rate_limited`, or waits, as the route has it. */
  charge(rows: number): Promise<void>;
}

/** Longest rest, in ms. */
const MOST_REST = 100;

/**
 * The pieces of all scans of this process, one after the other, with a rest after each that is as long as it took. However
 * many exports and streams are open, they leave half of the time, of the process and of its database, to everybody else.
 */
export class ScanLane {
  #free: Promise<void> = Promise.resolve();

  /** Undefined: the caller was gone when its turn came. */
  async run<T>(signal: AbortSignal, piece: () => Promise<T>): Promise<T | undefined> {
    const turn = this.#free;
    let leave = (): void => undefined;
    this.#free = new Promise((resolve) => (leave = resolve));
    await turn;
    const from = performance.now();
    try {
      return signal.aborted ? undefined : await piece();
    } finally {
      // Also what lets a closed connection be noticed: an embedded database answers without a turn of the event loop.
      setTimeout(leave, Math.min(MOST_REST, performance.now() - from));
    }
  }
}

/** The next piece, when its turn has come and it is paid for. Undefined: the caller is gone. */
export async function readPiece<T>(
  { scans }: Pick<ServiceContext, 'scans'>,
  scan: Scan,
  read: () => Promise<readonly T[]>,
): Promise<readonly T[] | undefined> {
  const rows = await scans.run(scan.signal, read);
  if (rows !== undefined) await scan.charge(rows.length);
  return rows;
}

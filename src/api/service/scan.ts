import { setTimeout as pause } from 'node:timers/promises';
import { LONG_CALL } from '../../contract/constants.ts';

/** Rows that are read at once: few enough for other requests to come in between. */
export const PIECE = 100;

/** On whose account, and for how long, many rows are read. */
export interface Scan {
  /** Scans of one owner take one turn between them. */
  readonly owner: string;
  /** Aborted when the caller is gone or the process shuts down. */
  readonly signal: AbortSignal;
  /** Counts rows that were read for the caller. Throws `rate_limited`, or waits, as the route has it. */
  charge(rows: number): Promise<void>;
}

/** How much longer than a piece the rest after it is (what was read has to be written out as well), and at most, in ms. */
const REST = 2;
const MOST_REST = 100;

/**
 * Turns that are taken one after the other, with a rest after each: the pieces of all scans of this process, or its long
 * bodies. A rest is twice as long as the turn took. However many exports and streams are open, they leave most of the time, of the process and of its database, to others.
 */
export class Lane {
  /** Turns that are waited for, by owner; owners in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isTaken = false;

  /** `owner`: whose turn it takes. */
  async run<T>(owner: string, piece: () => Promise<T>): Promise<T> {
    const end = await this.take(owner);
    try {
      return await piece();
    } finally {
      end();
    }
  }

  /** Resolves when it is the owner's turn, with how to end it; calling that again does nothing. */
  async take(owner: string): Promise<() => void> {
    if (this.#isTaken) {
      await new Promise<void>((go) => this.#waiting.set(owner, [...(this.#waiting.get(owner) ?? []), go]));
    }
    this.#isTaken = true;
    const from = performance.now();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      // Also what lets a closed connection be noticed: an embedded database answers without a turn of the event loop.
      setTimeout(() => this.#next(), Math.min(MOST_REST, REST * (performance.now() - from)));
    };
  }

  #next(): void {
    const [first] = this.#waiting;
    this.#isTaken = first !== undefined;
    if (first === undefined) return;
    const [owner, [go, ...others]] = first;
    // A caller with more to read goes to the end of the line.
    this.#waiting.delete(owner);
    if (others.length > 0) this.#waiting.set(owner, others);
    go?.();
  }
}

/** After a stage of a long call, `size` bytes or characters: others in this process first. */
export async function pauseIfLong(size: number): Promise<void> {
  if (size > LONG_CALL.bytes) await pause(LONG_CALL.pauseMs);
}

/** The next piece, when its turn has come and it is paid for: its rows, or `cost` of them. Undefined: the caller is gone. */
export async function readPiece<T>(
  { scans }: { readonly scans: Lane },
  scan: Scan,
  read: () => Promise<readonly T[]>,
  cost = 0,
): Promise<readonly T[] | undefined> {
  const rows = await scans.run(scan.owner, async () => (scan.signal.aborted ? undefined : read()));
  if (rows !== undefined) await scan.charge(Math.max(rows.length, cost));
  return rows;
}

import { ProblemError } from '../problem.ts';

/** Bounds the streams, exports and searches that one principal, and all together, may hold open in this process. */
export class StreamSlots {
  readonly #perPrincipal: number;
  readonly #total: number;
  readonly #counts = new Map<string, number>();
  #open = 0;

  constructor(perPrincipal: number, total: number) {
    this.#perPrincipal = perPrincipal;
    this.#total = total;
  }

  get open(): number {
    return this.#open;
  }

  /** Returns how to give the slot back. Throws `rate_limited`. */
  take(key: string): () => void {
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#perPrincipal || this.#open >= this.#total) {
      throw new ProblemError('rate_limited', { detail: 'Too many open streams, exports and searches.' });
    }
    this.#counts.set(key, count + 1);
    this.#open += 1;
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
      this.#open -= 1;
    };
  }
}

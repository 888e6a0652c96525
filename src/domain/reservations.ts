/** Counts, by key, what is on its way to the store and not in it yet. */
export class Reservations {
  readonly #counts = new Map<string, number>();

  /** Counts one more; returns how many there are now and how to give it back. */
  take(key: string): { readonly count: number; readonly release: () => void } {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    let held = true;
    return {
      count,
      release: () => {
        if (!held) return;
        held = false;
        const left = (this.#counts.get(key) ?? 1) - 1;
        if (left === 0) this.#counts.delete(key);
        else this.#counts.set(key, left);
      },
    };
  }
}

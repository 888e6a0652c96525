import type { Response } from 'express';

/** Gives every request a signal that is aborted when its caller is gone or the process shuts down. */
export class HeldRequests {
  readonly #open = new Set<AbortController>();
  readonly #shutdown: AbortSignal;

  constructor(shutdown: AbortSignal) {
    this.#shutdown = shutdown;
    shutdown.addEventListener('abort', () => {
      for (const controller of this.#open) controller.abort();
    });
  }

  signalFor(res: Response): AbortSignal {
    // A caller that is gone already closes nothing more.
    if (res.closed) return AbortSignal.abort();
    const controller = new AbortController();
    if (this.#shutdown.aborted) controller.abort();
    this.#open.add(controller);
    res.once('close', () => {
      this.#open.delete(controller);
      controller.abort();
    });
    return controller.signal;
  }
}

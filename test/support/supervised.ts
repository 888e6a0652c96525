import { setTimeout as sleep } from 'node:timers/promises';

/** A process that is started again whenever it ends, as a service manager does. */
export interface Supervised {
  /** False where there is no process just now. */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean;
  /** Of the present process; undefined where there is none. */
  pid(): number | undefined;
  /** Starts it no more; resolves when it has ended. */
  stop(): Promise<void>;
}

export interface Process {
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
}

const PAUSE_MS = 200;

export function supervise(start: () => Promise<Process> | Process, isDone: () => boolean = () => false): Supervised {
  const over = new AbortController();
  let pid: number | undefined;
  const signal: Supervised['signal'] = (name) => {
    try {
      return pid !== undefined && process.kill(pid, name);
    } catch {
      return false;
    }
  };
  const loop = (async () => {
    while (!over.signal.aborted && !isDone()) {
      const started = await Promise.resolve()
        .then(start)
        .catch(() => undefined);
      pid = started?.pid;
      if (over.signal.aborted) signal('SIGKILL');
      await started?.ended;
      pid = undefined;
      await sleep(PAUSE_MS);
    }
  })();
  return {
    signal,
    pid: () => pid,
    stop: async () => {
      over.abort();
      signal('SIGKILL');
      await loop;
    },
  };
}

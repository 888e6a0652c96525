import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './processes.ts';
import { startTemporalServer, type TemporalServer, type TemporalServerOptions } from './temporal-server.ts';

const LOOK_EVERY_MS = 1_000;
/** Long enough for a server that ends at once not to be started in a circle, and for callers to learn of it (503). */
const RESTART_AFTER_MS = 15_000;

/** Starts the embedded server and starts it again when it ends by itself; connections and workers find it again. */
export async function superviseTemporal(options: TemporalServerOptions): Promise<TemporalServer> {
  let server = await startTemporalServer(options);
  const first = server;
  const controller = new AbortController();
  const { signal } = controller;
  const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
  const watch = async () => {
    while (!signal.aborted) {
      await pause(LOOK_EVERY_MS);
      if (signal.aborted || isAlive(server.pid)) continue;
      options.say(
        `Temporal: the server (process ${server.pid}) has ended; it is started again in ${RESTART_AFTER_MS / 1000} s. ` +
          `Its log is ${options.logFile ?? 'not kept'}.`,
      );
      await pause(RESTART_AFTER_MS);
      if (signal.aborted) return;
      try {
        server = await startTemporalServer(options);
        options.say('Temporal: running again');
      } catch (error) {
        options.say(`Temporal: ${error instanceof Error ? error.message : 'it cannot be started'}`);
      }
    }
  };
  const watching = watch();
  return {
    ...first,
    stop: async () => {
      controller.abort();
      await watching;
      await server.stop();
    },
  };
}

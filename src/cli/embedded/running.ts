import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const runningSchema = z.strictObject({ url: z.url(), configFile: z.string(), keysDir: z.string() });
/** Where a Holdpoint that runs whole in one process is, and with what: absolute paths. */
export type Running = z.infer<typeof runningSchema>;

/** Writes `embedded.json` into the data directory, readable for its owner alone. Returns how to take it away again. */
export function noteRunning(dataDir: string, running: Running): () => void {
  const path = pathIn(dataDir);
  writeFileSync(`${path}.new`, `${JSON.stringify(running)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return () => rmSync(path, { force: true });
}

/** Undefined: nothing of ours runs there, or this user may not know. */
export function readRunning(dataDir: string): Running | undefined {
  try {
    return runningSchema.safeParse(JSON.parse(readFileSync(pathIn(dataDir), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'embedded.json');
}

/** In the fragment: it reaches no server and no log, and only a script can redeem it, by POST. */
export function signInUrl(url: string, token: string): string {
  return `${url}/#token=${token}`;
}

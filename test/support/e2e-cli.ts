import { spawn } from 'node:child_process';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import type { PersonId } from './e2e-deployment.ts';
import type { World } from './e2e-world.ts';

/** What a command of `holdpoint` printed with `--json`, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly json: Record<string, unknown>;
  readonly output: string;
}

/** Runs `holdpoint …` in a process of its own, as somebody who has the trust file and a token. */
export async function runCli(world: World, as: PersonId, args: readonly string[]): Promise<Ran> {
  const { dataDir, url } = world.holdpoint;
  const child = spawn(process.execPath, [packageFile('dist', 'cli', 'main.js'), ...args, '--json'], {
    cwd: world.deployment.directory,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOLDPOINT_URL: url,
      HOLDPOINT_TOKEN: world.deployment.credentials[as],
      HOLDPOINT_KEYS_DIR: `${dataDir}/keys`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, json: parse(stdout), output: stdout + stderr };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

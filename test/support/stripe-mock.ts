import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir, isExecutable, type Environment } from '../../src/cli/embedded/cache.ts';
import { lockFile } from '../../src/cli/embedded/file-lock.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';
import { freePort } from './ports.ts';

const VERSION = '0.203.0';
const BUILD_TIMEOUT_MS = 10 * 60_000;

export interface StripeMock {
  readonly baseUrl: string;
  stop(): Promise<void>;
}

/**
 * Stripe's own mock of its API on a free port of loopback. It checks every request against Stripe's OpenAPI
 * description. Taken from `STRIPE_MOCK`, the cache, or built with Go. Throws where there is none: a test that needs it
 * must not pass without it.
 */
export async function startStripeMock(): Promise<StripeMock> {
  const binary = await findStripeMock(process.env);
  const port = await freePort();
  const child = spawn(binary, ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries > 100 || child.exitCode !== null) throw new Error('stripe-mock does not start');
    await sleep(100);
  }
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function findStripeMock(env: Environment): Promise<string> {
  const given = env['STRIPE_MOCK'];
  if (given !== undefined && isExecutable(given)) return given;
  const directory = cacheDir(env, 'stripe-mock', VERSION);
  const cached = join(directory, 'stripe-mock');
  if (isExecutable(cached)) return cached;
  const lock = await lockFile(`${directory}.lock`, `process ${process.pid}`, () => undefined);
  try {
    if (!isExecutable(cached)) await build(cached, env);
    return cached;
  } finally {
    lock.release();
  }
}

async function build(target: string, env: Environment): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const incoming = mkdtempSync(`${target}.incoming-`);
  try {
    const module = `github.com/stripe/stripe-mock@v${VERSION}`;
    const result = await runCommand('go', ['install', module], {
      timeoutMs: BUILD_TIMEOUT_MS,
      env: { ...env, GOBIN: incoming },
    });
    if (!result.ok) throw new Error(`stripe-mock cannot be built with Go: ${result.why}`);
    renameSync(join(incoming, 'stripe-mock'), target);
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

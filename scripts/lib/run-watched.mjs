import { spawn, spawnSync } from 'node:child_process';

const ENDING = ['SIGINT', 'SIGTERM'];

/**
 * Runs a command and passes on what it prints. If it prints nothing for `silenceMs`, it is ended with all that it
 * started, after a list of what was still running.
 *
 * @returns {Promise<number | undefined>} its exit code; undefined if it was silent for too long
 */
export function runWatched(command, args, silenceMs) {
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  // A process group of its own, so that what it started ends with it.
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...color },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} could not be started`);
  const signalAll = (signal) => process.kill(-pid, signal);
  for (const signal of ENDING) process.on(signal, signalAll);
  // What is left of it must not keep its output open.
  child.once('exit', () => {
    try {
      signalAll('SIGKILL');
    } catch {
      // Nothing is left.
    }
  });

  let silent = false;
  let timer;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      silent = true;
      console.log(`\n${command} printed nothing for ${silenceMs / 60_000} minutes, so it is ended. Still running:`);
      spawnSync('ps', ['-e', '--forest', '-o', 'pid,ppid,stat,etimes,pcpu,wchan:24,args'], { stdio: 'inherit' });
      signalAll('SIGKILL');
    }, silenceMs);
  };
  watch();
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (chunk) => {
      process[name].write(chunk);
      watch();
    });
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer);
      for (const signal of ENDING) process.off(signal, signalAll);
      resolve(silent ? undefined : (code ?? 1));
    });
  });
}

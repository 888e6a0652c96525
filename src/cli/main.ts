#!/usr/bin/env node
import { run } from './commands/run.ts';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const args = process.argv.slice(2);
const stop = new AbortController();
// Servers have their own ordered shutdown; commands that wait end at once.
if (!args.some((arg) => ['dev', 'api', 'worker'].includes(arg))) {
  process.once('SIGINT', () => {
    process.exitCode = 130;
    stop.abort(new Error('interrupted'));
    // What does not listen to the signal is ended all the same.
    setTimeout(() => process.exit(130), 500).unref();
  });
}
const code = await run(
  args,
  {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
  },
  stop.signal,
);
process.exitCode ??= code;
// A start that failed half-way may leave a handle open (a native thread, a database); what was to be closed is closed.
process.stdout.write('', () => process.exit());

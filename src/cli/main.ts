#!/usr/bin/env node
import { run } from './commands/run.ts';

// A reader that closes the pipe (`| head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const args = process.argv.slice(2);
const stop = new AbortController();
// Servers have their own ordered shutdown; other commands end at once.
if (!args.some((arg) => ['dev', 'api', 'worker'].includes(arg))) {
  process.once('SIGINT', () => {
    process.exitCode = 130;
    stop.abort(new Error('interrupted'));
    // Ends what does not listen to the signal.
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
// A start that failed midway may leave a handle open (a native thread, a database).
process.stdout.write('', () => process.exit());

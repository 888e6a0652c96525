import { runCommand } from '../../../src/cli/embedded/processes.ts';
import { packageFile } from '../../../src/cli/embedded/cache.ts';

/** What is started as a process is started from `dist`, as a user would. */
export default async function setup(): Promise<void> {
  const result = await runCommand(process.execPath, [packageFile('scripts', 'build.mjs')], { timeoutMs: 300_000 });
  if (!result.ok) throw new Error(`The build failed:\n${result.output}`);
}

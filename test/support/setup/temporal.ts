import { findTemporalCli } from '../../../src/cli/embedded/temporal-cli.ts';

/** Gets a Temporal server before the first test, so that building one counts against no test's time. */
export default async function setup(): Promise<void> {
  await findTemporalCli(process.env, (line) => process.stderr.write(`${line}\n`));
}

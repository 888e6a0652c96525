import { durationMs, durationSchema } from '../../../contract/policy.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { confirm } from '../../ui/prompt.ts';
import type { GlobalOptions } from '../action.ts';
import { withDatabase } from './sources.ts';

export interface EraseOptions extends GlobalOptions {
  readonly olderThan: string;
  readonly database?: string;
  readonly yes?: boolean;
}

/**
 * `holdpoint audit erase`: arguments, results and everybody's words go from reviews that ended long ago and have nothing
 * left to happen. The log only ever had digests of them, so it stays as it is and verifies.
 */
export async function erase(io: Io, options: EraseOptions): Promise<void> {
  const endedBefore = new Date(io.now() - spanOf(options.olderThan)).toISOString();
  if (options.yes !== true) {
    const question = `Erase what was said in reviews that ended before ${endedBefore}? It cannot be brought back.`;
    await confirm(io, question, 'Pass --yes.');
  }
  const erased = await withDatabase(io, options.database, (store) => store.erase(endedBefore));
  io.data({ erased, endedBefore });
  io.print(`erased ${erased} ${erased === 1 ? 'review' : 'reviews'} that ended before ${endedBefore}`);
}

function spanOf(text: string): number {
  if (durationSchema.safeParse(text).success) return durationMs(text);
  throw new CliError('usage', 'invalid_duration', '--older-than must be a duration such as 90d or 24h.');
}

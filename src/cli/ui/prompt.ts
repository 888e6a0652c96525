import * as clack from '@clack/prompts';
import { CliError } from './exit.ts';
import type { Io } from './io.ts';

/**
 * Asks for a yes; anything else ends the command, and so does a terminal that cannot prompt. `otherwise`: what to do
 * there.
 */
export async function confirm(
  io: Io,
  question: string,
  otherwise = 'Pass --digest with the digest that was reviewed, or --yes to accept the call as it is now.',
): Promise<void> {
  if (!io.interactive)
    throw new CliError(
      'usage',
      'not_interactive',
      'This command asks before it acts, and there is no terminal to ask on.',
      otherwise,
    );
  const answer = await clack.confirm({ message: question, initialValue: false });
  if (answer !== true) throw new CliError('failed', 'cancelled', 'Nothing was done.');
}

/** One of several answers. */
export async function select<T extends string>(
  io: Io,
  question: string,
  options: readonly { readonly value: T; readonly label: string }[],
): Promise<T> {
  if (!io.interactive)
    throw new CliError('usage', 'not_interactive', 'This command asks a question, and there is no terminal to ask on.');
  const answer = await clack.select<string>({ message: question, options: [...options] });
  const chosen = options.find((option) => option.value === answer);
  if (chosen === undefined) throw new CliError('failed', 'cancelled', 'Nothing was done.');
  return chosen.value;
}

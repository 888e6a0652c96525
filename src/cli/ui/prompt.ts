import * as clack from '@clack/prompts';
import { CliError } from './exit.ts';
import type { Io } from './io.ts';
import { defined } from '../../contract/defined.ts';

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

export async function askYesNo(question: string, initial: boolean): Promise<boolean> {
  return answered(await clack.confirm({ message: question, initialValue: initial }));
}

/** One line. `refuse` says what is wrong with an answer. */
export async function askText(
  question: string,
  options: {
    readonly initial?: string | undefined;
    readonly placeholder?: string;
    readonly refuse?: (answer: string) => string | undefined;
  } = {},
): Promise<string> {
  const { initial, placeholder, refuse } = options;
  const validate = (answer: string | undefined): string | undefined => {
    const text = (answer ?? '').trim();
    return text === '' ? 'An answer is needed' : refuse?.(text);
  };
  const shown = defined({ initialValue: initial, placeholder });
  return answered(await clack.text({ message: question, ...shown, validate })).trim();
}

/** Some of several answers; `chosen` are chosen at first. Many can be searched. */
export async function askSome<T extends string>(
  question: string,
  options: readonly { readonly value: T; readonly label: string; readonly hint?: string }[],
  chosen: readonly T[] = [],
): Promise<readonly T[]> {
  const prompt = { message: question, initialValues: [...chosen] as string[], options: [...options], required: false };
  const many = options.length > 12;
  const answer = answered(
    await (many
      ? clack.autocompleteMultiselect<string>({ ...prompt, maxItems: 12 })
      : clack.multiselect<string>(prompt)),
  );
  return options.filter(({ value }) => answer.includes(value)).map(({ value }) => value);
}

/** Clack answers with a symbol to Ctrl-C. */
function answered<T>(answer: T): Exclude<T, symbol> {
  if (typeof answer === 'symbol') throw new CliError('failed', 'cancelled', 'Nothing was done.');
  return answer as Exclude<T, symbol>;
}

/** One of several answers. */
export async function select<T extends string>(
  io: Io,
  question: string,
  options: readonly { readonly value: T; readonly label: string }[],
): Promise<T> {
  if (!io.interactive)
    throw new CliError('usage', 'not_interactive', 'This command asks a question, and there is no terminal to ask on.');
  return answered(await clack.select<string>({ message: question, options: [...options] })) as T;
}

import type { Command, CommanderError } from 'commander';
import { findNearest } from '../../domain/files/nearest.ts';
import { capitalize } from '../../domain/lifecycle.ts';
import type { ErrorReport } from './explain-error.ts';

/** What is wrong with a command line, and the way out. */
export function explainUsage(
  program: Command,
  args: readonly string[],
  { code, message }: CommanderError,
): ErrorReport {
  const [command, unknown] = findUnknown(program, args);
  const path = pathOf(command);
  const help = `\`${path} --help\` lists what there is.`;
  const usage = (words: string, hint = help): ErrorReport => ({ exit: 'usage', code: 'usage', message: words, hint });
  if (code === 'commander.help') return usage(`${path}: the command is missing.`);
  // A group with a command of its own, or one that is its default, takes any other word for an argument of that.
  if (unknown !== undefined && (code === 'commander.unknownCommand' || code === 'commander.excessArguments')) {
    const meant = suggest(command, unknown);
    return usage(
      `Unknown command "${unknown}" of ${path}.`,
      meant === undefined ? `Commands: ${namesOf(command).join(', ')}.` : `Did you mean \`${meant}\`?`,
    );
  }
  const [what = message, meant] = message.replace(/^error: /, '').split(/\n\(Did you mean (?:one of )?/);
  const words = capitalize(what);
  return usage(words.endsWith('.') ? words : `${words}.`, meant && `Did you mean \`${meant.replace(/\?\)$/, '')}\`?`);
}

/** The command that the line leads to, and the word behind it that is none of its commands. */
function findUnknown(program: Command, args: readonly string[]): readonly [Command, string | undefined] {
  let command = program;
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word.startsWith('-')) {
      const takesValue = command.options
        .concat(program.options)
        .some(({ short, long, required }) => required && (word === short || word === long));
      if (takesValue) at += 1;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) return [command, command.commands.length === 0 ? undefined : word];
    command = next;
  }
  return [command, undefined];
}

/** A command of the same group, else one of any other group with its path. */
function suggest(command: Command, word: string): string | undefined {
  const near = findNearest(word, namesOf(command));
  if (near !== undefined) return near;
  const elsewhere = (command.parent ?? command).commands.flatMap((group) =>
    namesOf(group).map((name) => [name, `${group.name()} ${name}`] as const),
  );
  const name = findNearest(
    word,
    elsewhere.map(([one]) => one),
  );
  return elsewhere.find(([one]) => one === name)?.[1];
}

function namesOf(command: Command): readonly string[] {
  return command.commands.map((one) => one.name());
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

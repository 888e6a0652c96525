import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { EXIT, EXIT_WORDS, type ExitName } from '../ui/exit.ts';
import type { CliContext } from './action.ts';
import { registerAudit } from './audit/index.ts';
import { registerDemo } from './demo/index.ts';
import { registerDoctor } from './doctor/index.ts';
import { registerExecute } from './execute.ts';
import { registerMcp } from './mcp/index.ts';
import { registerKeys } from './keys/index.ts';
import { registerPolicy } from './policy/index.ts';
import { registerRecovery } from './recovery/index.ts';
import { registerReview } from './review/index.ts';
import { registerServe } from './serve.ts';

/** The whole command line. Commands import what is heavy when they run, so that the others start fast. */
export function createProgram(context: CliContext): Command {
  const { stdout, stderr } = context.streams;
  const program = new Command('holdpoint')
    .description('Holds irreversible calls until a human says yes.')
    .version(readVersion(), '--version')
    .option('--json', 'machine output: nothing but JSON on standard output')
    .option('--url <url>', 'where Holdpoint is; default: HOLDPOINT_URL, else the demo here')
    .option('--token <token>', 'key or token, or @FILE; default: HOLDPOINT_TOKEN, else the demo’s')
    .option('--as <id>', 'act as this agent or reviewer of the demo')
    .addHelpText('after', helpAfter())
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .showSuggestionAfterError();
  registerServe(program, context);
  registerExecute(program, context);
  registerReview(program, context);
  registerPolicy(program, context);
  registerAudit(program, context);
  registerKeys(program, context);
  registerMcp(program, context);
  registerRecovery(program, context);
  registerDoctor(program, context);
  registerDemo(program, context);
  return program;
}

function helpAfter(): string {
  const lines = (Object.keys(EXIT) as ExitName[]).map((name) => `  ${EXIT[name]}  ${EXIT_WORDS[name]}`);
  return `\nExit codes:\n${lines.join('\n')}\n\nEnvironment: HOLDPOINT_URL, HOLDPOINT_TOKEN, HOLDPOINT_DATA_DIR (.holdpoint), HOLDPOINT_CONFIG (holdpoint.yaml), NO_COLOR`;
}

function readVersion(): string {
  // Two folders up from src/cli/commands and from dist/cli/commands alike.
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return version;
}

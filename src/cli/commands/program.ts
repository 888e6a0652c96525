import { Command, Option } from 'commander';
import { urgencySchema } from '../../contract/call.ts';
import { KEY_ROLES } from '../../contract/envelope.ts';
import { readVersion } from '../embedded/cache.ts';
import { EXIT, EXIT_WORDS, type ExitName } from '../ui/exit.ts';
import type { Streams } from '../ui/io.ts';
import { runOn, type Run } from './action.ts';
import { registerParts } from './parts.ts';
import { registerReview } from './review/index.ts';

/** The whole command line. `signal`: aborted by Ctrl-C. */
export function createProgram({
  streams,
  signal,
}: {
  readonly streams: Streams;
  readonly signal: AbortSignal;
}): Command {
  const { stdout, stderr } = streams;
  const run = runOn(streams, signal);
  const program = new Command('holdpoint')
    .description('Holds irreversible calls until a human says yes.')
    .version(readVersion(), '--version')
    .option('--json', 'print only JSON on standard output')
    .option('--url <url>', 'URL of Holdpoint; default: HOLDPOINT_URL, else the one that runs here')
    .option('--token <token>', 'key or token, or @FILE; default: HOLDPOINT_TOKEN, else the demo’s')
    .option('--as <id>', 'act as this agent or reviewer of the demo')
    .addHelpText('after', helpAfter())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // `run` tells of them.
      outputError: () => undefined,
    })
    .showSuggestionAfterError();
  registerInit(program, run);
  registerParts(program, run);
  registerExecute(program, run);
  registerReview(program, run);
  registerDrill(program, run);
  registerFreeze(program, run);
  registerPolicy(program, run);
  registerAudit(program, run);
  registerKeys(program, run);
  registerMcp(program, run);
  program
    .command('demo')
    .description('take a tour of the running demo (`npm start` in another terminal): approve, reject, expire, forge')
    .option('--auto', 'approve automatically; by default the tour asks, or waits for another terminal')
    .action(run(async () => (await import('./demo/run.ts')).runDemo));
  return program;
}

function helpAfter(): string {
  const lines = (Object.keys(EXIT) as ExitName[]).map((name) => `  ${EXIT[name]}  ${EXIT_WORDS[name]}`);
  return `\nExit codes:\n${lines.join('\n')}\n\nEnvironment: HOLDPOINT_URL, HOLDPOINT_TOKEN, HOLDPOINT_DATA_DIR (.holdpoint), HOLDPOINT_CONFIG (holdpoint.yaml), NO_COLOR`;
}

function registerInit(program: Command, run: Run): void {
  const collect = (value: string, all: readonly string[] | undefined): readonly string[] => [...(all ?? []), value];
  program
    .command('init')
    .description('write holdpoint.yaml, policy.yaml and .env.example; asks at a terminal, unless options answer')
    .option('--agent <id>', 'an agent or service that proposes calls; repeatable', collect)
    .option('--reviewer <id=groups>', 'a person who decides, e.g. alice=ops,finance; repeatable', collect)
    .option('--openapi <[name=]place>', 'tools of an HTTP service: URL or file of its OpenAPI 3 description', collect)
    .option('--base-url <url>', 'where that service is; default: the first server of the description')
    .option('--operations <list>', 'only these operation ids or paths; a * at the end stands for the rest')
    .option('--mcp <name=place>', 'tools of an MCP server: its URL, or the command that starts it', collect)
    .option('--http <name=url>', 'an HTTP service without a description; you write its tools', collect)
    .option('--include <list>', 'built-in tools: github, stripe, postgres')
    .option('--deployment <id>', 'name of this deployment; default: the directory’s')
    .option('--force', 'replace the three files if they exist')
    .action(run(async () => (await import('./init.ts')).init));
}

function registerExecute(program: Command, run: Run): void {
  program
    .command('execute')
    .alias('propose')
    .description('propose one call as an agent; it runs, waits for a decision, or is blocked')
    .argument('<tool>', 'full name, e.g. postgres.execute')
    .option('-a, --arguments <json>', 'JSON, @FILE, or - for standard input', '{}')
    .option('--service <name>', 'default: the part of the tool name before the first dot')
    .option('--reason <text>', 'why; shown to reviewers as the agent’s own words')
    .addOption(urgencyOption())
    .option('--context <json>', 'facts for rules: JSON or @FILE')
    .option('--thread <id>', 'thread of the conversation')
    .option('--group <id>', 'group it with other reviews')
    .option('--idempotency-key <key>', 'the same key and call give the same review')
    .option('--wait [duration]', 'wait until it is final, e.g. 10m; without a duration, as long as it takes')
    .action(run(async () => (await import('./execute.ts')).execute));
}

function registerDrill(program: Command, run: Run): void {
  const drill = program
    .command('drill')
    .description('test whether the people of a group answer; nothing can run from it');
  drill
    .command('start', { isDefault: true })
    .description('ask everyone in a group to answer, through every channel; once an hour for each group')
    .argument('<group>')
    .option('--ttl <duration>', 'time to answer; default 15m, at most 4h')
    .option('--wait [duration]', 'wait for the answers, then report; without a duration, until the drill ends')
    .action(run(async () => (await import('./drill.ts')).startDrill));
  drill
    .command('report')
    .description('who was told of a drill, by which channel, and who answered')
    .argument('<id>')
    .action(run(async () => (await import('./drill.ts')).reportDrill));
}

function registerFreeze(program: Command, run: Run): void {
  const freeze = program
    .command('freeze')
    .description('stop tools at once: new calls are blocked, approved ones wait; for operators');
  freeze
    .command('tools', { isDefault: true })
    .description('freeze tools, now and for every worker')
    .argument('<patterns...>', "tools, or the beginning of their names and *; 'stripe.*', '*'")
    .option('--why <reason>', 'for the log, and for everyone who waits')
    .action(run(async () => (await import('./freeze.ts')).freezeTools));
  freeze
    .command('list')
    .description('what is frozen, by whom, why, and what was lifted')
    .action(run(async () => (await import('./freeze.ts')).listFreezes));
  freeze
    .command('lift')
    .description('lift a freeze; approved calls then run')
    .argument('<id>')
    .option('--why <reason>', 'for the log')
    .action(run(async () => (await import('./freeze.ts')).liftFreeze));
}

function urgencyOption(): Option {
  return new Option('--urgency <level>', 'how urgent it is, as you say').choices(urgencySchema.options);
}

function registerPolicy(program: Command, run: Run): void {
  const policy = program.command('policy').description('check the policy and config files, and explain their effect');
  policy
    .command('check')
    .description('list every problem with its file, line, column and fix')
    .argument('[file]', 'policy file; default: the one that the config names')
    .option('--config <file>', 'config file; default: HOLDPOINT_CONFIG, else holdpoint.yaml')
    .action(run(async () => (await import('./policy.ts')).checkPolicy));
  policy
    .command('explain')
    .description('show how policy would handle a call; runs nothing')
    .argument('<tool>')
    .option('-a, --arguments <json>', 'JSON, @FILE or -', '{}')
    .option('--context <json>', 'facts for rules: JSON or @FILE')
    .addOption(urgencyOption())
    .option('--agent <id>', 'as this agent of the config, with its tools and pinned context')
    .option('--service <name>', 'default: the part of the tool name before the first dot')
    .option('--config <file>', 'config file; default: HOLDPOINT_CONFIG, else holdpoint.yaml')
    .option('--policy <file>', 'policy file; default: the one that the config names')
    .action(run(async () => (await import('./policy.ts')).explainCall));
}

function registerAudit(program: Command, run: Run): void {
  const audit = program.command('audit').description('read and verify the audit log');
  audit
    .command('verify')
    .description('verify one proof offline, or the whole log against its signed checkpoint')
    .option('--url [url]', 'download the log from this URL (the default source)')
    .option(
      '--database [place]',
      'read the log from a PostgreSQL URL or a data directory; default: those configured here',
    )
    .option('--proof <file>', 'verify the proof of one review')
    .option(
      '--not-before <time>',
      'with --proof: require a statement of completeness from this time (ISO 8601) or later',
    )
    .option('--since <checkpoint>', 'a checkpoint kept earlier, which the log must extend')
    .option('--keys <trust>', 'trust file to verify with; default: trust.json of this installation')
    .action(run(async () => (await import('./audit/verify.ts')).verify));
  audit
    .command('entries')
    .description('print entries of the audit log; with --json, one per line')
    .option('--from <index>', 'first index', '0')
    .option('--limit <n>', 'maximum number of entries', '100')
    .action(run(async () => (await import('./audit/read.ts')).printEntries));
  audit
    .command('checkpoint')
    .description('print the latest signed checkpoint; keep it for a later verify --since')
    .option('-o, --output <file>', 'write it to a file')
    .action(run(async () => (await import('./audit/read.ts')).fetchCheckpoint));
  audit
    .command('proof')
    .description('print the portable proof of one review')
    .argument('<id>')
    .option('-o, --output <file>', 'write it to a file')
    .action(run(async () => (await import('./audit/read.ts')).fetchProof));
  audit
    .command('erase')
    .description('erase arguments, results and comments of old reviews; the log still verifies')
    .requiredOption('--older-than <duration>', 'only reviews that ended at least this long ago, e.g. 90d')
    .option('--database <place>', 'a PostgreSQL URL or a data directory; default: the one configured here')
    .option('-y, --yes', 'do not ask')
    .action(run(async () => (await import('./audit/read.ts')).erase));
}

function registerKeys(program: Command, run: Run): void {
  const keys = program.command('keys').description('manage credentials and this deployment’s own keys');
  keys
    .command('create')
    .description('create a credential; prints it once, with the lines for the config file')
    .argument('<kind>', 'agent or reviewer')
    .argument('<id>')
    .option('--groups <list>', 'reviewer: comma-separated groups')
    .option('--auditor', 'reviewer: may read everything and decide nothing')
    .option('--owner <id>', 'agent: the person answerable for it')
    .action(run(async () => (await import('./keys.ts')).createKey));
  keys
    .command('init')
    .description('create missing signing and sealing keys in HOLDPOINT_KEYS_DIR, else in the data directory')
    .option('--deployment <id>', 'name of the deployment, as in the config file; default: a generated one')
    .option(
      '--split <directory>',
      'create api-propose/, api-review/, api/ (both), gate/ and execute/ there, each with only the keys of its part',
    )
    .action(run(async () => (await import('./keys.ts')).initKeys));
  keys
    .command('rotate')
    .description('replace the key of a role; what the old key signed still verifies')
    .argument('<role>', KEY_ROLES.join(', '))
    .action(run(async () => (await import('./keys.ts')).rotate));
  keys
    .command('show')
    .description('print the public keys of this deployment; with --json, the trust file that others verify with')
    .action(run(async () => (await import('./keys.ts')).showKeys));
}

function registerMcp(program: Command, run: Run): void {
  const mcp = program
    .command('mcp')
    .description('run an MCP server on standard input and output that forwards to the api')
    .action(run(async () => (await import('./mcp.ts')).serveStdio));
  mcp
    .command('upstreams')
    .description('list the tools of upstream MCP servers, whether they changed, and the digest to accept in policy')
    .action(run(async () => (await import('./mcp.ts')).listUpstreams));
}

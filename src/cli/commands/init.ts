import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { loadCatalogFiles } from '../../catalog/index.ts';
import { visible } from '../../domain/text/visible.ts';
import { formatProblem } from '../../domain/files/problem.ts';
import { loadSettings } from '../../settings/load-settings.ts';
import { hashKey, newAgentKey, newReviewerToken } from '../../storage/keys/index.ts';
import { answerByFlags, catalogConnector, hasAnswers, type InitFlags } from '../init/answers.ts';
import { interview } from '../init/interview.ts';
import type { Answers, Plan } from '../init/plan.ts';
import { renderConfig, renderEnvironment } from '../init/render-config.ts';
import { renderPolicy } from '../init/render-policy.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { renderTable } from '../ui/table.ts';
import type { GlobalOptions } from './action.ts';

export interface InitOptions extends GlobalOptions, InitFlags {
  readonly force?: boolean;
}

interface Credential {
  readonly kind: 'agent' | 'reviewer';
  readonly id: string;
  readonly secret: string;
}

/** `holdpoint init`: writes the three files of a new deployment, and prints its keys once. */
export async function init(io: Io, options: InitOptions): Promise<void> {
  refuseToOverwrite(io, options);
  const answers = io.interactive && !hasAnswers(options) ? await interview(io) : await answerByFlags(io, options);
  const plan = planOf(answers);
  const credentials: readonly Credential[] = [
    ...plan.agents.map((id) => ({ kind: 'agent' as const, id, secret: newAgentKey() })),
    ...plan.reviewers.map(({ id }) => ({ kind: 'reviewer' as const, id, secret: newReviewerToken() })),
  ];
  const start = startCommand(io);
  const files = {
    'holdpoint.yaml': renderConfig(plan, new Map(credentials.map(({ id, secret }) => [id, hashKey(secret)]))),
    'policy.yaml': renderPolicy(plan),
    '.env.example': renderEnvironment(plan, start),
  };
  refuseFaulty(files, plan.deploymentId);
  for (const [name, text] of Object.entries(files)) {
    // Exclusive: a file that came meanwhile is not overwritten either.
    writeFileSync(join(io.cwd, name), text, { flag: options.force === true ? 'w' : 'wx' });
  }
  const leftOut = answers.proposals.flatMap((proposal) => proposal.leftOut);
  io.data({
    files: Object.keys(files),
    agents: secretsOf(credentials, 'agent').map(({ id, secret }) => ({ id, key: secret })),
    reviewers: secretsOf(credentials, 'reviewer').map(({ id, secret }) => ({ id, token: secret })),
    tools: plan.tools.map(({ definition }) => ({ name: definition.name, class: definition.class })),
    leftOut,
    start,
  });
  io.print(...report(io, plan, credentials, leftOut, start));
}

const FILES = ['holdpoint.yaml', 'policy.yaml', '.env.example'];

function refuseToOverwrite(io: Io, { force }: InitOptions): void {
  const existing = FILES.filter((name) => existsSync(join(io.cwd, name)));
  if (existing.length === 0 || force === true) return;
  throw new CliError(
    'refused',
    'files_exist',
    `${existing.join(', ')} ${existing.length === 1 ? 'exists' : 'exist'} already; nothing was written.`,
    'Run this in another directory, or pass --force to replace all three files. Keys made before are void then.',
  );
}

function planOf({ deploymentId, agents, reviewers, catalogs, proposals }: Answers): Plan {
  const connectors = [...catalogs.map(catalogConnector), ...proposals.map(({ connector }) => connector)];
  const tools = proposals.flatMap((proposal) => proposal.tools);
  for (const [what, names] of [
    ['connectors', connectors.map(({ name }) => name)],
    ['ids', [...agents, ...reviewers.map(({ id }) => id)]],
  ] as const) {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined) continue;
    throw new CliError('usage', 'duplicate', `Two ${what} are called ${twice}.`, 'Give each its own name.');
  }
  return { deploymentId, agents, reviewers, catalogs, connectors, tools };
}

/** The files are read as a start would read them, so that what is written always loads. */
function refuseFaulty(files: Readonly<Record<'holdpoint.yaml' | 'policy.yaml', string>>, deploymentId: string): void {
  const result = loadSettings({
    config: { name: 'holdpoint.yaml', text: files['holdpoint.yaml'] },
    policy: { name: 'policy.yaml', text: files['policy.yaml'] },
    catalogs: loadCatalogFiles(),
    deploymentId,
  });
  const problems = result.ok ? result.warnings : result.problems;
  if (problems.length === 0) return;
  throw new CliError(
    'failed',
    'init_failed',
    `The files would not load, so nothing was written: ${problems.slice(0, 3).map(formatProblem).join('; ')}`,
    'This is a mistake of init. Leave out what it names, for example with --operations, and report it.',
  );
}

function secretsOf(credentials: readonly Credential[], kind: Credential['kind']): readonly Credential[] {
  return credentials.filter((credential) => credential.kind === kind);
}

/** How Holdpoint is started here with the variables of `.env`, which Node reads (`node --env-file`). */
function startCommand({ cwd }: Io): string {
  if (existsSync(join(cwd, 'scripts', 'start.mjs')) && existsSync(join(cwd, 'src', 'cli', 'main.ts')))
    return 'node --env-file=.env scripts/start.mjs';
  const local = join('node_modules', '.bin', 'holdpoint');
  return `node --env-file=.env ${existsSync(join(cwd, local)) ? local : '"$(command -v holdpoint)"'} dev`;
}

function report(
  io: Io,
  { connectors, tools, catalogs }: Plan,
  credentials: readonly Credential[],
  leftOut: readonly { readonly name: string; readonly why: string }[],
  start: string,
): string[] {
  const { bold, dim } = io.colours;
  const rows = credentials.map(({ kind, id, secret }) => [kind, id, secret]);
  return [
    ...(io.interactive ? [''] : []),
    `Wrote ${FILES.join(', ')}`,
    '',
    bold('Keys') + dim(' (shown only now; the files hold their SHA-256)'),
    ...renderTable(io, ['', 'id', 'key or token'], rows, [2]),
    '',
    ...connectors.flatMap(({ name, config }) =>
      'baseUrl' in config ? [`Calls of ${name} go to ${visible(config.baseUrl)}`] : [],
    ),
    ...countTools(tools, catalogs),
    ...(leftOut.length === 0
      ? []
      : ['', 'Left out:', ...leftOut.map(({ name, why }) => `  ${visible(name)}: ${visible(why)}`)]),
    '',
    bold('Next'),
    ...fillIn(
      io,
      connectors.flatMap((connector) => connector.variables.map(({ name }) => name)),
    ),
    `  ${start}`,
    '',
    'Keep .env and .holdpoint/ out of version control.',
  ];
}

function countTools(tools: Plan['tools'], catalogs: Plan['catalogs']): readonly string[] {
  const included = catalogs.length === 0 ? [] : [`policy.yaml includes the built-in tools of ${catalogs.join(', ')}`];
  if (tools.length === 0) {
    return included.length > 0 ? included : ['policy.yaml has no tool yet; it shows how to write one'];
  }
  const held = tools.filter(({ definition }) => definition.class === 'irreversible').length;
  const reads = tools.length - held;
  const parts = [
    ...(reads === 0 ? [] : [`${reads} ${reads === 1 ? 'is a read and runs' : 'are reads and run'} at once`]),
    ...(held === 0
      ? []
      : [
          `${held} ${held === 1 ? 'waits' : 'wait'} for a decision until you have looked at ${held === 1 ? 'it' : 'them'}`,
        ]),
  ];
  return [...included, `policy.yaml has ${tools.length} ${tools.length === 1 ? 'tool' : 'tools'}: ${parts.join(', ')}`];
}

/** What is left to do for the variables, where there may be a `.env` already. */
function fillIn({ cwd }: Io, variables: readonly string[]): readonly string[] {
  const file = join(cwd, '.env');
  if (!existsSync(file)) {
    return [`  cp .env.example .env${variables.length === 0 ? '' : `   # then fill in ${variables.join(', ')}`}`];
  }
  const set = parseEnv(readFileSync(file, 'utf8'));
  const missing = variables.filter((name) => (set[name] ?? '') === '');
  return missing.length === 0 ? [] : [`  # add to .env: ${missing.join(', ')}`];
}

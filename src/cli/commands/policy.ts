import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { loadCatalogFiles } from '../../catalog/index.ts';
import type { Explanation, ExplainRequest } from '../../contract/api.ts';
import type { Urgency } from '../../contract/call.ts';
import type { FileProblem } from '../../domain/files/problem.ts';
import { findAgent, type Settings } from '../../domain/policy/settings.ts';
import { loadSettings, type SettingsResult, type TextFile } from '../../settings/load-settings.ts';
import { pathOf } from '../../domain/files/yaml-source.ts';
import { resolveReference } from '../../storage/keys/index.ts';
import { checkReferences } from '../compose/check-references.ts';
import { renderProblem, type Severity } from '../ui/excerpt.ts';
import { CliError, Exit } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { paintClass } from '../ui/review-view.ts';
import { visible } from '../../domain/text/visible.ts';
import type { GlobalOptions } from './action.ts';
import { connect } from './connect.ts';
import { dataDirOf } from './installation.ts';
import { readJsonObject } from './json-argument.ts';
import { defined } from '../../contract/defined.ts';

export interface CheckOptions extends GlobalOptions {
  readonly config?: string;
}

/** `holdpoint policy check`: every problem of the two files, or a summary of them. */
export async function checkPolicy(io: Io, options: CheckOptions, policy: string | undefined): Promise<void> {
  const files = checkFiles(io, { config: options.config, policy });
  const { result } = files;
  if (!result.ok) {
    io.data({ ok: false, problems: result.problems, warnings: [] });
    io.print(...result.problems.flatMap((problem) => show(io, 'error', problem, files)));
    io.print(`${count(result.problems.length, 'problem')}: Holdpoint would refuse these files`);
    throw new Exit('configInvalid');
  }
  const { settings } = result;
  const { policy: compiled } = settings;
  const warnings = [...result.warnings, ...warnOfReferences(io, files.directory, result)];
  const summary = {
    config: files.config.name,
    policy: files.policy?.name ?? '',
    digest: compiled.digest,
    tools: compiled.tools.size,
    agents: settings.agents.length,
    reviewers: settings.reviewers.length,
  };
  io.data({ ok: true, ...summary, problems: [], warnings });
  io.print(...warnings.flatMap((warning) => show(io, 'warning', warning, files)));
  io.print(
    `${summary.config} and ${summary.policy} are valid: ${count(summary.tools, 'tool')}, ${count(summary.agents, 'agent')}, ` +
      `${count(summary.reviewers, 'reviewer')}${warnings.length > 0 ? `, ${count(warnings.length, 'warning')}` : ''}`,
    `policy digest ${compiled.digest}`,
  );
}

/** Credentials and secrets that a start would ask for. Where each part runs on a machine of its own, it may have them. */
function warnOfReferences(
  io: Io,
  directory: string,
  { settings, source }: Extract<SettingsResult, { ok: true }>,
): readonly FileProblem[] {
  const faults = checkReferences(settings, (reference) => resolveReference(reference, directory, io.env));
  return faults.map(({ reference, kind, message, fix }) =>
    source.problem(pathOf(source, reference) ?? [], kind === 'missing' ? `${message} on this machine` : message, fix),
  );
}

function show(io: Io, severity: Severity, problem: FileProblem, files: CheckedFiles): string[] {
  const lines = renderProblem(io, severity, problem, files.texts.get(problem.file));
  return io.rich ? [...lines, ''] : [oneLine(severity, problem), ...lines.slice(1, -1)];
}

/** Without a terminal: one line that editors and CI understand, with the excerpt below it. */
function oneLine(severity: Severity, { file, line, column, message, fix }: FileProblem): string {
  return visible(`${file}:${line}:${column}: ${severity}: ${message}. ${fix}`);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

export interface ExplainOptions extends GlobalOptions {
  readonly arguments: string;
  readonly context?: string;
  readonly urgency?: Urgency;
  readonly agent?: string;
  readonly service?: string;
  readonly config?: string;
  readonly policy?: string;
}

/** `holdpoint policy explain`: from the local files, or from a running Holdpoint with `--url`. Runs nothing. */
export async function explainCall(io: Io, options: ExplainOptions, tool: string): Promise<void> {
  const { service = tool.split('.')[0] as string, context, urgency } = options;
  const args = await readJsonObject(io, '--arguments', options.arguments);
  const facts = context === undefined ? undefined : await readJsonObject(io, '--context', context);
  const request: ExplainRequest = { service, tool, arguments: args, ...defined({ context: facts, urgency }) };
  const explanation =
    options.url === undefined
      ? await explainFromFiles(io, options, request)
      : await explainOverHttp(io, options, request);
  io.data(explanation);
  io.print(...renderExplanation(io, explanation));
}

function explainOverHttp(io: Io, options: ExplainOptions, request: ExplainRequest): Promise<Explanation> {
  if (options.agent !== undefined) {
    throw new CliError(
      'usage',
      'agent_offline_only',
      '--agent only works on local files; with --url the credential identifies the agent.',
    );
  }
  return connect(io, options, 'reviewer').client.explain(request);
}

async function explainFromFiles(io: Io, options: ExplainOptions, request: ExplainRequest): Promise<Explanation> {
  const { result } = checkFiles(io, { config: options.config, policy: options.policy });
  if (!result.ok) {
    throw new CliError(
      'configInvalid',
      'policy_invalid',
      'The local files are not valid.',
      '`holdpoint policy check` lists the problems.',
    );
  }
  const [{ explain }, { loadSqlParser }] = await Promise.all([
    import('../../api/service/assess.ts'),
    import('../../domain/sql/parser.ts'),
  ]);
  await loadSqlParser();
  const { settings } = result;
  const source = { current: () => settings, problem: () => null };
  return explain({ settings: source }, { kind: 'agent', ...agentFor(settings, options.agent) }, request);
}

/** The named agent, with its pinned context and tools; without a name, an agent that may propose everything. */
function agentFor(settings: Settings, id: string | undefined): { id: string; agent: Settings['agents'][number] } {
  if (id === undefined) return { id: 'anyone', agent: { id: 'anyone' } };
  const agent = findAgent(settings, id);
  if (agent !== undefined) return { id, agent };
  throw new CliError('notFound', 'unknown_agent', `The config has no agent ${visible(id)}.`);
}

function renderExplanation(io: Io, explanation: Explanation): string[] {
  const reasons = explanation.reasonCodes.map(visible).join(', ');
  return [
    `${paintClass(io, explanation.class)}  ${verdictOf(explanation)}`,
    ...(reasons === '' ? [] : [`reasons: ${reasons}`]),
    ...(explanation.reasons ?? []).map(({ message }) => `  ${visible(message)}`),
    ...explanation.levels.map(
      (level, index) =>
        `  ${index + 1}. ${visible(level.name)}: ${level.quorum} of ${level.approvers.map(visible).join(' or ')}`,
    ),
    ...explanation.rules.map((rule) => {
      const why = rule.error ?? rule.reason;
      return `rule ${visible(rule.source)} → ${rule.class}${why === null ? '' : ` (${visible(why)})`}`;
    }),
    ...(explanation.errors ?? []).map(({ pointer, message }) => `  ${visible(pointer) || '/'}: ${visible(message)}`),
  ];
}

function verdictOf({ gate }: Explanation): string {
  switch (gate) {
    case null:
      return 'would be blocked';
    case 'none':
      return 'would run at once';
    case 'soft':
      return 'would run at once, and reviewers would be notified';
    case 'hard':
      return 'would wait for approval by';
  }
}

export interface CheckedFiles {
  readonly result: SettingsResult;
  readonly config: TextFile;
  readonly policy: TextFile | undefined;
  /** Of the config file: references to files are relative to it. */
  readonly directory: string;
  /** Text of every file that a problem may name. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads and checks the two files as a start would. `policy` replaces the one that the config names. */
export function checkFiles(
  io: Io,
  options: { readonly config?: string | undefined; readonly policy?: string | undefined },
): CheckedFiles {
  const configPath = findConfig(io, options.config);
  const config = read(io, configPath);
  // Where the config cannot be read, nothing names a policy, and the config's own problems are reported.
  let policy = options.policy === undefined ? undefined : read(io, mustExist(resolve(io.cwd, options.policy)));
  const readPolicy = (named: string): TextFile => (policy ??= read(io, resolve(dirname(configPath), named)));
  const catalogs = loadCatalogFiles();
  const result = loadSettings({ config, policy: policy ?? readPolicy, catalogs, deploymentId: 'unnamed' });
  const files = [config, ...(policy === undefined ? [] : [policy]), ...catalogs.values()];
  const directory = dirname(configPath);
  return { result, config, policy, directory, texts: new Map(files.map(({ name, text }) => [name, text])) };
}

/** `--config`, `HOLDPOINT_CONFIG`, `holdpoint.yaml`, or the demo's. */
function findConfig(io: Io, given: string | undefined): string {
  const named = io.env.HOLDPOINT_CONFIG || undefined;
  if (given !== undefined) return mustExist(resolve(io.cwd, given));
  if (named !== undefined) return resolve(io.cwd, named);
  const candidates = [join(io.cwd, 'holdpoint.yaml'), join(dataDirOf(io), 'demo-holdpoint.yaml')];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new CliError(
    'configInvalid',
    'config_missing',
    'There is no holdpoint.yaml here.',
    '`holdpoint init` writes one. If it is elsewhere, pass --config or set HOLDPOINT_CONFIG.',
  );
}

/** A missing file of the command line is `notFound`; a missing file that a setting names is `configInvalid`. */
function mustExist(path: string): string {
  if (existsSync(path)) return path;
  throw new CliError('notFound', 'file_missing', `There is no file ${path}.`);
}

function read(io: Io, path: string): TextFile {
  try {
    return { name: shorten(io, path), text: readFileSync(path, 'utf8') };
  } catch {
    throw new CliError(
      'configInvalid',
      'config_missing',
      `${path} cannot be read.`,
      'Check the path and its permissions.',
    );
  }
}

/** Relative, as compilers name files, so that editors find them. */
function shorten(io: Io, path: string): string {
  const short = relative(io.cwd, path);
  return short.startsWith('..') ? path : short;
}

import type { Explanation, ExplainRequest } from '../../../contract/api.ts';
import { findAgent, type Settings } from '../../../domain/policy/settings.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { paintClass } from '../../ui/review-view.ts';
import { visible } from '../../ui/visible.ts';
import type { GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { readJsonObject } from '../json-argument.ts';
import { checkFiles } from './files.ts';

export interface ExplainOptions extends GlobalOptions {
  readonly arguments: string;
  readonly context?: string;
  readonly agent?: string;
  readonly service?: string;
  readonly config?: string;
  readonly policy?: string;
}

/** `holdpoint policy explain`: from the files here, or from a running Holdpoint where `--url` is given. Runs nothing. */
export async function explainCall(io: Io, options: ExplainOptions, tool: string): Promise<void> {
  const request: ExplainRequest = {
    service: options.service ?? (tool.split('.')[0] as string),
    tool,
    arguments: await readJsonObject(io, '--arguments', options.arguments),
    ...(options.context === undefined ? {} : { context: await readJsonObject(io, '--context', options.context) }),
  };
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
      '--agent goes with the files here; with --url you are who your credential says.',
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
      'The files here are not valid.',
      '`holdpoint policy check` names what is wrong.',
    );
  }
  const [{ explain }, { loadSqlParser }] = await Promise.all([
    import('../../../api/service/assess.ts'),
    import('../../../domain/sql/index.ts'),
  ]);
  await loadSqlParser();
  const { settings } = result;
  const source = { current: () => settings, problem: () => null };
  return explain({ settings: source }, { kind: 'agent', ...agentFor(settings, options.agent) }, request);
}

/** The agent named, with its pinned context and its tools; without a name one that may propose everything. */
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
      return 'would run at once, and people would be told';
    case 'hard':
      return 'would wait for';
  }
}

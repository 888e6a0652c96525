import { principalIdSchema } from '../../../contract/ids.ts';
import { hashKey, newAgentKey, newReviewerToken } from '../../../storage/keys/index.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import type { GlobalOptions } from '../action.ts';

export interface CreateOptions extends GlobalOptions {
  readonly groups?: string;
  readonly owner?: string;
  readonly auditor?: boolean;
}

/** Makes a credential, prints it once, and prints the lines for the config file, which hold its hash only. */
export function createKey(io: Io, options: CreateOptions, kind: string, id: string): void {
  if (!principalIdSchema.safeParse(id).success) {
    throw new CliError(
      'usage',
      'invalid_id',
      'An id is 1 to 128 letters, digits and . _ : @ -, and begins with a letter or digit.',
    );
  }
  if (kind === 'agent') return print(io, id, newAgentKey(), (sha256) => agentLines(id, sha256, options));
  if (kind === 'reviewer') return print(io, id, newReviewerToken(), (sha256) => reviewerLines(id, sha256, options));
  throw new CliError('usage', 'invalid_kind', 'Create an agent or a reviewer: `holdpoint keys create agent <id>`.');
}

function print(io: Io, id: string, secret: string, lines: (sha256: string) => readonly string[]): void {
  const sha256 = hashKey(secret);
  const config = lines(sha256);
  io.data({ id, key: secret, sha256, config: config.join('\n') });
  io.print(secret, '');
  if (!io.json) {
    io.note('This is the only time it is shown. It belongs where the agent or the person keeps secrets.');
    io.note('For the config file (HOLDPOINT_CONFIG, default holdpoint.yaml):\n');
  }
  io.print(...config);
}

function agentLines(id: string, sha256: string, options: CreateOptions): string[] {
  return [
    'agents:',
    `  - id: ${quoteYaml(id)}`,
    `    keySha256: "${sha256}"`,
    ...(options.owner === undefined ? [] : [`    owner: ${quoteYaml(options.owner)}`]),
  ];
}

function reviewerLines(id: string, sha256: string, options: CreateOptions): string[] {
  const groups = (options.groups ?? '').split(',').filter((group) => group !== '');
  return [
    'reviewers:',
    `  - id: ${quoteYaml(id)}`,
    `    groups: [${groups.map(quoteYaml).join(', ')}]`,
    `    tokenSha256: "${sha256}"`,
    ...(options.auditor === true ? ['    role: auditor'] : []),
  ];
}

/** A hash of digits alone, or an id such as `null` or `1e3`, must stay text: JSON strings are YAML strings. */
function quoteYaml(text: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

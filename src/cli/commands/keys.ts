import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KEY_ROLES, type TrustFile } from '../../contract/envelope.ts';
import { capitalize } from '../../domain/lifecycle.ts';
import { ensureKeys, hashKey, loadKeys, newAgentKey, newReviewerToken, rotateKey } from '../../storage/keys/index.ts';
import { PART_NEEDS } from '../compose/part-needs.ts';
import { refuseDeployment, refuseId } from '../init/plan.ts';
import { scalar } from '../init/render-config.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { renderTable } from '../ui/table.ts';
import type { GlobalOptions } from './action.ts';
import { keysDirOf, readTrust } from './installation.ts';

export interface CreateOptions extends GlobalOptions {
  readonly groups?: string;
  readonly owner?: string;
  readonly auditor?: boolean;
}

export interface InitOptions extends GlobalOptions {
  readonly deployment?: string;
  readonly split?: string;
}

/** Creates a credential and prints it once, with the lines for the config file, which hold only its hash. */
export function createKey(io: Io, options: CreateOptions, kind: string, id: string): void {
  refuse('invalid_id', refuseId(id));
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
    io.note('It is shown only once. Store it where the agent or the person keeps secrets.');
    io.note('Add to the config file (HOLDPOINT_CONFIG, default holdpoint.yaml):\n');
  }
  io.print(...config);
}

function agentLines(id: string, sha256: string, options: CreateOptions): string[] {
  return [
    'agents:',
    `  - id: ${scalar(id)}`,
    `    keySha256: "${sha256}"`,
    ...(options.owner === undefined ? [] : [`    owner: ${scalar(options.owner)}`]),
  ];
}

function reviewerLines(id: string, sha256: string, options: CreateOptions): string[] {
  const groups = (options.groups ?? '').split(',').filter((group) => group !== '');
  return [
    'reviewers:',
    `  - id: ${scalar(id)}`,
    `    groups: [${groups.map(scalar).join(', ')}]`,
    `    tokenSha256: "${sha256}"`,
    ...(options.auditor === true ? ['    role: auditor'] : []),
  ];
}

/** `api` is one process for both roles of the api; `worker` is none of these, as it would hold the keys of two. */
const SPLIT = ['api-propose', 'api-review', 'api', 'gate', 'execute'] as const;

/** Creates missing keys; existing ones stay as they are. */
export function initKeys(io: Io, options: InitOptions): void {
  const deploymentId = options.deployment;
  if (deploymentId !== undefined) refuse('invalid_deployment', refuseDeployment(deploymentId));
  const now = new Date(io.now());
  if (options.split !== undefined) return initParts(io, resolve(io.cwd, options.split), deploymentId, now);
  const directory = keysDirOf(io);
  const trust = ensureKeys(directory, { deploymentId, now }).trust.current();
  report(io, directory, trust);
}

/** Creates all keys in one place and copies each part its own. Refuses a directory that has keys already. */
function initParts(io: Io, directory: string, deploymentId: string | undefined, now: Date): void {
  const existing = SPLIT.filter((part) => existsSync(join(directory, part, 'trust.json')));
  if (existing.length > 0) {
    throw new CliError(
      'refused',
      'keys_exist',
      `${directory} already has keys (${existing.join(', ')}).`,
      'Choose another directory, or run `holdpoint keys rotate` with HOLDPOINT_KEYS_DIR.',
    );
  }
  const all = join(directory, 'all');
  const trust = ensureKeys(all, { deploymentId, now }).trust.current();
  for (const part of SPLIT) {
    const { keys, mayHave } = PART_NEEDS[part];
    const roles = [...keys, ...mayHave];
    mkdirSync(join(directory, part), { recursive: true, mode: 0o700 });
    // Copies keep the mode of the original.
    for (const file of ['trust.json', ...roles.map((role) => `${role}.key`)]) {
      copyFileSync(join(all, file), join(directory, part, file));
    }
    loadKeys(join(directory, part), roles);
  }
  report(io, directory, trust);
  io.print('', 'all/ holds every key. Keep it offline; you need it to rotate keys.');
}

function refuse(code: string, refusal: string | undefined): void {
  if (refusal !== undefined) throw new CliError('usage', code, `${capitalize(refusal)}.`);
}

export function rotate(io: Io, _options: GlobalOptions, role: string): void {
  const known = KEY_ROLES.find((candidate) => candidate === role);
  if (known === undefined) {
    throw new CliError('usage', 'unknown_role', `Unknown key role ${role}.`, `Use one of ${KEY_ROLES.join(', ')}.`);
  }
  const directory = keysDirOf(io);
  const { keyid } = rotateKey(directory, known, new Date(io.now()));
  io.data({ role: known, keyid, directory });
  io.print(
    `${keyid} is in force in ${directory}. Parts that use this directory pick it up automatically.`,
    'Copy the new trust.json to all other parts first, then the key itself.',
    // It also secures sessions and sign-in links.
    ...(known === 'review' ? ['Everyone must sign in to the page again; earlier sign-in links are void.'] : []),
  );
}

export function showKeys(io: Io): void {
  const trust = readTrust(io, undefined);
  io.data(trust);
  io.print(...renderTrust(io, trust));
}

function report(io: Io, directory: string, trust: TrustFile): void {
  io.data({ directory, ...trust });
  io.print(`keys of ${trust.deploymentId} in ${directory}`, '', ...renderTrust(io, trust));
}

function renderTrust(io: Io, trust: TrustFile): string[] {
  const rows = trust.keys.map((key) => [
    key.role,
    key.keyid,
    key.publicKey['x'] ?? '',
    key.createdAt,
    key.retiredAt === undefined ? 'in force' : `retired ${key.retiredAt}`,
  ]);
  return [
    `deployment ${trust.deploymentId}`,
    ...renderTable(io, ['role', 'id', 'public key', 'created', 'state'], rows),
  ];
}

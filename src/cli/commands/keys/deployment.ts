import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { configFileSchema } from '../../../contract/config.ts';
import { KEY_ROLES, type KeyRole, type TrustFile } from '../../../contract/envelope.ts';
import { ensureKeys, loadKeys, rotateKey } from '../../../storage/keys/index.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { renderTable } from '../../ui/table.ts';
import type { GlobalOptions } from '../action.ts';
import { keysDirOf, readTrust } from '../audit/trust.ts';

export interface InitOptions extends GlobalOptions {
  readonly deployment?: string;
  readonly split?: string;
}

/**
 * Which part holds which private keys. The gate worker verifies and signs nothing of the record; the mail key makes the
 * links in mails, and without it mails ask to sign in; the callback key signs what agents are told.
 */
const PARTS: Readonly<Record<'api' | 'gate' | 'execute', readonly KeyRole[]>> = {
  api: ['propose', 'review'],
  gate: ['mail', 'callback'],
  execute: ['execute', 'seal'],
};

/** Makes what is missing; what is there stays as it is. */
export function initKeys(io: Io, options: InitOptions): void {
  const deploymentId = checkDeployment(options.deployment);
  const now = new Date(io.now());
  if (options.split !== undefined) return initParts(io, resolve(io.cwd, options.split), deploymentId, now);
  const directory = keysDirOf(io);
  const trust = ensureKeys(directory, { deploymentId, now }).trust.current();
  report(io, directory, trust);
}

/** All keys are made in one place and handed out; a directory that was handed out before is not made anew. */
function initParts(io: Io, directory: string, deploymentId: string | undefined, now: Date): void {
  const existing = Object.keys(PARTS).filter((part) => existsSync(join(directory, part, 'trust.json')));
  if (existing.length > 0) {
    throw new CliError(
      'refused',
      'keys_exist',
      `${directory} has keys already (${existing.join(', ')}).`,
      'Name another directory, or `holdpoint keys rotate` with HOLDPOINT_KEYS_DIR.',
    );
  }
  const all = join(directory, 'all');
  const trust = ensureKeys(all, { deploymentId, now }).trust.current();
  for (const [part, roles] of Object.entries(PARTS)) {
    mkdirSync(join(directory, part), { recursive: true, mode: 0o700 });
    // Copies keep the mode of the original.
    for (const file of ['trust.json', ...roles.map((role) => `${role}.key`)]) {
      copyFileSync(join(all, file), join(directory, part, file));
    }
    loadKeys(join(directory, part), roles);
  }
  report(io, directory, trust);
  io.print('', 'all/ holds every key: keep it offline, for rotation.');
}

function checkDeployment(id: string | undefined): string | undefined {
  if (id === undefined || configFileSchema.shape.deploymentId.safeParse(id).success) return id;
  throw new CliError(
    'usage',
    'invalid_deployment',
    'A deployment id is 1 to 63 lower-case letters, digits and hyphens.',
  );
}

export function rotate(io: Io, role: string): void {
  const known = KEY_ROLES.find((candidate) => candidate === role);
  if (known === undefined) {
    throw new CliError('usage', 'unknown_role', `There is no key role ${role}.`, `One of ${KEY_ROLES.join(', ')}.`);
  }
  const directory = keysDirOf(io);
  const { keyid } = rotateKey(directory, known, new Date(io.now()));
  io.data({ role: known, keyid, directory });
  io.print(
    `${keyid} is in force in ${directory}. Running parts on this directory take it up by themselves.`,
    'Parts elsewhere need the new trust.json first, then the key itself.',
    // Sessions and sign-in links hang on it.
    ...(known === 'review' ? ['Everybody signs in to the page anew; sign-in links made before are void.'] : []),
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
  return [`deployment ${trust.deploymentId}`, ...renderTable(io, ['role', 'id', 'public key', 'made', 'state'], rows)];
}

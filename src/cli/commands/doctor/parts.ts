import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KEY_ROLES, type KeyRole } from '../../../contract/envelope.ts';
import { checkpointKeysOf } from '../../../domain/proof/checkpoint.ts';
import { KeyError, loadKeys } from '../../../storage/keys/index.ts';
import { privateKeyPath } from '../../../storage/keys/key-files.ts';
import { compareKept } from '../../../storage/log/checkpointer.ts';
import type { PartNeeds } from '../../compose/part-needs.ts';
import type { Io } from '../../ui/io.ts';
import { dataDirOf, keysDirOf, withDatabase } from '../installation.ts';
import { fail, ok, skipped, tryKeys, warn, type ConfigInForce, type Finding } from './checks.ts';

/** The keys of a part: there, trusted, of this deployment, and none of another part. */
export function checkPartKeys(io: Io, { keys, mayHave }: PartNeeds, config: ConfigInForce | undefined): Finding[] {
  const directory = keysDirOf(io);
  const isThere = (role: KeyRole): boolean => existsSync(privateKeyPath(directory, role));
  const checkOne = (role: KeyRole): Finding =>
    tryKeys(`${role} key`, () => void loadKeys(directory, [role]), 'usable and trusted');
  const foreign = KEY_ROLES.filter((role) => !keys.includes(role) && !mayHave.includes(role) && isThere(role));
  return [
    tryKeys('trusted keys', () => requireDeployment(directory, config), directory),
    ...keys.map(checkOne),
    ...mayHave.map((role) => (isThere(role) ? checkOne(role) : skipped(`${role} key`, 'none; optional'))),
    ...(foreign.length === 0
      ? []
      : [
          warn(
            'other keys',
            `this process can also read: ${foreign.join(', ')}`,
            `Leave each part its own keys, as \`holdpoint keys init --split\` does: rm ${foreign.map((role) => privateKeyPath(directory, role)).join(' ')}`,
          ),
        ]),
  ];
}

function requireDeployment(directory: string, config: ConfigInForce | undefined): void {
  const { deploymentId } = loadKeys(directory, []).trust.current();
  if (config === undefined || config.settings.deploymentId === deploymentId) return;
  throw new KeyError(
    'trust_invalid',
    `The keys in ${directory} were made for ${deploymentId}, and the configuration is of ${config.settings.deploymentId}.`,
  );
}

/** What an execute worker keeps on its own disk: it can write there, and the log extends the last checkpoint. */
export async function checkExecuteDisk(io: Io, databaseUrl: string): Promise<Finding[]> {
  const all = await Promise.all(replicaDirs(dataDirOf(io)).map((directory) => checkDisk(io, databaseUrl, directory)));
  return all.flat();
}

/** Where the path ends in `/*`: those that replicas have used. */
function replicaDirs(directory: string): readonly string[] {
  if (basename(directory) !== '*') return [directory];
  const parent = dirname(directory);
  const used = existsSync(parent) ? readdirSync(parent).filter((name) => /^\d+$/.test(name)) : [];
  return used.length === 0 ? [join(parent, '1')] : used.map((name) => join(parent, name));
}

async function checkDisk(io: Io, databaseUrl: string, directory: string): Promise<Finding[]> {
  const file = join(directory, 'checkpoint');
  try {
    accessSync(existsSync(directory) ? directory : join(directory, '..'), constants.W_OK);
  } catch {
    return [
      fail(
        'data directory',
        `${directory} cannot be written to`,
        `chown this user ${directory}, or set HOLDPOINT_DATA_DIR.`,
      ),
    ];
  }
  const check = 'rollback of the log';
  try {
    const trust = loadKeys(keysDirOf(io), []).trust.current();
    const kept = await withDatabase(io, databaseUrl, (store) =>
      compareKept({ store, deploymentId: trust.deploymentId, trusted: checkpointKeysOf(trust.keys), file }),
    );
    if (kept === undefined) return [skipped(check, `no checkpoint in ${directory} yet: this worker has signed none`)];
    if (kept.isExtended) return [ok(check, 'none: the log extends the last checkpoint kept here')];
    return [
      fail(
        check,
        `log_rolled_back: the log does not extend the checkpoint in ${file}`,
        'Another database, or an older copy of it, was put in place: see "Backups and restores" in docs/running.md before anything runs.',
      ),
    ];
  } catch (error) {
    return [skipped(check, `cannot be told: ${error instanceof Error ? error.message : 'unreadable'}`)];
  }
}

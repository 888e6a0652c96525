import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { trustFileSchema, type TrustFile } from '../../../contract/envelope.ts';
import { checkpointKeysOf, originOf } from '../../../domain/proof/checkpoint.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { dataDirOf } from '../access.ts';
import type { LogTrust } from './log-check.ts';

export function keysDirOf(io: Io): string {
  const named = io.env.HOLDPOINT_KEYS_DIR;
  return named === undefined || named === '' ? join(dataDirOf(io), 'keys') : resolve(io.cwd, named);
}

/**
 * The keys to verify with: `--keys`, or the trust file of this installation. Never those that come with the log or the
 * proof: whoever forges a record signs it with a key of their own.
 */
export function readTrust(io: Io, keysFile: string | undefined): TrustFile {
  const path = keysFile === undefined ? join(keysDirOf(io), 'trust.json') : resolve(io.cwd, keysFile);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new CliError(
      'verificationFailed',
      'no_trusted_keys',
      `There are no keys to verify with: ${path} cannot be read.`,
      'Pass --keys with a trust file got from the operator (`holdpoint keys show --json` prints it), not from the record itself.',
    );
  }
  const parsed = trustFileSchema.safeParse(value);
  if (parsed.success && parsed.data.keys.length > 0) return parsed.data;
  throw new CliError('verificationFailed', 'no_trusted_keys', `${path} is not a trust file with keys.`);
}

export function logTrustOf(trust: TrustFile): LogTrust {
  return {
    deploymentId: trust.deploymentId,
    origin: originOf(trust.deploymentId),
    keys: checkpointKeysOf(trust.keys),
  };
}

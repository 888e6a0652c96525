import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trustFileSchema, type KeyRole, type TrustedKey, type TrustFile } from '../../contract/envelope.ts';
import { keyidOf, keyTypeOf, KeyError, followFile, writeFileAtomically } from './key-files.ts';

export function trustPath(directory: string): string {
  return join(directory, 'trust.json');
}

/** Reads the public keys that this deployment trusts. Throws `trust_missing`, `trust_invalid`. */
export function readTrust(directory: string): TrustFile {
  const path = trustPath(directory);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new KeyError(
      'trust_missing',
      `The file of trusted keys ${path} ${why}. Copy it from where the keys were made (HOLDPOINT_KEYS_DIR).`,
    );
  }
  return parseTrust(text, path);
}

function parseTrust(text: string, path: string): TrustFile {
  const invalid = (why: string): KeyError =>
    new KeyError(
      'trust_invalid',
      `The file of trusted keys ${path} ${why}. Copy it again from where the keys were made.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('is not JSON');
  }
  const parsed = trustFileSchema.safeParse(value);
  if (!parsed.success) throw invalid('is not a trust file');
  for (const { keyid, role, publicKey } of parsed.data.keys) {
    const curve = keyTypeOf(role) === 'x25519' ? 'X25519' : 'Ed25519';
    if (publicKey['crv'] !== curve || keyidOf(role, publicKey) !== keyid)
      throw invalid(`holds a key ${keyid} that is not what its id says`);
  }
  return parsed.data;
}

export function writeTrust(directory: string, trust: TrustFile): void {
  writeFileAtomically(trustPath(directory), `${JSON.stringify(trust, null, 2)}\n`, 0o644);
}

/** Trusts one more key, beside the one in force. */
export function addKey(trust: TrustFile, role: KeyRole, publicKey: Record<string, string>, at: string): TrustFile {
  const keyid = keyidOf(role, publicKey);
  if (trust.keys.some((key) => key.keyid === keyid)) return trust;
  return { ...trust, keys: [...trust.keys, { keyid, role, publicKey, createdAt: at }] };
}

/** Makes a key the only one in force for its role; those before it are retired and stay trusted for what they signed. */
export function activateKey(trust: TrustFile, role: KeyRole, publicKey: Record<string, string>, at: string): TrustFile {
  const keyid = keyidOf(role, publicKey);
  const added = addKey(trust, role, publicKey, at);
  const keys = added.keys.map((key): TrustedKey => {
    if (key.role !== role) return key;
    const { retiredAt, ...inForce } = key;
    return key.keyid === keyid ? inForce : { ...inForce, retiredAt: retiredAt ?? at };
  });
  return { ...added, keys };
}

/** The trusted keys now: read again when the file changes; a broken new file keeps the old one in force. */
export interface TrustSource {
  current(): TrustFile;
  /** Why the file on disk is not the one in force; null when it is. */
  problem(): string | null;
}

/** Throws as {@link readTrust} does where there is nothing to begin with. */
export function followTrust(directory: string): TrustSource {
  return followFile(trustPath(directory), () => readTrust(directory));
}

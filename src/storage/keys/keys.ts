import { randomBytes, createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { KEY_ROLES, type KeyRole, type TrustFile } from '../../contract/envelope.ts';
import {
  followFile,
  KeyError,
  generatePrivateKey,
  privateKeyPath,
  publicJwkOf,
  readPrivateKeys,
  writablePem,
  writeFileAtomically,
  type PrivateKey,
} from './key-files.ts';
import { activateKey, addKey, followTrust, readTrust, trustPath, writeTrust, type TrustSource } from './trust.ts';

/** Private keys of the roles that were asked for, and what everybody trusts. Both follow a rotation while running. */
export interface Keys {
  readonly trust: TrustSource;
  /** The key in force first. Throws `key_missing` for a role that was not loaded. */
  privateKeys(role: KeyRole): readonly [PrivateKey, ...PrivateKey[]];
  /** Whether the role's keys were loaded. */
  has(role: KeyRole): boolean;
  /** Why a file on disk is not what is in force; null: each is. */
  problem(): string | null;
}

/**
 * Loads the private keys of the roles alone, so that a process holds no key it does not need. Throws {@link KeyError}
 * where one is missing, open to other users or not trusted.
 */
export function loadKeys(directory: string, roles: readonly KeyRole[]): Keys {
  const trust = followTrust(directory);
  const loaded = new Map(
    roles.map((role) => [role, followFile(privateKeyPath(directory, role), () => readPrivateKeys(directory, role))]),
  );
  for (const [role, file] of loaded) requireTrusted(trust.current(), role, file.current()[0], directory);
  return {
    trust,
    has: (role) => loaded.has(role),
    problem: () =>
      [trust, ...loaded.values()].map((file) => file.problem()).find((problem) => problem !== null) ?? null,
    privateKeys(role) {
      const file = loaded.get(role);
      if (file === undefined)
        throw new KeyError('key_missing', `This process has no ${role} key. Start it in a role that has one.`);
      return file.current();
    },
  };
}

/**
 * Makes whatever is missing of a key directory and loads all of it: the embedded default, where one process holds every
 * role. Safe to call again after a crash half-way. `deploymentId` is written into a new trust file; without one it is
 * generated.
 */
export function ensureKeys(
  directory: string,
  options: { readonly deploymentId?: string | undefined; readonly now: Date },
): Keys {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = options.now.toISOString();
  const before: TrustFile = existsSync(trustPath(directory))
    ? readTrust(directory)
    : { deploymentId: options.deploymentId ?? `hp-${randomBytes(8).toString('hex')}`, keys: [] };
  const after = KEY_ROLES.reduce((trust, role) => {
    if (!existsSync(privateKeyPath(directory, role))) writePrivateKeys(directory, role, [generatePrivateKey(role)]);
    return activateKey(trust, role, publicJwkOf(readPrivateKeys(directory, role)[0].privateKey), at);
  }, before);
  if (JSON.stringify(after) !== JSON.stringify(before)) writeTrust(directory, after);
  return loadKeys(directory, KEY_ROLES);
}

/**
 * Makes a new key for a role and puts it in force; the old public key stays trusted, with `retiredAt`. Whoever is running
 * meets no moment at which a key is used before it can be: a signing key is trusted before it exists, a sealing key can
 * open before it is sealed to. After a crash in between, the same again (or {@link ensureKeys}) sets things right.
 */
export function rotateKey(directory: string, role: KeyRole, now: Date): { readonly keyid: string } {
  const at = now.toISOString();
  const trust = readTrust(directory);
  const old = existsSync(privateKeyPath(directory, role)) ? readPrivateKeys(directory, role) : [];
  const key = generatePrivateKey(role);
  const publicKey = publicJwkOf(key.privateKey);
  if (role !== 'seal') writeTrust(directory, addKey(trust, role, publicKey, at));
  // Old signing keys are gone for good; old sealing keys open what waits.
  writePrivateKeys(directory, role, role === 'seal' ? [key, ...old] : [key]);
  writeTrust(directory, activateKey(trust, role, publicKey, at));
  return { keyid: key.keyid };
}

function writePrivateKeys(directory: string, role: KeyRole, keys: readonly PrivateKey[]): void {
  writeFileAtomically(privateKeyPath(directory, role), keys.map(writablePem).join(''), 0o600);
}

function requireTrusted(trust: TrustFile, role: KeyRole, { keyid }: PrivateKey, directory: string): void {
  if (trust.keys.some((key) => key.role === role && key.keyid === keyid)) return;
  const path = trustPath(directory);
  const [, fingerprint] = keyid.split(':');
  const other = trust.keys.find((key) => key.keyid === `${key.role}:${fingerprint}`);
  if (other !== undefined) {
    throw new KeyError(
      'key_not_trusted',
      `${privateKeyPath(directory, role)} is the ${other.role} key. Replace it with the ${role} key of this deployment.`,
    );
  }
  throw new KeyError(
    'key_not_trusted',
    `The ${role} key ${keyid} is not among the trusted keys of ${path}. Copy that file from where the key was made, or run \`holdpoint keys rotate ${role}\`.`,
  );
}

/** SHA-256 (hex) of a whole key string, as `keySha256` and `tokenSha256` hold it. 256 random bits need no slow hash. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

/** `hpk_` and 256 random bits (base64url). */
export function newAgentKey(): string {
  return `hpk_${randomBytes(32).toString('base64url')}`;
}

/** `hpr_` and 256 random bits (base64url). */
export function newReviewerToken(): string {
  return `hpr_${randomBytes(32).toString('base64url')}`;
}

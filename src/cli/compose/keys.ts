import { createPublicKey, hkdfSync, randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { createUnsealer } from '../../activities/unseal.ts';
import { createSealer } from '../../api/service/sealing.ts';
import type { SealArguments } from '../../api/index.ts';
import type { KeyRole, TrustedKey } from '../../contract/envelope.ts';
import type { Signer } from '../../ports/connector.ts';
import { createSigner, type Keys } from '../../storage/keys/index.ts';
import type { EnvironmentSettings } from './environment.ts';

/** Keys of the api, by role: a process without a role's key does not have that role. */
export interface ApiKeys {
  readonly proposeSigner?: Signer;
  readonly reviewSigner?: Signer;
  readonly seal: SealArguments;
  readonly trustedKeys: () => readonly TrustedKey[];
  /** That of now: it follows a rotation of the review key. */
  readonly sessionSecret: () => string;
  readonly fingerprintKey: Uint8Array;
  /** Signs the session ids of MCP clients, which are agents: no rotation of a reviewers' key ends their sessions. */
  readonly mcpSecret: string;
}

export type ApiRole = 'propose' | 'review' | 'all';

/** Where keys are: `HOLDPOINT_KEYS_DIR`, else in the data directory. */
export function keysDirectory({ keysDir, dataDir }: EnvironmentSettings): string {
  return keysDir === null ? join(resolve(dataDir), 'keys') : resolve(keysDir);
}

/** Private keys that an api process of this role loads: its own only. */
export function keyRolesOf(role: ApiRole): readonly KeyRole[] {
  return role === 'all' ? ['propose', 'review'] : [role];
}

export function apiKeysOf(keys: Keys, role: ApiRole): ApiKeys {
  const roles = keyRolesOf(role);
  const trustedKeys = () => keys.trust.current().keys;
  return {
    ...(roles.includes('propose') ? { proposeSigner: createSigner('propose', keys) } : {}),
    ...(roles.includes('review') ? { reviewSigner: createSigner('review', keys) } : {}),
    seal: createSealer(trustedKeys),
    trustedKeys,
    sessionSecret: followSessionSecret(keys, roles),
    fingerprintKey: deriveSecret(keys, roles, 'propose', 'idempotency-fingerprint'),
    mcpSecret: deriveSecret(keys, roles, 'propose', 'mcp-session').toString('base64url'),
  };
}

export function executeKeysOf(keys: Keys, deploymentId: () => string) {
  return {
    signer: createSigner('execute', keys),
    unsealer: createUnsealer({ deploymentId, keys: () => keys.privateKeys('seal') }),
  };
}

/** The execute worker's key pair, for checkpoints. */
export function checkpointKeyOf(keys: Keys) {
  const [{ privateKey }] = keys.privateKeys('execute');
  return { privateKey, publicKey: createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
}

/**
 * The session secret of the review key in force. It changes with a rotation while running: what the old one signed or
 * encrypted, sign-in links and sessions, is void at once, and links made with the new one are good.
 */
function followSessionSecret(keys: Keys, loaded: readonly KeyRole[]): () => string {
  const derive = () => deriveSecret(keys, loaded, 'review', 'session').toString('base64url');
  if (!loaded.includes('review')) {
    const random = derive();
    return () => random;
  }
  let known: { readonly keyid: string; readonly secret: string } | undefined;
  return () => {
    const [{ keyid }] = keys.privateKeys('review');
    if (known?.keyid !== keyid) known = { keyid, secret: derive() };
    return known.secret;
  };
}

/**
 * A secret that is the same in every api process of a role, taken from the role's key (HKDF, RFC 5869). A process without
 * that key does not need it and gets a random one. After a rotation, the body that an idempotency key came with is no longer
 * known.
 */
function deriveSecret(keys: Keys, loaded: readonly KeyRole[], role: KeyRole, purpose: string): Buffer {
  if (!loaded.includes(role)) return randomBytes(32);
  const secret = keys.privateKeys(role)[0].privateKey.export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', secret, '', `holdpoint ${purpose} v1`, 32));
}

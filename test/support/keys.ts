import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { EnvelopeVerifier, Signer } from '../../src/ports/connector.ts';
import type { SIGNING_ROLE } from '../../src/contract/envelope.ts';
import { type EnvelopeKind, type TrustFile } from '../../src/contract/envelope.ts';
import { signEnvelope, type VerificationKey } from '../../src/domain/proof/dsse.ts';
import type { SettingsSource } from '../../src/domain/policy/settings.ts';
import { createVerifier } from '../../src/storage/keys/index.ts';

export type SigningRole = (typeof SIGNING_ROLE)[EnvelopeKind];

export interface TestKey {
  readonly keyid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function makeKey(keyid: string): TestKey {
  return { keyid, ...generateKeyPairSync('ed25519') };
}

/** Signs every kind it is asked to: whether a role may is for the verifier to say, so tests can sign wrongly. */
export function signerOf(key: TestKey): Signer {
  return { keyid: key.keyid, sign: (kind, payload) => signEnvelope(kind, payload, key.privateKey, key.keyid) };
}

/** Keys trusted now; a test may take one away or add one. */
export interface TestTrust {
  readonly roles: Record<SigningRole, VerificationKey[]>;
  /** Agents' own keys by agent, where the agent's `publicKey` in the settings is `file:<agent>`. */
  readonly agents: Map<string, VerificationKey>;
}

/** The real verifier, over keys that a test may change under it. */
export function verifierOf(trust: TestTrust, settings: SettingsSource): EnvelopeVerifier {
  return createVerifier({ current: () => trustFileOf(trust) }, settings, (reference) => {
    const key = trust.agents.get(reference.slice('file:'.length));
    if (key === undefined) throw new Error(`nothing at ${reference}`);
    return String(key.publicKey.export({ format: 'pem', type: 'spki' }));
  });
}

function trustFileOf({ roles }: TestTrust): TrustFile {
  const keys = Object.entries(roles).flatMap(([role, trusted]) =>
    trusted.map(({ keyid, publicKey }) => ({
      keyid,
      role: role as SigningRole,
      publicKey: publicKey.export({ format: 'jwk' }) as Record<string, string>,
      createdAt: '2026-01-01T00:00:00.000Z',
    })),
  );
  return { deploymentId: 'test-deployment', keys };
}

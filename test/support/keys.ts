import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { EnvelopeVerifier, Signer } from '../../src/activities/ports.ts';
import { SIGNING_ROLE, type EnvelopeKind } from '../../src/contract/envelope.ts';
import { signEnvelope, verifyEnvelope, type VerificationKey } from '../../src/core/dsse.ts';

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
  /** Agents' own keys, for proposals, revisions and withdrawals. */
  readonly agents: Map<string, VerificationKey>;
}

export function verifierOf(trust: TestTrust): EnvelopeVerifier {
  return {
    verify: (kind, envelope) => {
      const role = SIGNING_ROLE[kind];
      const verified = verifyEnvelope(kind, envelope, trust.roles[role]);
      if (verified !== undefined) return { payload: verified.payload, payloadDigest: verified.payloadDigest };
      if (role !== 'propose') return undefined;
      for (const [agentKeyOf, key] of trust.agents) {
        const own = verifyEnvelope(kind, envelope, [key]);
        if (own !== undefined) return { payload: own.payload, payloadDigest: own.payloadDigest, agentKeyOf };
      }
      return undefined;
    },
  };
}

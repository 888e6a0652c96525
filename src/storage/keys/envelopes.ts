import type { KeyObject } from 'node:crypto';
import {
  dsseEnvelopeSchema,
  SIGNING_ROLE,
  type EnvelopeKind,
  type KeyRole,
  type TrustFile,
} from '../../contract/envelope.ts';
import {
  publicKeyOf,
  readPayload,
  verifyEnvelope,
  signEnvelope,
  type VerificationKey,
} from '../../domain/proof/dsse.ts';
import { findAgent, type SettingsSource } from '../../domain/policy/settings.ts';
import type { EnvelopeVerifier, Signer } from '../../ports/connector.ts';
import type { TrustSource } from './trust.ts';
import type { Keys } from './keys.ts';

/** Resolves `env:` and `file:` references; throws where there is nothing. */
export type ResolveReference = (reference: string) => string;

/**
 * Verifies with the keys trusted for the kind now, retired ones included: what they signed while in force still counts.
 * Kinds that a proposer signs are also accepted from the own key (`publicKey`) of the very agent they name, and from
 * nobody else's.
 */
export function createVerifier(
  trust: Pick<TrustSource, 'current'>,
  settings: SettingsSource,
  resolveReference: ResolveReference,
): EnvelopeVerifier {
  const trustedKeys = cacheByFile();
  const readAgentKey = cacheByText();
  return {
    verify(kind, envelope) {
      const verified = verifyEnvelope(kind, envelope, trustedKeys(trust.current(), SIGNING_ROLE[kind]));
      if (verified !== undefined) return { payload: verified.payload, payloadDigest: verified.payloadDigest };
      if (SIGNING_ROLE[kind] !== 'propose') return undefined;
      const claimed = claimedProposer(kind, envelope);
      const agent = claimed === undefined ? undefined : findAgent(settings.current(), claimed);
      if (agent?.publicKey === undefined) return undefined;
      const publicKey = readAgentKey(agent.publicKey, resolveReference);
      if (publicKey === undefined) return undefined;
      const own = verifyEnvelope(kind, envelope, [{ keyid: agent.id, publicKey }]);
      if (own === undefined || proposerOf(own.payload) !== agent.id) return undefined;
      return { payload: own.payload, payloadDigest: own.payloadDigest, agentKeyOf: agent.id };
    },
  };
}

/** Whom an unverified envelope names; only chooses which key must verify it. */
function claimedProposer(kind: EnvelopeKind, envelope: unknown): string | undefined {
  const parsed = dsseEnvelopeSchema.safeParse(envelope);
  return parsed.success ? proposerOf(readPayload(kind, parsed.data)) : undefined;
}

function proposerOf(payload: object | undefined): string | undefined {
  const proposer = payload !== undefined && 'proposer' in payload ? payload.proposer : undefined;
  return typeof proposer === 'string' ? proposer : undefined;
}

/** Key objects of a role, made once per trust file. */
function cacheByFile(): (file: TrustFile, role: KeyRole) => readonly VerificationKey[] {
  const known = new WeakMap<TrustFile, Map<KeyRole, readonly VerificationKey[]>>();
  return (file, role) => {
    const roles = known.get(file) ?? new Map<KeyRole, readonly VerificationKey[]>();
    known.set(file, roles);
    const keys =
      roles.get(role) ??
      file.keys
        .filter((key) => key.role === role)
        .map(({ keyid, publicKey }) => ({ keyid, publicKey: publicKeyOf(publicKey) }));
    roles.set(role, keys);
    return keys;
  };
}

/** An agent's own key. What cannot be read verifies nothing, and is looked for again next time. */
function cacheByText(): (reference: string, resolve: ResolveReference) => KeyObject | undefined {
  const known = new Map<string, { readonly pem: string; readonly key: KeyObject }>();
  return (reference, resolve) => {
    try {
      const pem = resolve(reference);
      const cached = known.get(reference);
      if (cached?.pem === pem) return cached.key;
      const key = publicKeyOf(pem);
      known.set(reference, { pem, key });
      return key;
    } catch {
      return undefined;
    }
  };
}

/** Signs what its role may sign, with the key in force now. */
export function createSigner(role: Exclude<KeyRole, 'seal'>, keys: Pick<Keys, 'privateKeys'>): Signer {
  return {
    get keyid() {
      return keys.privateKeys(role)[0].keyid;
    },
    sign(kind, payload) {
      if (SIGNING_ROLE[kind] !== role) throw new TypeError(`a ${role} key does not sign a ${kind}`);
      const [{ keyid, privateKey }] = keys.privateKeys(role);
      return signEnvelope(kind, payload, privateKey, keyid);
    },
  };
}

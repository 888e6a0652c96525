import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import {
  dsseEnvelopeSchema,
  PAYLOAD_SCHEMAS,
  payloadTypeOf,
  type DsseEnvelope,
  type EnvelopeKind,
  type EnvelopePayload,
} from '../contract/envelope.ts';
import { canonicalJson, digestBytes } from './digest.ts';

/** DSSE 1.0.2 pre-authentication encoding: `"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body`, lengths in bytes. */
export function preAuthEncoding(payloadType: string, body: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `, 'utf8'),
    type,
    Buffer.from(` ${body.length} `, 'utf8'),
    body,
  ]);
}

/** Signs one payload (Ed25519). `privateKey` must be an Ed25519 key; anything else throws. */
export function signEnvelope<K extends EnvelopeKind>(
  kind: K,
  payload: EnvelopePayload<K>,
  privateKey: KeyObject,
  keyid: string,
): DsseEnvelope {
  const payloadType = payloadTypeOf(kind);
  const body = Buffer.from(canonicalJson(payload), 'utf8');
  const sig = sign(null, preAuthEncoding(payloadType, body), privateKey);
  return {
    payload: body.toString('base64'),
    payloadType,
    signatures: [{ keyid, sig: sig.toString('base64') }],
  };
}

export interface VerificationKey {
  readonly keyid: string;
  readonly publicKey: KeyObject;
}

export interface Verified<K extends EnvelopeKind> {
  readonly payload: EnvelopePayload<K>;
  /** The trusted key that verified; never the `keyid` that the envelope claims. */
  readonly keyid: string;
  readonly payloadDigest: string;
}

/**
 * Verifies an envelope of one kind with the keys trusted for that kind. The envelope is hostile until a signature
 * holds: its `keyid` only orders the attempts, its payload is parsed from the verified bytes and parsed once.
 */
export function verifyEnvelope<K extends EnvelopeKind>(
  kind: K,
  envelope: unknown,
  keys: readonly VerificationKey[],
): Verified<K> | undefined {
  const parsed = dsseEnvelopeSchema.safeParse(envelope);
  if (!parsed.success || parsed.data.payloadType !== payloadTypeOf(kind)) return undefined;
  const body = Buffer.from(parsed.data.payload, 'base64');
  const encoded = preAuthEncoding(parsed.data.payloadType, body);
  for (const signature of parsed.data.signatures) {
    const sig = Buffer.from(signature.sig, 'base64');
    const key = keys.find((candidate) => verify(null, encoded, candidate.publicKey, sig));
    if (key === undefined) continue;
    const payload = parsePayload(kind, body);
    return payload === undefined ? undefined : { payload, keyid: key.keyid, payloadDigest: digestBytes(body) };
  }
  return undefined;
}

/** Payload of an envelope that was verified before (by the caller, with {@link verifyEnvelope}); for display only. */
export function readPayload<K extends EnvelopeKind>(kind: K, envelope: DsseEnvelope): EnvelopePayload<K> | undefined {
  return parsePayload(kind, Buffer.from(envelope.payload, 'base64'));
}

/** Ed25519 public key from a JWK or a PEM (SPKI). Throws where it is not one. */
export function publicKeyOf(key: Readonly<Record<string, string>> | string): KeyObject {
  const publicKey =
    typeof key === 'string' ? createPublicKey(key) : createPublicKey({ key: key as JsonWebKeyInput, format: 'jwk' });
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 public key');
  return publicKey;
}
type JsonWebKeyInput = Extract<Parameters<typeof createPublicKey>[0], { format: 'jwk' }>['key'];

function parsePayload<K extends EnvelopeKind>(kind: K, body: Uint8Array): EnvelopePayload<K> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = PAYLOAD_SCHEMAS[kind].safeParse(value);
  return parsed.success ? (parsed.data as EnvelopePayload<K>) : undefined;
}

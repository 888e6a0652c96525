import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import {
  dsseEnvelopeSchema,
  PAYLOAD_SCHEMAS,
  payloadTypeOf,
  type DsseEnvelope,
  type EnvelopeKind,
  type EnvelopePayload,
} from '../../contract/envelope.ts';
import { canonicalJson, digestBytes } from './digest.ts';
import { parseStrictJson } from '../json/strict-json.ts';

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

/** Signs one payload (Ed25519). `privateKey` must be an Ed25519 key; anything else throws a TypeError. */
export function signEnvelope<K extends EnvelopeKind>(
  kind: K,
  payload: EnvelopePayload<K>,
  privateKey: KeyObject,
  keyid: string,
): DsseEnvelope {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
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
  const body = decodeBase64(parsed.data.payload);
  if (body === undefined) return undefined;
  const encoded = preAuthEncoding(parsed.data.payloadType, body);
  for (const signature of parsed.data.signatures) {
    const sig = decodeBase64(signature.sig);
    if (sig === undefined) continue;
    const key = keys.find(({ publicKey }) => isEd25519(publicKey) && verify(null, encoded, publicKey, sig));
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

/** With another kind of key, `verify` would choose an algorithm by itself. */
function isEd25519(key: KeyObject): boolean {
  return key.type === 'public' && key.asymmetricKeyType === 'ed25519';
}

/** Canonical standard base64 alone: what was signed once must not come in a second spelling. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/**
 * Parses what was signed. A service that signs with its own key is not one of us: what it signs may be nested beyond the
 * stack, hold a key twice or text that has no canonical form. That is no payload; it must not throw, or one envelope
 * would keep a whole batch from being admitted.
 */
function parsePayload<K extends EnvelopeKind>(kind: K, body: Uint8Array): EnvelopePayload<K> | undefined {
  const text = decodeText(body);
  const json = text === undefined ? undefined : parseStrictJson(text, { exactNumbers: kind === 'evidence' });
  if (json?.ok !== true) return undefined;
  const parsed = PAYLOAD_SCHEMAS[kind].safeParse(json.value);
  return parsed.success ? (parsed.data as EnvelopePayload<K>) : undefined;
}

function decodeText(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

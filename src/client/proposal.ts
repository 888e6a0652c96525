import { payloadTypeOf } from '../contract/constants.ts';
import type { DsseEnvelope, ProposalPayload } from '../contract/envelope.ts';
import type { ExecuteRequest } from '../contract/execute.ts';
import { concatBytes, decodeBase64, encodeBase64 } from './bytes.ts';
import { refuseInexact } from './encode-json.ts';
import { localError } from './errors.ts';

/** `CryptoKey`, whose name not every runtime's types have. */
export type WebCryptoKey = Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>;

export interface SignProposalOptions {
  /** As in the deployment's `holdpoint.yaml`. */
  readonly deploymentId: string;
  /** `agents[].id` of the service; its `publicKey` must be the other half of `privateKey`. */
  readonly agent: string;
  /** Ed25519: PKCS#8 as PEM, or a key of WebCrypto's. */
  readonly privateKey: string | WebCryptoKey;
  /** Default: a new one. Keep it and start again with it, and the call is proposed once. */
  readonly reviewId?: string;
}

/** What a service starts `gatedCall` with: `reviewId` as the workflow's id, `input` as its only argument. */
export interface SignedProposal {
  readonly reviewId: string;
  readonly input: ExecuteRequest & { readonly proposal: DsseEnvelope };
}

/**
 * Signs a proposal for a service that starts the workflow `gatedCall` itself, on task queue `holdpoint-gate` (DSSE
 * 1.0.2). Signed, the review is attested and counts as that agent; unsigned, it is held whatever its class. Throws
 * `not_configured` where the key is none, and `arguments_invalid` where JSON cannot carry the arguments as they are.
 */
export async function signProposal(call: ExecuteRequest, options: SignProposalOptions): Promise<SignedProposal> {
  refuseInexact(call.arguments);
  const reviewId = options.reviewId ?? newReviewId();
  const payload: ProposalPayload = {
    deploymentId: options.deploymentId,
    reviewId,
    proposedAt: new Date().toISOString(),
    proposer: options.agent,
    request: call,
  };
  const key = typeof options.privateKey === 'string' ? await importPem(options.privateKey) : options.privateKey;
  const payloadType = payloadTypeOf('proposal');
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const signature = await globalThis.crypto.subtle.sign('Ed25519', key, preAuthEncoding(payloadType, body));
  const proposal: DsseEnvelope = {
    payload: encodeBase64(body),
    payloadType,
    signatures: [{ keyid: options.agent, sig: encodeBase64(new Uint8Array(signature)) }],
  };
  return { reviewId, input: { ...call, proposal } };
}

/** `rev_<ULID>`: sorts by time. */
export function newReviewId(): string {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return `rev_${encodeTime(Date.now())}${[...random].map((byte) => CROCKFORD[byte % 32]).join('')}`;
}
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function encodeTime(ms: number): string {
  let text = '';
  for (let rest = ms; text.length < 10; rest = Math.floor(rest / 32)) text = (CROCKFORD[rest % 32] ?? '') + text;
  return text;
}

function preAuthEncoding(type: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  // A payload type of ours is ASCII, so its length in characters is that in bytes.
  const head = new TextEncoder().encode(`DSSEv1 ${type.length} ${type} ${body.length} `);
  return concatBytes(head, body);
}

async function importPem(pem: string): Promise<WebCryptoKey> {
  const [text = '', end] = (pem.split('-----BEGIN PRIVATE KEY-----')[1] ?? '').split('-----END PRIVATE KEY-----');
  const der = end === undefined ? undefined : decodeBase64(text.replaceAll(/\s/g, ''));
  try {
    if (der === undefined) throw new TypeError('no PKCS#8 in it');
    return await globalThis.crypto.subtle.importKey('pkcs8', der, { name: 'Ed25519' }, false, ['sign']);
  } catch (cause) {
    const detail = 'the private key is not an Ed25519 key as PEM (PKCS#8)';
    throw localError('not_configured', detail, { cause });
  }
}

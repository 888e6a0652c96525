import { createHmac, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import type { Delivered } from '../../channel.ts';
import { readRetryAfter } from '../../../../domain/retry-after.ts';

/**
 * Standard Webhooks 1.0 (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md):
 * the signature covers `id.timestamp.body`, `v1` by HMAC-SHA256, `v1a` by Ed25519.
 */
export type SigningSecret =
  | { readonly version: 'v1'; readonly key: Buffer }
  | { readonly version: 'v1a'; readonly key: KeyObject };

/** Bytes of an Ed25519 private key in PKCS #8, up to the seed. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Reads secrets, separated by white space or commas: `whsec_<base64>` (24 to 64 bytes) and `whsk_<base64>` (an Ed25519 seed, with
 * or without the public key behind it). Several while one is replaced: every message is then signed with each. Undefined
 * where one of them is none: a webhook that is half signed is not sent.
 */
export function readSecrets(text: string): readonly SigningSecret[] | undefined {
  const secrets = splitSecrets(text).map(readSecret);
  return secrets.every((secret) => typeof secret !== 'string') ? secrets : undefined;
}

/** What is wrong with a secret, without a character of it; undefined: nothing is. */
export function explainInvalidSecrets(text: string): string | undefined {
  return splitSecrets(text)
    .map(readSecret)
    .find((secret) => typeof secret === 'string');
}

function splitSecrets(text: string): readonly string[] {
  return text.trim().split(/[\s,]+/);
}

/** A secret, or why it is none. */
function readSecret(text: string): SigningSecret | string {
  if (text === '') return 'is empty';
  if (/^["'`]|["'`]$/.test(text)) return 'is in quotes, which are part of the value';
  const [, prefix, encoded = ''] = /^(whsec|whsk)_(.*)$/.exec(text) ?? [];
  if (prefix === undefined) return 'does not begin with whsec_ or whsk_';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return `is not base64 after ${prefix}_`;
  const bytes = Buffer.from(encoded, 'base64');
  if (prefix === 'whsec') {
    const fits = bytes.length >= 24 && bytes.length <= 64;
    return fits ? { version: 'v1', key: bytes } : `has ${bytes.length} bytes; whsec_ takes 24 to 64`;
  }
  if (bytes.length !== 32 && bytes.length !== 64) return `has ${bytes.length} bytes; whsk_ takes 32 or 64`;
  const der = Buffer.concat([PKCS8_ED25519, bytes.subarray(0, 32)]);
  return { version: 'v1a', key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

/** Headers of one attempt. `at`: epoch ms of the attempt, so that a receiver can refuse what is replayed later. */
export function signMessage(
  id: string,
  body: string,
  at: number,
  secrets: readonly SigningSecret[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1_000));
  const signed = `${id}.${timestamp}.${body}`;
  return {
    'content-type': 'application/json',
    'user-agent': 'holdpoint',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => signatureOf(secret, signed)).join(' '),
  };
}

function signatureOf(secret: SigningSecret, signed: string): string {
  const signature =
    secret.version === 'v1'
      ? createHmac('sha256', secret.key).update(signed).digest()
      : sign(null, Buffer.from(signed), secret.key);
  return `${secret.version},${signature.toString('base64')}`;
}

/** Sends one POST. Redirects are answers like others; addresses are checked as those of connectors are. */
export type SendPost = (request: {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly allowPrivateAddresses: boolean;
  readonly signal: AbortSignal;
}) => Promise<PostResult>;

export type PostResult =
  /** `retryAfter`: the header as it came. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter: string | null }
  /** Nothing was sent: the address is not allowed, its certificate is not trusted, or no server is listening there. */
  | { readonly kind: 'not_sent'; readonly code: 'target_refused' | 'target_unreachable' | 'certificate_untrusted' }
  | { readonly kind: 'lost' };

/**
 * What an answer means, by Standard Webhooks: 2xx is a yes, 410 ends it for good, everything else comes again. A target
 * that was configured wrongly may be set right within the days that a notice is kept for, and one that says when to come again
 * is heeded. `now`: epoch ms.
 */
export function judgePost(result: PostResult, now: number): Delivered {
  switch (result.kind) {
    case 'answer': {
      const httpStatus = result.status;
      if (httpStatus >= 200 && httpStatus <= 299) return { kind: 'delivered', httpStatus };
      if (httpStatus === 410) return { kind: 'give_up', code: 'gone', httpStatus, disable: true };
      const afterMs = readRetryAfter(result.retryAfter, now);
      return { kind: 'retry', code: 'answered', httpStatus, ...(afterMs === undefined ? {} : { afterMs }) };
    }
    case 'not_sent':
      return { kind: 'retry', code: result.code };
    case 'lost':
      return { kind: 'retry', code: 'no_answer' };
    default:
      return result satisfies never;
  }
}

import { parseJsonWithTexts } from '../contract/exact-number.ts';
import { concatBytes, decodeBase64 } from './bytes.ts';
import { localError, type HoldpointError } from './errors.ts';
import type { WebCryptoKey } from './proposal.ts';
import { isFinal, toResolution, type Resolution } from './resolution.ts';
import type { Review } from '../contract/review.ts';

/** A webhook or callback that Holdpoint sent, once its signature held. */
export interface Webhook<T = unknown> {
  /** The same for each delivery of one message: deliveries come at least once, so remember it and heed it once. */
  readonly id: string;
  readonly sentAt: Date;
  readonly payload: T;
}

export interface WebhookRequest {
  /** The body exactly as it came: parsed and written again it is another one, and no signature holds. */
  readonly body: string | Uint8Array;
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface WebhookOptions {
  /**
   * `whsec_…` (HMAC-SHA256, `v1`) or `whpk_…` (Ed25519 public key, `v1a`). Several while one is being replaced: any of
   * them may hold.
   */
  readonly secrets: string | readonly string[];
  /** How far the sender's clock may be from this one, either way, in seconds; default 300. */
  readonly tolerance?: number;
  /** The time, epoch ms; default: now. */
  readonly now?: number;
}

/** More signatures than anybody who replaces keys has; each costs a verification. */
const MAX_SIGNATURES = 16;

/**
 * Verifies a request by Standard Webhooks (https://www.standardwebhooks.com, 1.0) and gives out what it says. WebCrypto
 * compares in constant time. Throws {@link HoldpointError}: `webhook_unsigned`, `webhook_expired`,
 * `webhook_signature_invalid`, `unreadable_answer` (signed, but not JSON), `not_configured` (a secret that is none).
 */
export async function verifyWebhook<T = unknown>(
  request: WebhookRequest,
  options: WebhookOptions,
): Promise<Webhook<T>> {
  const id = headerOf(request, 'webhook-id');
  const timestamp = headerOf(request, 'webhook-timestamp');
  const signatures = readSignatures(headerOf(request, 'webhook-signature'));
  const sentAt = readTimestamp(timestamp, options.now ?? Date.now(), options.tolerance ?? 300);
  const body = typeof request.body === 'string' ? encode(request.body) : request.body;
  const signed = concatBytes(encode(`${id}.${timestamp}.`), body);
  const keys = await importKeys([options.secrets].flat());
  if (!(await anyHolds(keys, signatures, signed))) {
    throw localError('webhook_signature_invalid', 'no signature verifies with any of the secrets');
  }
  return { id, sentAt, payload: parseBody(body) as T };
}

interface Key {
  readonly version: 'v1' | 'v1a';
  readonly algorithm: 'HMAC' | 'Ed25519';
  readonly key: WebCryptoKey;
}
interface Signature {
  readonly version: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function importKeys(secrets: readonly string[]): Promise<readonly Key[]> {
  if (secrets.length === 0) throw notASecret();
  return Promise.all(secrets.map(importKey));
}

async function importKey(secret: string): Promise<Key> {
  const { subtle } = globalThis.crypto;
  const [prefix, text] = [secret.slice(0, secret.indexOf('_') + 1), secret.slice(secret.indexOf('_') + 1)];
  const bytes = decodeBase64(text);
  if (prefix === 'whsec_' && bytes !== undefined && bytes.length > 0) {
    const key = await subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
    return { version: 'v1', algorithm: 'HMAC', key };
  }
  if (prefix === 'whpk_' && bytes?.length === 32) {
    const key = await subtle.importKey('raw', bytes, { name: 'Ed25519' }, false, ['verify']);
    return { version: 'v1a', algorithm: 'Ed25519', key };
  }
  throw notASecret();
}

async function anyHolds(
  keys: readonly Key[],
  signatures: readonly Signature[],
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  for (const { version, bytes } of signatures) {
    for (const key of keys) {
      if (key.version !== version) continue;
      if (await globalThis.crypto.subtle.verify(key.algorithm, key.key, bytes, signed)) return true;
    }
  }
  return false;
}

/** Signatures of versions that we know; others may stand beside them. */
function readSignatures(header: string): readonly Signature[] {
  return header
    .split(' ')
    .slice(0, MAX_SIGNATURES)
    .flatMap((item) => {
      const comma = item.indexOf(',');
      const bytes = decodeBase64(item.slice(comma + 1));
      return comma === -1 || bytes === undefined ? [] : [{ version: item.slice(0, comma), bytes }];
    });
}

function readTimestamp(text: string, now: number, tolerance: number): Date {
  if (!/^[0-9]{1,12}$/.test(text)) throw localError('webhook_unsigned', 'webhook-timestamp is not a time');
  const sentAt = Number(text) * 1_000;
  // Written so that a tolerance that is no number lets nothing through.
  if (!(Math.abs(now - sentAt) <= tolerance * 1_000)) {
    throw localError('webhook_expired', 'sent too long ago, or the clocks differ');
  }
  return new Date(sentAt);
}

function headerOf({ headers }: WebhookRequest, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : fieldOf(headers, name);
  if (typeof value !== 'string' || value === '') throw localError('webhook_unsigned', `${name} is missing`);
  return value;
}

function fieldOf(headers: Exclude<WebhookRequest['headers'], Headers>, name: string): unknown {
  const found = Object.keys(headers).find((key) => key.toLowerCase() === name);
  const value = found === undefined ? undefined : headers[found];
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

function parseBody(body: Uint8Array): unknown {
  try {
    return parseJsonWithTexts(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw localError('unreadable_answer', 'the body is signed but is not JSON');
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function notASecret(): HoldpointError {
  return localError('not_configured', 'a webhook secret is whsec_… or whpk_… (base64)');
}

/** The final answer of one review, as a callback brought it. */
export interface Callback {
  /** The same for each delivery: it comes at least once, so remember it and heed it once. */
  readonly id: string;
  readonly sentAt: Date;
  readonly reviewId: string;
  /** What `resolution()` would have answered. */
  readonly resolution: Resolution;
}

/**
 * Verifies a request to the `callback` URL of a proposal (see {@link verifyWebhook}, also for what it throws); its
 * secrets are the deployment's `whpk_…`. Throws `unreadable_answer` for a message that is signed but is no final answer.
 */
export async function verifyCallback(request: WebhookRequest, options: WebhookOptions): Promise<Callback> {
  const { id, sentAt, payload } = await verifyWebhook<{ readonly type?: unknown; readonly data?: Review }>(
    request,
    options,
  );
  const review = payload?.type === 'review.final' ? payload.data : undefined;
  if (review?.execution === undefined || !isFinal(review)) {
    throw localError('unreadable_answer', 'signed, but not the final answer of a review');
  }
  return { id, sentAt, reviewId: review.reviewId, resolution: toResolution(review) };
}

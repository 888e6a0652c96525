import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { REVIEW_ID_PATTERN } from '../../contract/constants.ts';
import type { Digest } from '../../contract/json.ts';
import { preAuthEncoding } from './dsse.ts';

/**
 * What a link in a mail stands for: one person, one review, one digest, until the review's deadline. Its holder may
 * look at that review and send a decision in that person's name, where policy takes decisions from mails at all.
 */
export interface MailLink {
  readonly deploymentId: string;
  readonly reviewId: string;
  readonly reviewer: string;
  readonly digest: Digest;
  /** Epoch ms. */
  readonly expiresAt: number;
  /** {@link mailboxOf} the address it was sent to: a link does not outlive the address. */
  readonly mailbox: string;
}

/** Signed over like a DSSE payload, so that the key's signature on a link is never one on anything else. */
const PAYLOAD_TYPE = 'application/vnd.holdpoint.mail-link.v1+json';
/** Longer than any link that was ever written; what is longer is not looked at. */
const MAX_LENGTH = 1_000;

const bodySchema = z.tuple([
  z.string(),
  z.string().regex(REVIEW_ID_PATTERN),
  z.string(),
  z.string().regex(/^[0-9a-f]{64}$/),
  z.int(),
  z.string(),
]);

/** `<body>.<signature>`, both base64url without padding: safe in a path. `privateKey`: Ed25519. */
export function writeMailLink(link: MailLink, privateKey: KeyObject): string {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
  const { deploymentId, reviewId, reviewer, digest, expiresAt, mailbox } = link;
  const fields = [deploymentId, reviewId, reviewer, digest.slice('sha256:'.length), expiresAt, mailbox];
  const body = Buffer.from(JSON.stringify(fields), 'utf8');
  const signature = sign(null, preAuthEncoding(PAYLOAD_TYPE, body), privateKey);
  return `${body.toString('base64url')}.${signature.toString('base64url')}`;
}

/** What a link says, if one of the keys signed it. Everything before that is an attacker's. */
export function readMailLink(text: string, keys: readonly KeyObject[]): MailLink | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [encoded = '', encodedSignature = '', ...rest] = text.split('.');
  const body = decode(encoded);
  const signature = decode(encodedSignature);
  if (rest.length > 0 || body === undefined || signature === undefined) return undefined;
  const signed = preAuthEncoding(PAYLOAD_TYPE, body);
  const isSigned = keys.some((key) => key.asymmetricKeyType === 'ed25519' && verify(null, signed, key, signature));
  if (!isSigned) return undefined;
  const parsed = bodySchema.safeParse(JSON.parse(body.toString('utf8')));
  if (!parsed.success) return undefined;
  const [deploymentId, reviewId, reviewer, digest, expiresAt, mailbox] = parsed.data;
  return { deploymentId, reviewId, reviewer, digest: `sha256:${digest}`, expiresAt, mailbox };
}

/** Names an address without telling it: links are seen by proxies and stay in histories. */
export function mailboxOf(address: string): string {
  return createHash('sha256').update(address.toLowerCase(), 'utf8').digest('base64url').slice(0, 16);
}

/** One spelling alone: what was signed once must not come as a second link. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}

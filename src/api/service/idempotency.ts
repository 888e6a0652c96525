import { createHash, createHmac } from 'node:crypto';
import { canonicalJson } from '../../domain/proof/digest.ts';

/**
 * Keyed fingerprint of a plaintext body: two equal bodies have the same one, and whoever reads the table cannot try
 * values of sealed arguments against it.
 */
export function fingerprintBody(body: unknown, key: Uint8Array): string {
  return createHmac('sha256', key).update(canonicalJson(body)).digest('hex');
}

/** Key of one call of a batch. Hashed, so that it cannot meet a key that the caller gives to a single call. */
export function batchItemKey(key: string, index: number): string {
  return `batch:${index}:${createHash('sha256').update(key).digest('hex')}`;
}

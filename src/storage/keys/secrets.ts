import { createHash, randomBytes } from 'node:crypto';

/** SHA-256 (hex) of a whole key string, as `keySha256` and `tokenSha256` hold it. 256 random bits need no slow hash. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

/** `hpk_` and 256 random bits (base64url). */
export function newAgentKey(): string {
  return `hpk_${randomBytes(32).toString('base64url')}`;
}

/** `hpr_` and 256 random bits (base64url). */
export function newReviewerToken(): string {
  return `hpr_${randomBytes(32).toString('base64url')}`;
}

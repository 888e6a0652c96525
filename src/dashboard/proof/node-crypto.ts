/**
 * Stands for `node:crypto` in the page's bundle (see `scripts/lib/dashboard.mjs`), so that proofs are checked there by
 * the very code of `src/domain` that checks them elsewhere. Audited, synchronous implementations: WebCrypto would make all
 * of the core asynchronous, and does not exist on a page that is reached without TLS.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { Buffer } from 'buffer/';

/** A public Ed25519 key; the part of Node's `KeyObject` that the core asks for. */
class PublicKey {
  readonly type = 'public';
  readonly asymmetricKeyType = 'ed25519';
  readonly raw: Uint8Array;

  constructor(raw: Uint8Array) {
    this.raw = raw;
  }

  export(): { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string } {
    return { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(this.raw).toString('base64') };
  }
}

export function createHash(algorithm: string) {
  if (algorithm !== 'sha256') throw new TypeError('SHA-256 alone');
  const hash = sha256.create();
  const self = {
    update(data: Uint8Array | string) {
      hash.update(typeof data === 'string' ? new TextEncoder().encode(data) : data);
      return self;
    },
    digest: (encoding?: 'hex') => {
      const bytes = Buffer.from(hash.digest());
      return encoding === undefined ? bytes : bytes.toString(encoding);
    },
  };
  return self;
}

export function createPublicKey(input: { readonly key: Readonly<Record<string, string>> } | string): PublicKey {
  const jwk = typeof input === 'string' ? undefined : input.key;
  const raw = Buffer.from(jwk?.['x'] ?? '', 'base64');
  if (jwk?.['kty'] !== 'OKP' || jwk['crv'] !== 'Ed25519' || raw.length !== 32)
    throw new TypeError('not an Ed25519 key');
  return new PublicKey(new Uint8Array(raw));
}

/** By the rules of RFC 8032, as Node has it: what one of the two accepts, the other does not refuse. */
export function verify(_algorithm: null, data: Uint8Array, key: PublicKey, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  return ed25519.verify(new Uint8Array(signature), new Uint8Array(data), key.raw, { zip215: false });
}

export function sign(): never {
  throw new TypeError('the page signs nothing');
}

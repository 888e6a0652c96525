import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyRole } from '../../contract/envelope.ts';
import { KeyError } from './key-error.ts';

/** A private key with the id of its public half. */
export interface PrivateKey {
  readonly keyid: string;
  readonly privateKey: KeyObject;
}

export function privateKeyPath(directory: string, role: KeyRole): string {
  return join(directory, `${role}.key`);
}

export function keyTypeOf(role: KeyRole): 'ed25519' | 'x25519' {
  return role === 'seal' ? 'x25519' : 'ed25519';
}

/** JWK (RFC 8037) of the public half: `kty`, `crv`, `x`. */
export function publicJwkOf(key: KeyObject): Record<string, string> {
  const {
    kty = '',
    crv = '',
    x = '',
  } = createPublicKey(key.export({ format: 'pem', type: 'pkcs8' })).export({
    format: 'jwk',
  });
  return { kty, crv, x };
}

/** `<role>:` and the first 16 hexadecimal digits of the SHA-256 of the raw public key. */
export function keyidOf(role: KeyRole, jwk: Readonly<Record<string, string>>): string {
  const raw = Buffer.from(jwk['x'] ?? '', 'base64url');
  return `${role}:${createHash('sha256').update(raw).digest('hex').slice(0, 16)}`;
}

export function generatePrivateKey(role: KeyRole): PrivateKey {
  const { privateKey } = role === 'seal' ? generateKeyPairSync('x25519') : generateKeyPairSync('ed25519');
  return { keyid: keyidOf(role, publicJwkOf(privateKey)), privateKey };
}

export function writablePem({ privateKey }: PrivateKey): string {
  return String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
}

/**
 * Reads the private keys of a role: PEM (PKCS #8), one after another, the one in force first (only `seal` has older
 * ones, to open what was sealed to them); or one JWK. Throws `key_missing`, `key_insecure` where others may read the
 * file, `key_invalid`.
 */
export function readPrivateKeys(directory: string, role: KeyRole): readonly [PrivateKey, ...PrivateKey[]] {
  const path = privateKeyPath(directory, role);
  let text: string;
  try {
    refuseReadableByOthers(path);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof KeyError) throw error;
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new KeyError(
      'key_missing',
      `The key ${path} ${why}. Run \`holdpoint keys rotate ${role}\`, or put the key of this deployment there.`,
    );
  }
  const [first, ...others] = parsePrivateKeys(text, role, path);
  if (first === undefined) throw invalid(path, role);
  return [first, ...others];
}

function parsePrivateKeys(text: string, role: KeyRole, path: string): readonly PrivateKey[] {
  const parts = text.trimStart().startsWith('{')
    ? [text]
    : text
        .split('-----BEGIN ')
        .slice(1)
        .map((part) => `-----BEGIN ${part}`);
  return parts.map((part) => {
    let privateKey: KeyObject;
    try {
      privateKey = part.startsWith('-')
        ? createPrivateKey(part)
        : createPrivateKey({ key: JSON.parse(part) as JsonWebKeyInput, format: 'jwk' });
    } catch {
      // Without the cause: an error of the parser may quote the key.
      throw invalid(path, role);
    }
    if (privateKey.asymmetricKeyType !== keyTypeOf(role)) throw invalid(path, role);
    return { keyid: keyidOf(role, publicJwkOf(privateKey)), privateKey };
  });
}
type JsonWebKeyInput = Extract<Parameters<typeof createPrivateKey>[0], { format: 'jwk' }>['key'];

function invalid(path: string, role: KeyRole): KeyError {
  const type = role === 'seal' ? 'X25519' : 'Ed25519';
  return new KeyError(
    'key_invalid',
    `${path} is not an ${type} private key (PEM, PKCS #8, or JWK). Put the right key there.`,
  );
}

function refuseReadableByOthers(path: string): void {
  if (process.platform === 'win32') return;
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new KeyError(
      'key_insecure',
      `The private key ${path} is open to other users (mode ${shown}). Run \`chmod 600 ${path}\`.`,
    );
  }
}

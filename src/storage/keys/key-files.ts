import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, statSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join, dirname } from 'node:path';
import type { KeyRole } from '../../contract/envelope.ts';

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
      `The key ${path} ${why}. Run \`holdpoint keys rotate ${role}\`, or copy the key of this deployment there.`,
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
    `${path} is not an ${type} private key (PEM, PKCS #8, or JWK). Replace it with the right key.`,
  );
}

/**
 * Whether only this user, and root, can read a file. One that root lends to a group of this process counts: Kubernetes
 * mounts Secrets so, and there is no other mode for a process that is not root. The same rule as PostgreSQL's for `server.key`.
 */
export function isPrivate({ mode, uid }: { readonly mode: number; readonly uid: number }, user: number): boolean {
  const isLent = uid === 0 && user !== 0;
  return (mode & (isLent ? 0o037 : 0o077)) === 0;
}

function refuseReadableByOthers(path: string): void {
  if (process.getuid === undefined) return;
  const stat = statSync(path);
  if (!isPrivate(stat, process.getuid())) {
    const shown = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw new KeyError(
      'key_insecure',
      `The private key ${path} is readable by other users (mode ${shown}). Run \`chmod 600 ${path}\`.`,
    );
  }
}

export type KeyErrorCode =
  | 'key_missing'
  | 'key_invalid'
  | 'key_insecure'
  | 'key_not_trusted'
  | 'trust_missing'
  | 'trust_invalid'
  | 'reference_missing';

/** Keys that cannot be used. The message is for the operator, ends in what to do, and never holds a key. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
  readonly code: KeyErrorCode;
  constructor(code: KeyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Writes a whole file or nothing: another process, and a start after a crash, see the old content or the new. */
export function writeFileAtomically(path: string, text: string, mode: number): void {
  const temporary = `${path}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** Makes the rename itself durable; where a directory cannot be opened (Windows) the system takes care of it. */
function syncDirectory(directory: string): void {
  try {
    const handle = openSync(directory, 'r');
    fsyncSync(handle);
    closeSync(handle);
  } catch {
    // The content is complete either way; at worst a crash brings the old file back.
  }
}

export interface FollowedFile<T> {
  current(): T;
  problem(): string | null;
}

/** A look at the file costs microseconds, so it is taken on use: no watcher to close, nothing stale after a rotation. */
export function followFile<T>(path: string, read: () => T): FollowedFile<T> {
  let stamp = stampOf(path);
  let value = read();
  let problem: string | null = null;
  const refresh = (): void => {
    const now = stampOf(path);
    if (now === stamp) return;
    stamp = now;
    try {
      value = read();
      problem = null;
    } catch (error) {
      problem = error instanceof Error ? error.message : 'unreadable';
    }
  };
  return {
    current() {
      refresh();
      return value;
    },
    problem() {
      refresh();
      return problem;
    },
  };
}

/** Changes with every replacement and every write that the file system can tell apart. */
function stampOf(path: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return 'missing';
  }
}

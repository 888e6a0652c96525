import type { KeyObject } from 'node:crypto';
import { compactDecrypt, decodeProtectedHeader } from 'jose';
import type { Json, JsonObject } from '../contract/json.ts';
import {
  isBoundTo,
  isSealed,
  MAX_SEALED_TEXTS,
  replaceAt,
  SEAL_HEADERS,
  textsOf,
  valueAt,
  type SealBinding,
} from '../domain/seal-binding.ts';
import type { Unsealer } from '../ports/connector.ts';

interface SealKey {
  readonly keyid: string;
  /** X25519. */
  readonly privateKey: KeyObject;
}

interface UnsealerDeps {
  readonly deploymentId: () => string;
  /** Every key that may have been sealed to: the one in force and those before it. */
  readonly keys: () => readonly SealKey[];
}

/** A value that is not sealed, cannot be opened, or belongs to another call. It gives no details: the content is secret. */
class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError';
  readonly code = 'seal_broken';
  constructor() {
    super('a sealed argument does not belong to this call');
  }
}

const OPTIONS = {
  crit: Object.fromEntries(Object.values(SEAL_HEADERS).map((name) => [name, true])),
  keyManagementAlgorithms: ['ECDH-ES'],
  contentEncryptionAlgorithms: ['A256GCM'],
};

/** Opens sealed arguments inside the execute worker. Rejects with {@link SealBrokenError}. */
export function createUnsealer({ deploymentId, keys }: UnsealerDeps): Unsealer {
  return {
    async open(args, { reviewId, tool, pointers }) {
      let opened: JsonObject = args;
      const texts: string[] = [];
      for (const pointer of pointers) {
        const value = valueAt(args, pointer);
        if (value === undefined) continue;
        if (!isSealed(value)) throw new SealBrokenError();
        const binding = { deploymentId: deploymentId(), reviewId, tool, pointer };
        const plain = await openValue(value.$sealed, binding, keys());
        const inIt = textsOf(plain);
        // The answer is searched for each of them. The api seals no such value; an attacker who starts workflows might.
        if (inIt.length > MAX_SEALED_TEXTS) throw new SealBrokenError();
        texts.push(...inIt);
        opened = replaceAt(opened, pointer, plain);
      }
      return { arguments: opened, opened: [...new Set(texts)] };
    },
  };
}

/** Until decryption authenticates it, the header is untrusted: its `kid` only orders the attempts. */
async function openValue(jwe: string, binding: SealBinding, keys: readonly SealKey[]): Promise<Json> {
  const named = readKeyId(jwe);
  const ordered = keys.toSorted((a, b) => Number(b.keyid === named) - Number(a.keyid === named));
  for (const { privateKey } of ordered) {
    const decrypted = await compactDecrypt(jwe, privateKey, OPTIONS).catch(() => undefined);
    if (decrypted === undefined) continue;
    if (!isBoundTo(decrypted.protectedHeader, binding)) throw new SealBrokenError();
    try {
      return JSON.parse(new TextDecoder().decode(decrypted.plaintext)) as Json;
    } catch {
      throw new SealBrokenError();
    }
  }
  throw new SealBrokenError();
}

function readKeyId(jwe: string): string | undefined {
  try {
    return decodeProtectedHeader(jwe).kid;
  } catch {
    return undefined;
  }
}

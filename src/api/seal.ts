import { CompactEncrypt } from 'jose';
import type { TrustedKey } from '../contract/envelope.ts';
import type { JsonObject } from '../contract/json.ts';
import { MAX_SEALED_TEXTS, replaceAt, SEAL_HEADERS, sealHeader, textsOf, valueAt } from '../domain/seal-binding.ts';
import { ProblemError } from './problem.ts';
import type { SealArguments } from './deps.ts';

export interface SealTarget {
  readonly deploymentId: string;
  readonly reviewId: string;
  readonly tool: string;
  /** X25519 public key of the execute worker, as JWK (RFC 8037). */
  readonly publicKey: Readonly<Record<string, string>>;
  readonly keyid: string;
}

/** Header members that a reader must understand (RFC 7516, 4.1.13). */
const CRITICAL = Object.fromEntries(Object.values(SEAL_HEADERS).map((name) => [name, true]));

/**
 * Replaces the value at each pointer by `{"$sealed": <compact JWE>}` (ECDH-ES, A256GCM) of its JSON text. The protected
 * header binds it to its review, tool and place; only the execute worker can read it. Pointers without a value are left
 * alone.
 */
export async function sealArguments(
  args: JsonObject,
  pointers: readonly string[],
  { deploymentId, reviewId, tool, publicKey, keyid }: SealTarget,
): Promise<JsonObject> {
  let sealed = args;
  for (const pointer of pointers) {
    const value = valueAt(args, pointer);
    if (value === undefined) continue;
    if (textsOf(value).length > MAX_SEALED_TEXTS) {
      const message = `more than ${MAX_SEALED_TEXTS} texts and numbers cannot be sealed in one value`;
      throw new ProblemError('invalid_request', { errors: [{ pointer: `/arguments${pointer}`, message }] });
    }
    const jwe = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(value)))
      .setProtectedHeader({
        alg: 'ECDH-ES',
        enc: 'A256GCM',
        kid: keyid,
        crit: Object.keys(CRITICAL),
        ...sealHeader({ deploymentId, reviewId, tool, pointer }),
      })
      .encrypt({ ...publicKey }, { crit: CRITICAL });
    sealed = replaceAt(sealed, pointer, { $sealed: jwe });
  }
  return sealed;
}

/** Seals to the `seal` key in force: the newest that is not retired. Throws where no such key is trusted. */
export function createSealer(trustedKeys: () => readonly TrustedKey[]): SealArguments {
  return (args, { pointers, ...binding }) => {
    const key = trustedKeys()
      .filter(({ role, retiredAt }) => role === 'seal' && retiredAt === undefined)
      .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
    if (key === undefined) throw new Error('no key to seal with is trusted');
    return sealArguments(args, pointers, { ...binding, publicKey: key.publicKey, keyid: key.keyid });
  };
}

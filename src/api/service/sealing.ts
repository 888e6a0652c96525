import { CompactEncrypt } from 'jose';
import { keysInForce, type SealArguments, type ServiceContext } from './context.ts';
import { ProblemError } from '../problem.ts';
import type { TrustedKey } from '../../contract/envelope.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { sameJson } from '../../domain/proof/digest.ts';
import {
  findUnsealed,
  holdsSealed,
  isSealed,
  replaceAt,
  valueAt,
  MAX_SEALED_TEXTS,
  SEAL_HEADERS,
  sealHeader,
  textsOf,
} from '../../domain/seal-binding.ts';

/** Callers write values in the clear; what looks sealed is refused, wherever it stands. */
export function refuseSealed(...values: readonly (Json | undefined)[]): void {
  if (values.some((value) => value !== undefined && holdsSealed(value))) throw new ProblemError('sealed_not_allowed');
}

/**
 * For an edit or a revision: a sealed value may be sent back as it was shown, at its own place in the same review;
 * every other is refused. Returns how many were sent back.
 */
export function refuseForeignSealed(args: JsonObject, current: JsonObject | null, pointers: readonly string[]): number {
  let rest: JsonObject = args;
  let kept = 0;
  for (const pointer of pointers) {
    const value = valueAt(args, pointer);
    const shown = current === null ? undefined : valueAt(current, pointer);
    if (value === undefined || !isSealed(value)) continue;
    if (shown === undefined || !sameJson(shown, value)) {
      throw new ProblemError('sealed_not_allowed');
    }
    rest = replaceAt(rest, pointer, null);
    kept += 1;
  }
  refuseSealed(rest);
  return kept;
}

/** Encrypts what is still in the clear at the tool's `seal` pointers. */
export async function sealCall(
  context: ServiceContext,
  reviewId: ReviewId,
  tool: string,
  args: JsonObject,
): Promise<JsonObject> {
  const { policy, deploymentId } = context.settings.current();
  const pointers = findUnsealed(args, policy.findTool(tool)?.definition.seal ?? []);
  return pointers.length === 0 ? args : context.seal(args, { deploymentId, reviewId, tool, pointers });
}

interface SealTarget {
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
    const [key] = keysInForce(trustedKeys(), 'seal').toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
    if (key === undefined) throw new Error('no trusted key to seal with');
    return sealArguments(args, pointers, { ...binding, publicKey: key.publicKey, keyid: key.keyid });
  };
}

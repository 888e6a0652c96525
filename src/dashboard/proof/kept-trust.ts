import type { AuditKeys } from '../../contract/audit-query.ts';
import type { TrustedKey } from '../../contract/envelope.ts';

/**
 * What this browser remembers of a deployment between visits: the keys it met first and the last checkpoint it verified.
 * A server that is taken over later can show neither other keys nor another past, nor call itself another deployment,
 * without being noticed here: an address has one deployment until a person accepts another.
 */
export interface KeptTrust {
  readonly deploymentId: string;
  readonly keys: readonly TrustedKey[];
  /** ISO 8601: when the keys were met. */
  readonly since: string;
  readonly checkpoint: { readonly size: number; readonly note: string; readonly at: string } | null;
}

const NAME = 'holdpoint-trust';

/** `localStorage`. */
export interface TrustStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

export function readKept(storage: TrustStorage): KeptTrust | undefined {
  try {
    const kept = JSON.parse(storage.getItem(NAME) ?? 'null') as KeptTrust | null;
    return typeof kept?.deploymentId === 'string' && Array.isArray(kept.keys) ? kept : undefined;
  } catch {
    return undefined;
  }
}

export function keep(storage: TrustStorage, trust: KeptTrust): void {
  try {
    storage.setItem(NAME, JSON.stringify(trust));
  } catch {
    // A browser that keeps nothing meets the keys for the first time at every visit.
  }
}

/** The keys to believe: those of before. At the first visit there is nothing but what the server says. */
export function trustFor(
  storage: TrustStorage,
  offered: AuditKeys,
  now: string,
): { readonly kept: KeptTrust; readonly isFirst: boolean } {
  const known = readKept(storage);
  if (known !== undefined)
    return { kept: { ...known, keys: withRetirements(known.keys, offered.keys) }, isFirst: false };
  return {
    kept: { deploymentId: offered.deploymentId, keys: offered.keys, since: now, checkpoint: null },
    isFirst: true,
  };
}

/** A person accepts what the server offers. Another deployment has another past. */
export function acceptKeys(storage: TrustStorage, kept: KeptTrust, { deploymentId, keys }: AuditKeys): void {
  const checkpoint = deploymentId === kept.deploymentId ? kept.checkpoint : null;
  keep(storage, { ...kept, deploymentId, keys, checkpoint });
}

/** Keys that the server offers and this browser has not met: all of them where it is another deployment. */
export function newKeys(kept: KeptTrust, offered: AuditKeys): readonly TrustedKey[] {
  if (offered.deploymentId !== kept.deploymentId) return offered.keys;
  return offered.keys.filter((key) => !kept.keys.some((known) => isSame(known, key)));
}

/** That a key was retired only ever makes it count for less. */
function withRetirements(known: readonly TrustedKey[], offered: readonly TrustedKey[]): readonly TrustedKey[] {
  return known.map((key) => {
    const retiredAt = key.retiredAt ?? offered.find((other) => isSame(key, other))?.retiredAt;
    return retiredAt === undefined ? key : { ...key, retiredAt };
  });
}

function isSame(a: TrustedKey, b: TrustedKey): boolean {
  return a.role === b.role && a.keyid === b.keyid && a.publicKey['x'] === b.publicKey['x'];
}

import {
  SIGNING_ROLE,
  type DsseEnvelope,
  type EnvelopeKind,
  type EnvelopePayload,
  type KeyRole,
} from '../../contract/envelope.ts';
import { signEnvelope } from '../../domain/proof/dsse.ts';
import type { Keys } from './keys.ts';

/** Has the shape of the `Signer` port: signs what its role may sign, with the key in force now. */
export interface RoleSigner {
  readonly keyid: string;
  sign<K extends EnvelopeKind>(kind: K, payload: EnvelopePayload<K>): DsseEnvelope;
}

export function createSigner(role: Exclude<KeyRole, 'seal'>, keys: Pick<Keys, 'privateKeys'>): RoleSigner {
  return {
    get keyid() {
      return keys.privateKeys(role)[0].keyid;
    },
    sign(kind, payload) {
      if (SIGNING_ROLE[kind] !== role) throw new TypeError(`a ${role} key does not sign a ${kind}`);
      const [{ keyid, privateKey }] = keys.privateKeys(role);
      return signEnvelope(kind, payload, privateKey, keyid);
    },
  };
}

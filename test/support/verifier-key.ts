import { noteKeyId, type NoteKey } from '../../src/domain/proof/checkpoint.ts';
import { publicKeyOf } from '../../src/domain/proof/dsse.ts';

const ED25519 = 0x01;

/** Verifier key text `<name>+<hex key id>+<base64(type || key)>`, as `golang.org/x/mod/sumdb/note` reads it. */
export function formatVerifierKey(key: NoteKey): string {
  const { x = '' } = key.publicKey.export({ format: 'jwk' });
  const typed = Buffer.concat([Buffer.of(ED25519), Buffer.from(x, 'base64url')]);
  return `${key.name}+${noteKeyId(key).toString(16).padStart(8, '0')}+${typed.toString('base64')}`;
}

/** Reads a verifier key of Ed25519. Throws where its id does not fit. */
export function parseVerifierKey(text: string): NoteKey {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(text) ?? [];
  const x = Buffer.from(encoded, 'base64').subarray(1).toString('base64url');
  const key: NoteKey = { name, publicKey: publicKeyOf({ kty: 'OKP', crv: 'Ed25519', x }) };
  if (noteKeyId(key) !== Number.parseInt(id, 16)) throw new TypeError('the id of the key does not fit');
  return key;
}

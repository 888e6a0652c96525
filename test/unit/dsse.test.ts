import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloadTypeOf } from '../../src/contract/constants.ts';
import { ENVELOPE_KINDS, type DsseEnvelope } from '../../src/contract/envelope.ts';
import { canonicalJson, digestBytes } from '../../src/domain/proof/digest.ts';
import {
  preAuthEncoding,
  publicKeyOf,
  readPayload,
  signEnvelope,
  verifyEnvelope,
} from '../../src/domain/proof/dsse.ts';
import { makeKey } from '../support/keys.ts';
import { decisionOf } from '../support/materials.ts';

const key = makeKey('review-1');
const stranger = makeKey('review-1');
const DIGEST = `sha256:${'a'.repeat(64)}`;
const payload = decisionOf(DIGEST, { comment: 'wünscht — “ja” 🙂' });
const envelope = signEnvelope('decision', payload, key.privateKey, key.keyid);

/** Signs any text at all as a decision, as a service with a key of its own could. */
function signText(text: string | Buffer, type = payloadTypeOf('decision')): DsseEnvelope {
  const body = Buffer.from(text);
  const sig = sign(null, preAuthEncoding(type, body), key.privateKey).toString('base64');
  return { payload: body.toString('base64'), payloadType: type, signatures: [{ sig }] };
}

const withSig = (sig: string): DsseEnvelope => ({ ...envelope, signatures: [{ keyid: key.keyid, sig }] });
const sigOf = ({ signatures }: DsseEnvelope): string => signatures[0]?.sig ?? '';

describe('pre-authentication encoding', () => {
  // secure-systems-lab/dsse, protocol.md, "Test vectors".
  it('is that of the published example', () => {
    const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(encoded.toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('counts bytes, not characters', () => {
    expect(preAuthEncoding('é', Buffer.from('🙂')).toString()).toBe('DSSEv1 2 é 4 🙂');
  });

  it('is another for another split of the same characters', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        fc.pre(a !== c || b !== d);
        const [one, two] = [preAuthEncoding(a, Buffer.from(b)), preAuthEncoding(c, Buffer.from(d))];
        expect(one.equals(two)).toBe(false);
      }),
    );
  });
});

describe('an envelope', () => {
  it('gives back what was signed, with its digest and the key that verified', () => {
    expect(verifyEnvelope('decision', envelope, [key])).toEqual({
      payload,
      keyid: 'review-1',
      payloadDigest: digestBytes(canonicalJson(payload)),
    });
    expect(readPayload('decision', envelope)).toEqual(payload);
  });

  it('verifies with none but its key, whatever keyid says', () => {
    expect(verifyEnvelope('decision', envelope, [])).toBeUndefined();
    expect(verifyEnvelope('decision', envelope, [stranger])).toBeUndefined();
    const lying = { ...envelope, signatures: [{ keyid: 'another', sig: sigOf(envelope) }] };
    expect(verifyEnvelope('decision', lying, [stranger, key])?.keyid).toBe('review-1');
    const forged = signEnvelope('decision', payload, stranger.privateKey, key.keyid);
    expect(verifyEnvelope('decision', forged, [key])).toBeUndefined();
  });

  it('verifies without a keyid', () => {
    const nameless = { ...envelope, signatures: [{ sig: sigOf(envelope) }] };
    expect(verifyEnvelope('decision', nameless, [key])?.payload).toEqual(payload);
  });

  it('verifies as its own kind alone', () => {
    for (const kind of ENVELOPE_KINDS.filter((other) => other !== 'decision')) {
      expect(verifyEnvelope(kind, envelope, [key])).toBeUndefined();
      // The type is signed: renaming it breaks the signature.
      const renamed = { ...envelope, payloadType: payloadTypeOf(kind) };
      expect(verifyEnvelope(kind, renamed, [key])).toBeUndefined();
    }
  });

  it('does not verify once a byte of it is another', () => {
    const body = Buffer.from(envelope.payload, 'base64');
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(body);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(verifyEnvelope('decision', { ...envelope, payload: changed.toString('base64') }, [key])).toBeUndefined();
      }),
    );
    const sig = Buffer.from(sigOf(envelope), 'base64');
    for (let at = 0; at < sig.length; at += 1) {
      const changed = Buffer.from(sig);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verifyEnvelope('decision', withSig(changed.toString('base64')), [key])).toBeUndefined();
    }
  });

  it('may carry signatures of others beside the one that holds', () => {
    const extra = { keyid: 'x', sig: Buffer.alloc(64, 7).toString('base64') };
    const own = { keyid: key.keyid, sig: sigOf(envelope) };
    expect(verifyEnvelope('decision', { ...envelope, signatures: [extra, own] }, [key])?.payload).toEqual(payload);
    expect(verifyEnvelope('decision', { ...envelope, signatures: [own, extra] }, [key])?.payload).toEqual(payload);
    expect(verifyEnvelope('decision', { ...envelope, signatures: [extra] }, [key])).toBeUndefined();
    const five = { ...envelope, signatures: [extra, extra, extra, extra, own] };
    expect(verifyEnvelope('decision', five, [key])).toBeUndefined();
  });

  it('has no second signature: the order of the group cannot be added', () => {
    // RFC 8032, 5.1.7: S must be below L. With S + L the same equation would hold.
    const L = 2n ** 252n + 27742317777372353535851937790883648493n;
    const sig = Buffer.from(sigOf(envelope), 'base64');
    const s = BigInt(`0x${Buffer.from(sig.subarray(32).toReversed()).toString('hex')}`) + L;
    const shifted = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').toReversed();
    const twin = Buffer.concat([sig.subarray(0, 32), shifted]);
    expect(twin.length).toBe(64);
    expect(verifyEnvelope('decision', withSig(twin.toString('base64')), [key])).toBeUndefined();
  });

  it.each<[string, (text: string) => string]>([
    ['the URL alphabet', (text) => text.replaceAll('+', '-').replaceAll('/', '_')],
    ['no padding', (text) => text.replaceAll('=', '')],
    ['more padding', (text) => `${text}====`],
    ['white space', (text) => ` ${text}\n`],
    ['characters of no alphabet', (text) => `${text.slice(0, 4)}!${text.slice(4)}`],
  ])('has no second spelling: %s', (_name, respell) => {
    // Long enough to hold every character of the alphabet; one of the three lengths is padded.
    const comments = [0, 1, 2].map((more) => '???>>>~~~ÿÿÿ'.repeat(9) + 'x'.repeat(more));
    let tried = 0;
    for (const comment of comments) {
      const one = signEnvelope('decision', { ...payload, comment }, key.privateKey, 'k');
      expect(verifyEnvelope('decision', one, [key])).toBeDefined();
      const again = respell(one.payload);
      if (again === one.payload) continue;
      tried += 1;
      expect(verifyEnvelope('decision', { ...one, payload: again }, [key])).toBeUndefined();
      const sig = respell(sigOf(one));
      if (sig === sigOf(one)) continue;
      expect(verifyEnvelope('decision', { ...one, signatures: [{ sig }] }, [key])).toBeUndefined();
    }
    expect(tried).toBeGreaterThan(0);
  });

  it('has no second spelling: the spare bits of its last character', () => {
    const sig = sigOf(envelope);
    const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const last = ALPHABET.indexOf(sig.at(-3) ?? '');
    const twin = `${sig.slice(0, -3)}${ALPHABET[last + 1]}==`;
    expect(Buffer.from(twin, 'base64').equals(Buffer.from(sig, 'base64'))).toBe(true);
    expect(verifyEnvelope('decision', withSig(twin), [key])).toBeUndefined();
  });

  it.each([
    null,
    undefined,
    7,
    'x',
    [],
    {},
    { payload: 1 },
    { ...envelope, signatures: [] },
    { ...envelope, signatures: 3 },
  ])('is nothing, and no error, where it is %j', (value) => {
    expect(verifyEnvelope('decision', value, [key])).toBeUndefined();
  });
});

describe('what is inside', () => {
  it('must have the shape of its kind, even where it is signed', () => {
    for (const wrong of [
      {},
      { ...payload, type: 'maybe' },
      { ...payload, reviewId: 'rev_x' },
      { ...payload, level: 0 },
    ]) {
      const signed = signText(JSON.stringify(wrong));
      expect(verifyEnvelope('decision', signed, [key])).toBeUndefined();
    }
    expect(verifyEnvelope('decision', signText(JSON.stringify(payload)), [key])?.payload).toEqual(payload);
  });

  it('loses what is none of it', () => {
    const more = signText(JSON.stringify({ ...payload, groups: ['ops'], admin: true }));
    expect(verifyEnvelope('decision', more, [key])?.payload).toEqual(payload);
  });

  const json = JSON.stringify(payload);
  it.each<[string, string | Buffer]>([
    ['no JSON', 'yes'],
    ['empty', ''],
    ['half a character', json.replace('wünscht', String.raw`\ud800`)],
    ['a key twice', json.replace('{', '{"type":"reject",')],
    ['a number that no double holds', json.replace('"level":1', '"level":1.00000000000000000001')],
    ['__proto__', json.replace('{', '{"editedArguments":{"__proto__":{}},')],
    [
      'nesting beyond the stack',
      json.replace('{', `{"editedArguments":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}},`),
    ],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from(json.slice(0, -2)), Buffer.from([0xff]), Buffer.from('"}')]),
    ],
    ['a byte order mark', `\ufeff${json}`],
  ])('is nothing, and no error, where it is %s', (_name, text) => {
    expect(verifyEnvelope('decision', signText(text), [key])).toBeUndefined();
  });
});

describe('keys', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed448 = generateKeyPairSync('ed448');
  const x25519 = generateKeyPairSync('x25519');

  it('must be Ed25519 to sign', () => {
    for (const { privateKey } of [rsa, ec, ed448, x25519]) {
      expect(() => signEnvelope('decision', payload, privateKey, 'k')).toThrow(TypeError);
    }
  });

  it('must be Ed25519 to verify, also where the signature would hold', () => {
    for (const { privateKey, publicKey } of [rsa, ec, ed448]) {
      const body = Buffer.from(canonicalJson(payload));
      const sig = sign(null, preAuthEncoding(envelope.payloadType, body), privateKey).toString('base64');
      const signed = { ...envelope, signatures: [{ sig }] };
      expect(verifyEnvelope('decision', signed, [{ keyid: 'k', publicKey }])).toBeUndefined();
    }
  });

  it('must be public to verify', () => {
    const mistaken = { keyid: 'k', publicKey: key.privateKey };
    expect(verifyEnvelope('decision', envelope, [mistaken])).toBeUndefined();
  });

  it('are read from a JWK or PEM of an Ed25519 key, and no other', () => {
    const jwk = key.publicKey.export({ format: 'jwk' }) as Record<string, string>;
    const pem = key.publicKey.export({ format: 'pem', type: 'spki' });
    for (const publicKey of [publicKeyOf(jwk), publicKeyOf(String(pem))]) {
      expect(verifyEnvelope('decision', envelope, [{ keyid: 'k', publicKey }])?.payload).toEqual(payload);
    }
    for (const { publicKey } of [rsa, ec, ed448, x25519]) {
      expect(() => publicKeyOf(String(publicKey.export({ format: 'pem', type: 'spki' })))).toThrow();
      expect(() => publicKeyOf(publicKey.export({ format: 'jwk' }) as Record<string, string>)).toThrow();
    }
    expect(() => publicKeyOf('no key')).toThrow();
    // From a private key's PEM, Node derives the public one.
    const secret = String(key.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(createPublicKey(secret).asymmetricKeyType).toBe('ed25519');
    expect(publicKeyOf(secret).type).toBe('public');
  });
});

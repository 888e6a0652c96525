import { createHash as nodeHash, generateKeyPairSync, randomBytes, sign as nodeSign } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AuditKeys } from '../../src/contract/audit-query.ts';
import {
  acceptKeys,
  keep,
  newKeys,
  readKept,
  trustFor,
  type TrustStorage,
} from '../../src/dashboard/proof/kept-trust.ts';
import { createHash, createPublicKey, verify } from '../../src/dashboard/proof/node-crypto.ts';

describe('what stands for node:crypto in the page', () => {
  test('hashes as Node does', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array(), fc.string({ unit: 'grapheme' }))), (parts) => {
        const [ours, nodes] = [createHash('sha256'), nodeHash('sha256')];
        for (const part of parts) {
          ours.update(part);
          nodes.update(part);
        }
        const expected = nodes.digest('hex');
        expect(ours.digest('hex')).toBe(expected);
      }),
    );
    expect(() => createHash('md5')).toThrow(TypeError);
  });

  test('verifies what Node signed, and nothing that differs by a bit', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = createPublicKey({ key: publicKey.export({ format: 'jwk' }) as Record<string, string> });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (data, at) => {
        const signature = nodeSign(null, data, privateKey);
        expect(verify(null, data, key, signature)).toBe(true);
        const flip = (bytes: Uint8Array): Uint8Array =>
          bytes.map((byte, i) => (i === at % bytes.length ? byte ^ (1 << (at % 8)) : byte));
        expect(verify(null, flip(data), key, signature)).toBe(false);
        expect(verify(null, data, key, flip(signature))).toBe(false);
      }),
      { numRuns: 30 },
    );
    expect(verify(null, randomBytes(3), key, randomBytes(63))).toBe(false);
  });

  test('knows keys again, and takes no other kind', () => {
    const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as Record<string, string>;
    expect(Buffer.from(createPublicKey({ key: jwk }).export().x, 'base64').toString('base64url')).toBe(jwk['x']);
    const other = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) as Record<string, string>;
    for (const key of [other, {}, { ...jwk, x: 'AAAA' }]) expect(() => createPublicKey({ key })).toThrow(TypeError);
    expect(() => createPublicKey('-----BEGIN PUBLIC KEY-----')).toThrow(TypeError);
  });
});

describe('what a browser keeps of a deployment', () => {
  const keyOf = (x: string, more = {}) =>
    ({ keyid: x, role: 'review', publicKey: { x }, createdAt: '2026-01-01T00:00:00.000Z', ...more }) as const;
  const offered = (...keys: ReturnType<typeof keyOf>[]): AuditKeys => ({ deploymentId: 'acme', keys });
  const NOW = '2026-04-01T12:00:00.000Z';

  let storage: TrustStorage;
  beforeEach(() => {
    const kept = new Map<string, string>();
    storage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value) };
  });

  test('keys of the first visit are the ones that count later', () => {
    const first = trustFor(storage, offered(keyOf('a')), NOW);
    expect([first.isFirst, first.kept.since]).toEqual([true, NOW]);
    keep(storage, first.kept);
    const second = trustFor(storage, offered(keyOf('a'), keyOf('b')), '2026-05-01T12:00:00.000Z');
    expect([second.isFirst, second.kept.since]).toEqual([false, NOW]);
    expect(second.kept.keys.map(({ keyid }) => keyid)).toEqual(['a']);
    expect(newKeys(second.kept, offered(keyOf('a'), keyOf('b')))).toEqual([keyOf('b')]);
  });

  test('another key under a known name is a new one', () => {
    keep(storage, trustFor(storage, offered(keyOf('a')), NOW).kept);
    const forged = { ...keyOf('a'), publicKey: { x: 'z' } } as unknown as ReturnType<typeof keyOf>;
    const { kept } = trustFor(storage, offered(forged), NOW);
    expect(kept.keys).toEqual([keyOf('a')]);
    expect(newKeys(kept, offered(forged))).toEqual([forged]);
  });

  test('a key may be retired, never brought back', () => {
    keep(storage, trustFor(storage, offered(keyOf('a')), NOW).kept);
    const retired = trustFor(storage, offered(keyOf('a', { retiredAt: NOW })), NOW).kept;
    expect(retired.keys).toEqual([keyOf('a', { retiredAt: NOW })]);
    keep(storage, retired);
    expect(trustFor(storage, offered(keyOf('a')), NOW).kept.keys).toEqual([keyOf('a', { retiredAt: NOW })]);
  });

  test('another deployment at the same address is believed once a person accepts it, with a past of its own', () => {
    const checkpoint = { size: 3, note: 'note', at: NOW };
    keep(storage, { ...trustFor(storage, offered(keyOf('a')), NOW).kept, checkpoint });
    const other: AuditKeys = { deploymentId: 'other', keys: [keyOf('a'), keyOf('b')] };
    const { kept, isFirst } = trustFor(storage, other, NOW);
    expect([kept.deploymentId, kept.keys, isFirst]).toEqual(['acme', [keyOf('a')], false]);
    expect(newKeys(kept, other)).toEqual(other.keys);
    acceptKeys(storage, kept, other);
    expect(readKept(storage)).toMatchObject({ deploymentId: 'other', keys: other.keys, checkpoint: null });
  });

  test('rubbish is no acquaintance', () => {
    storage.setItem('holdpoint-trust', '{"deploymentId":"acme"');
    expect(readKept(storage)).toBeUndefined();
  });
});

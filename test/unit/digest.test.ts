import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Material } from '../../src/contract/review.ts';
import { canonicalJson, digestBytes, digestMaterial, digestOf } from '../../src/domain/proof/digest.ts';
import { levelOf, materialOf } from '../support/materials.ts';

/** IEEE 754 double from its bits. */
function double(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE(0);
}

describe('RFC 8785', () => {
  // Appendix B.
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the number %s as %s', (bits, text) => {
    expect(canonicalJson(double(bits))).toBe(text);
  });

  it.each(['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])('refuses the number %s', (bits) => {
    expect(() => canonicalJson(double(bits))).toThrow();
  });

  // Sections 3.2.2 and 3.2.3.
  it('writes the sample of the RFC', () => {
    const sample = JSON.parse(
      String.raw`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`,
    ) as unknown;
    expect(canonicalJson(sample)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts keys by UTF-16 code units', () => {
    const given = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(Object.keys(JSON.parse(canonicalJson(given)) as object).slice(1)).toEqual([
      '\r',
      '\u0080',
      '\u00f6',
      '\u20ac',
      '\ud83d\ude00',
      '\ufb33',
    ]);
    expect(canonicalJson(given).indexOf('"\\r"')).toBe(1);
  });

  it('refuses halves of characters and what is not JSON', () => {
    expect(() => canonicalJson('\ud800')).toThrow();
    expect(() => canonicalJson({ a: ['\udc00'] })).toThrow();
    expect(() => canonicalJson({ ['\ud800']: 1 })).toThrow();
    expect(() => canonicalJson(undefined)).toThrow(TypeError);
  });

  it('agrees with another implementation', () => {
    const text = fc.string({ unit: 'binary' });
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null)),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(text, fc.nat().map(String)), tie('value'), { maxKeys: 6 }),
      ),
    }));
    const resultOf = (write: (given: unknown) => unknown, given: unknown): unknown => {
      try {
        return write(given);
      } catch {
        return 'refused';
      }
    };
    fc.assert(
      fc.property(value, (given) => {
        expect(resultOf(canonicalJson, given)).toBe(resultOf(canonicalize, given));
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes SHA-256 over the UTF-8 of it', () => {
    // FIPS 180-4: SHA-256 of "abc".
    expect(digestBytes('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(digestOf({ b: 1, a: 'é' })).toBe(digestBytes(Buffer.from('{"a":"é","b":1}', 'utf8')));
  });
});

describe('law 3: the digest holds everything that is approved', () => {
  const material = materialOf({ evidence: { facts: [], sourceHash: null, gatheredAt: '2026-04-01T12:00:00.000Z' } });
  const other: { readonly [K in keyof Material]: readonly unknown[] } = {
    schemaVersion: [2],
    deploymentId: ['other'],
    reviewId: ['rev_01JZZZZZZZZZZZZZZZZZZZZZZX'],
    revision: [2],
    kind: ['in-flow'],
    proposer: ['agent-2'],
    owner: ['ops-1', null],
    service: ['other'],
    tool: ['payouts.create'],
    arguments: [{ id: 'a-2' }, { id: 'a-1', more: null }, {}],
    target: [null, { connector: 'other', request: material.target?.request }, { connector: 'payouts', request: {} }],
    evidence: [
      null,
      { facts: [], sourceHash: 'x', gatheredAt: '2026-04-01T12:00:00.000Z' },
      { facts: [], sourceHash: null, gatheredAt: '2026-04-01T12:00:00.001Z' },
      { facts: [{ name: 'a', label: 'A', value: 1 }], sourceHash: null, gatheredAt: '2026-04-01T12:00:00.000Z' },
    ],
    context: [{}, { env: 'staging' }],
    class: ['sensitive'],
    levels: [
      [],
      [levelOf('ops', 2)],
      [levelOf('finance')],
      [levelOf('ops'), levelOf('ops')],
      [levelOf('ops', 1, { at: '2026-04-01T12:00:00.000Z', to: ['managers'] })],
    ],
    separationOfDuties: [true],
    expiresAt: [null, '2026-04-02T12:00:00.001Z'],
    policyDigest: [`sha256:${'1'.repeat(64)}`],
  };

  it.each(Object.entries(other).flatMap(([key, values]) => values.map((value) => [key, value] as const)))(
    'changes with %s: %j',
    (key, value) => {
      const changed = { ...material, [key]: value } as Material;
      expect(digestMaterial(changed)).not.toBe(digestMaterial(material));
    },
  );

  it('covers every key that a material has', () => {
    expect(Object.keys(other).toSorted()).toEqual(Object.keys(material).toSorted());
  });

  it('does not change with the order of keys, or with a field that is none of its own', () => {
    const reversed = Object.fromEntries(Object.entries(material).toReversed()) as unknown as Material;
    expect(digestMaterial(reversed)).toBe(digestMaterial(material));
    expect(digestMaterial({ ...material, approved: true } as Material)).toBe(digestMaterial(material));
  });

  it('tells 1, "1", true and null apart', () => {
    const digests = [1, '1', true, null].map((id) => digestMaterial(materialOf({ arguments: { id } })));
    expect(new Set(digests).size).toBe(4);
  });
});

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { decodeTime, isValid } from 'ulid';
import { describe, expect, it } from 'vitest';
import { ulidSchema } from '../../src/contract/ids.ts';
import { decodeBase64Text } from '../../src/domain/text/base64.ts';
import { ulidOf } from '../../src/domain/ulid.ts';

describe('base64 in the workflow sandbox', () => {
  it('reads what Buffer writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        fc.pre(!/[\ud800-\udfff]/u.test(text));
        expect(decodeBase64Text(Buffer.from(text, 'utf8').toString('base64'))).toBe(text);
      }),
    );
  });

  it('reads nothing else: whatever it reads, Buffer writes back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgw/+-_= aZ09'.split('')), maxLength: 12 }), (encoded) => {
        const text = decodeBase64Text(encoded);
        if (text !== undefined) expect(Buffer.from(text, 'utf8').toString('base64')).toBe(encoded);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    'A',
    'AA',
    'AAA',
    'A===',
    '====',
    'AB==',
    'AAB=',
    'AA=A',
    'QQ==\n',
    ' QQ==',
    'Q-==',
    'Q_==',
    'é===',
    '/w==',
  ])('refuses %j', (encoded) => {
    expect(decodeBase64Text(encoded)).toBeUndefined();
  });

  it('reads the empty text and long ones', () => {
    expect(decodeBase64Text('')).toBe('');
    const long = JSON.stringify({ a: 'ö'.repeat(200_000) });
    expect(decodeBase64Text(Buffer.from(long).toString('base64'))).toBe(long);
  });
});

describe('a ULID', () => {
  const MAX = 2 ** 48 - 1;

  it('tells its time to the ulid library', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX }), fc.uuid({ version: 4 }), (time, uuid) => {
        const ulid = ulidOf(time, uuid);
        expect(isValid(ulid)).toBe(true);
        expect(ulidSchema.safeParse(ulid).success).toBe(true);
        expect(decodeTime(ulid)).toBe(time);
      }),
    );
  });

  it('sorts by time', () => {
    fc.assert(
      fc.property(fc.nat(MAX - 1), fc.uuid({ version: 4 }), fc.uuid({ version: 4 }), (time, a, b) => {
        expect(ulidOf(time, a) < ulidOf(time + 1, b)).toBe(true);
      }),
    );
  });

  it('takes its random part from random digits alone', () => {
    const made = new Set(Array.from({ length: 2_000 }, () => ulidOf(0, randomUUID())));
    expect(made.size).toBe(2_000);
    const last = [...made].map((ulid) => ulid.slice(10));
    for (let at = 0; at < 16; at += 1) {
      // A fixed digit of the UUID would show as a place that takes few values.
      expect(new Set(last.map((text) => text[at])).size).toBe(32);
    }
  });
});

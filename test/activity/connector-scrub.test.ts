import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/domain/addresses.ts';
import { parseStorable } from '../../src/domain/json/storable.ts';
import { redact } from '../../src/connectors/answer.ts';
import { scrub } from '../../src/connectors/scrub.ts';

const secret = 'sk_live_Ab+/é "x"\n9';

describe('scrub', () => {
  const bytes = Buffer.from(secret);
  it.each([
    ['raw', secret],
    ['base64', bytes.toString('base64')],
    ['base64url', bytes.toString('base64url')],
    ['base64 of user:secret', Buffer.from(`user:${secret}`).toString('base64')],
    ['base64 of us:secret:x', Buffer.from(`us:${secret}:x`).toString('base64')],
    ['base64 of u:secret', Buffer.from(`u:${secret}`).toString('base64url')],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['percent-encoded', encodeURIComponent(secret)],
    ['percent-encoded in lower case', encodeURIComponent(secret).replaceAll(/%../g, (c) => c.toLowerCase())],
    ['form-encoded', new URLSearchParams({ a: secret }).toString().slice(2)],
    ['JSON-escaped', JSON.stringify(secret)],
    ['JSON in JSON', JSON.stringify(JSON.stringify(secret))],
  ])('removes the %s form', (_, form) => {
    const clean = JSON.stringify(scrub({ a: [`before ${form} after`] }, [secret]));
    expect(clean).toContain('[redacted]');
    for (const piece of ['live_Ab', bytes.toString('hex').slice(8, 20), bytes.toString('base64').slice(4, 12)]) {
      expect(clean.toLowerCase()).not.toContain(piece.toLowerCase());
    }
  });

  it('looks at keys and numbers, and keeps everything else', () => {
    expect(
      scrub({ 'x-tok_123456': 1, n: 91234567, m: 12, deep: [null, true, { 'ok ✓': 'fine' }] }, [
        'tok_123456',
        '1234567',
      ]),
    ).toEqual({
      'x-[redacted]': 1,
      n: '[redacted]',
      m: 12,
      deep: [null, true, { 'ok ✓': 'fine' }],
    });
  });

  it('removes overlapping secrets whole, longest first', () => {
    expect(scrub('abcdefghij', ['abcdef', 'abcdefghij'])).toBe('[redacted]');
  });

  it('removes a short secret where it stands by itself, and tears no word or number apart', () => {
    const value = { pin: '4711', n: 4711, text: 'PIN=4711; code:"4711"', '4711': [14711, 4711.5, 'a4711', '47110'] };
    expect(scrub(value, ['4711'])).toEqual({
      pin: '[redacted]',
      n: '[redacted]',
      text: 'PIN=[redacted]; code:"[redacted]"',
      '[redacted]': [14711, 4711.5, 'a4711', '47110'],
    });
    expect(scrub(['x', 'fox', 'x-ray', 'été'], ['x', 't'])).toEqual(['[redacted]', 'fox', '[redacted]-ray', 'été']);
    expect(scrub({ a: 12, b: '0012' }, ['0012'])).toEqual({ a: '[redacted]', b: '[redacted]' });
    expect(scrub(`sent ${Buffer.from('4711').toString('base64')}, %34%37%31%31 and 34373131`, ['4711'])).toBe(
      'sent [redacted]==, [redacted] and [redacted]',
    );
  });

  it('B1: numbers that a double does not hold are searched as every number is', () => {
    const value = { a: { $number: '81726354819281726354' }, b: { $number: '12345678901234567890' } };
    expect(scrub(value, ['819281726354', '12345'])).toEqual({ a: '[redacted]', b: value.b });
  });

  it('matches a secret without letters and digits only as a whole text', () => {
    expect(scrub(['--', 'a -- b', ' ', 'a b', 0], ['--', ' ', ''])).toEqual([
      '[redacted]',
      'a -- b',
      '[redacted]',
      'a b',
      0,
    ]);
  });

  it('leaves values without secrets alone', () => {
    const value = { a: 'abc abc' };
    expect(scrub(value, [])).toBe(value);
    expect(scrub(value, ['ab'])).toEqual(value);
  });

  it('keeps text intact whose length changes with its case', () => {
    expect(scrub(`İİİ ${Buffer.from(secret).toString('hex')} end`, [secret])).toBe('İİİ [redacted] end');
  });
});

describe('redact', () => {
  it('drops what pointers name, with wildcards', () => {
    const body = {
      rows: [
        { id: 1, mail: 'a' },
        { id: 2, mail: 'b' },
      ],
      'a/b': { '~': 1 },
      keep: true,
    };
    expect(redact(body, ['/rows/*/mail', '/a~1b/~0', '/absent/x'])).toEqual({
      rows: [{ id: 1 }, { id: 2 }],
      'a/b': {},
      keep: true,
    });
    expect(redact([1, 2, 3], ['/1'])).toEqual([1, 3]);
    expect(redact(body, ['/*'])).toEqual({});
  });

  it('drops an answer in which the fields to redact cannot be found', () => {
    expect(redact('mail=a', ['/mail'])).toEqual({ $omitted: 'not_redactable' });
    expect(redact('mail=a', [])).toBe('mail=a');
  });
});

describe('parseStorable', () => {
  it('makes values that can be stored and hashed', () => {
    expect(parseStorable('{"a":"x\\u0000\\ud800y","n":1e999,"\\udc00":[null]}')).toEqual({
      ok: true,
      value: { a: 'x\ufffd\ufffdy', n: { $number: '1e999' }, '\ufffd': [null] },
    });
    const parsed = parseStorable('{"__proto__":{"a":1}}');
    expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(['__proto__']);
    expect(({} as { a?: number }).a).toBeUndefined();
  });

  it('refuses what nests too deeply or is not JSON', () => {
    expect(parseStorable('['.repeat(100) + ']'.repeat(100))).toMatchObject({ ok: false, why: 'too_deep' });
    expect(parseStorable('['.repeat(100_000) + ']'.repeat(100_000)).ok).toBe(false);
    expect(parseStorable('{"a":')).toEqual({ ok: false, why: 'not_json' });
  });
});

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001::1'])(
    'takes %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
  it.each([
    '127.0.0.1',
    '127.255.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '192.88.99.1',
    '224.0.0.1',
    '239.1.1.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '100::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd00:ec2::254',
    'fec0::1',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2001:10::1',
    '2002:7f00:1::1',
    '3fff::1',
    '5f00::1',
    '4000::1',
    'localhost',
    '',
    '1.2.3',
    '0x7f000001',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

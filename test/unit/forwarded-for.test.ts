import { describe, expect, test } from 'vitest';
import { readAddress, readForwardedFor } from '../../src/api/http/addresses.ts';

describe('one hop of X-Forwarded-For', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1:4711 ', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['[::ffff:c000:201]:4711', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:DB8:0:0:0:0:0:1]', '2001:db8::1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
  ])('%s', (hop, address) => expect(readAddress(hop)).toBe(address));

  test.each([
    '',
    'unknown',
    '_hidden',
    '1',
    '0x7f.1',
    '192.0.2.1:',
    '192.0.2.1:123456',
    '192.0.2.1;',
    '[192.0.2.1',
    '::g',
  ])('no address: %s', (hop) => expect(readAddress(hop)).toBeUndefined());
});

describe('the whole header', () => {
  test.each([
    ['192.0.2.1, 10.0.0.5:80', ['192.0.2.1', '10.0.0.5']],
    ['192.0.2.1, unknown, 10.0.0.5', ['10.0.0.5']],
    ['192.0.2.1, garbage', []],
    ['garbage, [2001:db8::1]:1', ['2001:db8::1']],
    ['', []],
  ])('%s: what is left of a hop that is no address is dropped', (header, addresses) =>
    expect(readForwardedFor(header)).toEqual(addresses),
  );
});

import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { preAuthEncoding } from '../../src/domain/proof/dsse.ts';
import { mailboxOf, readMailLink, writeMailLink, type MailLink } from '../../src/domain/proof/mail-link.ts';

const KEY = generateKeyPairSync('ed25519');
const OTHER = generateKeyPairSync('ed25519');
const LINK: MailLink = {
  deploymentId: 'acme-production',
  reviewId: 'rev_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  reviewer: 'ops-1',
  digest: `sha256:${'ab'.repeat(32)}`,
  expiresAt: 1_800_000_000_000,
  mailbox: mailboxOf('ops-1@example.com'),
};
const text = writeMailLink(LINK, KEY.privateKey);
const [body = '', signature = ''] = text.split('.');

describe('a link in a mail', () => {
  test('says what was signed, in characters that need no escape in a path', () => {
    expect(readMailLink(text, [OTHER.publicKey, KEY.publicKey])).toEqual(LINK);
    expect(text).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
    expect(text.length).toBeLessThan(500);
  });

  test.each([
    ['another key', text, [OTHER.publicKey]],
    ['no key', text, []],
    ['another body', `${Buffer.from(JSON.stringify([])).toString('base64url')}.${signature}`, [KEY.publicKey]],
    ['no signature', body, [KEY.publicKey]],
    ['something behind it', `${text}.x`, [KEY.publicKey]],
    ['padding', `${body}.${signature}==`, [KEY.publicKey]],
    ['nothing', '', [KEY.publicKey]],
    ['too much', `${'A'.repeat(2_000)}.${signature}`, [KEY.publicKey]],
  ])('%s is no link', (_what, given, keys) => {
    expect(readMailLink(given, keys)).toBeUndefined();
  });

  test('every bit of it counts', () => {
    for (let at = 0; at < text.length; at += 7) {
      const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      expect(readMailLink(changed, [KEY.publicKey])).toBeUndefined();
    }
  });

  test('the key’s signature on something else is none on a link', () => {
    const bytes = Buffer.from(body, 'base64url');
    const asDecision = sign(null, preAuthEncoding('application/vnd.holdpoint.decision.v1+json', bytes), KEY.privateKey);
    expect(readMailLink(`${body}.${asDecision.toString('base64url')}`, [KEY.publicKey])).toBeUndefined();
  });

  test('an address is the same in capitals, and another is another', () => {
    expect(mailboxOf('Ops-1@Example.com')).toBe(LINK.mailbox);
    expect(mailboxOf('ops-2@example.com')).not.toBe(LINK.mailbox);
  });
});

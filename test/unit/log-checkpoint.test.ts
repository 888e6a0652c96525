import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  findCheckpointFault,
  formatCheckpoint,
  noteKeyId,
  openNote,
  originOf,
  parseCheckpoint,
  parseNote,
  signCheckpoint,
  signNote,
  verifyCheckpoint,
} from '../../src/domain/proof/checkpoint.ts';
import { EMPTY_ROOT, hashLeaf } from '../../src/domain/proof/tree.ts';
import { formatVerifierKey, parseVerifierKey } from '../support/verifier-key.ts';

const origin = originOf('acme-production');
const key = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const checkpoint = { origin, size: 42, root: hashLeaf('root') };

describe('B6: a file that is no checkpoint', () => {
  const whole = signCheckpoint(checkpoint, key);
  const [name = '', size = '', hash = '', , signature = ''] = whole.split('\n');

  it('is told from one', () => {
    expect(findCheckpointFault(whole)).toBeUndefined();
    expect(findCheckpointFault(signCheckpoint(checkpoint, other))).toBeUndefined();
  });

  it.each([
    ['empty', '', 1],
    ['CRLF', whole.replaceAll('\n', '\r\n'), 1],
    ['CRLF in one line', whole.replace(`${size}\n`, `${size}\r\n`), 2],
    ['UTF-16', Buffer.from(`\ufeff${whole}`, 'utf16le').toString('utf8'), 1],
    ['a byte order mark', `\ufeff${whole}`, 1],
    ['no last line break', whole.slice(0, -1), 5],
    ['one line break too many', `${whole}\n`, 6],
    ['no signature', `${name}\n${size}\n${hash}\n`, 4],
    ['no signature after the empty line', `${name}\n${size}\n${hash}\n\n`, 5],
    ['a signature cut short', whole.replace(signature, '— holdpoint'), 5],
    ['no size', whole.replace(`${size}\n`, 'many\n'), 2],
    ['no root', whole.replace(hash, 'root'), 3],
    ['JSON', `${JSON.stringify({ size: 1, checkpoint: whole })}\n`, 2],
  ])('%s', (_what, text, line) => {
    expect(parseNote(text) === undefined || verifyCheckpoint(text, origin, [key.publicKey]) === undefined).toBe(true);
    expect(findCheckpointFault(text)).toEqual({ line, problem: expect.any(String) });
  });
});

describe('signed notes (C2SP)', () => {
  // The checksum database's public key and the example of golang.org/x/mod/sumdb/note.
  const sumdb = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const example =
    'If you think cryptography is the answer to your problem,\n' +
    "then you don't know what your problem is.\n" +
    '\n' +
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

  it('opens the example of the Go package', () => {
    const verifier = parseVerifierKey(sumdb);
    expect(noteKeyId(verifier)).toBe(0xc74f20a3);
    expect(formatVerifierKey(verifier)).toBe(sumdb);
    expect(openNote(example, [verifier])?.text).toBe(example.slice(0, example.indexOf('\n\n') + 1));
    expect(openNote(example.replace('answer', 'Answer'), [verifier])).toBeUndefined();
    expect(openNote(example, [{ ...verifier, name: 'PeterNeuman' }])).toBeUndefined();
  });

  it.each([
    'no newline',
    'text\n',
    'text\n\n',
    'text\n\nno signature\n',
    'a\u0007b\n\n— k AAAAAAAA\n',
    '\n\n— k AA==\n',
  ])('malformed: %j', (note) => expect(parseNote(note)).toBeUndefined());

  it('passes over signatures of strangers', () => {
    const note = signNote('text\n', { name: 'stranger', publicKey: other.publicKey }, other.privateKey);
    const both = note + signNote('text\n', { name: 'friend', publicKey: key.publicKey }, key.privateKey).slice(6);
    expect(openNote(both, [{ name: 'friend', publicKey: key.publicKey }])?.key.name).toBe('friend');
    expect(openNote(note, [{ name: 'friend', publicKey: key.publicKey }])).toBeUndefined();
  });

  it('refuses to sign what is not a note', () => {
    expect(() => signNote('text', { name: 'k', publicKey: key.publicKey }, key.privateKey)).toThrow(TypeError);
    expect(() => signNote('text\n', { name: 'a b', publicKey: key.publicKey }, key.privateKey)).toThrow(TypeError);
  });
});

describe('checkpoints (C2SP tlog-checkpoint)', () => {
  it('round trip', () => {
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
    expect(verifyCheckpoint(signCheckpoint(checkpoint, key), origin, [other.publicKey, key.publicKey])).toEqual(
      checkpoint,
    );
    const empty = { origin, size: 0, root: EMPTY_ROOT };
    expect(verifyCheckpoint(signCheckpoint(empty, key), origin, [key.publicKey])).toEqual(empty);
  });

  it('another key, another origin and a changed size do not verify', () => {
    const note = signCheckpoint(checkpoint, key);
    expect(verifyCheckpoint(note, origin, [other.publicKey])).toBeUndefined();
    expect(verifyCheckpoint(note, originOf('acme-staging'), [key.publicKey])).toBeUndefined();
    expect(verifyCheckpoint(note.replace('\n42\n', '\n43\n'), origin, [key.publicKey])).toBeUndefined();
  });

  it('a key of this name that signed a note of another origin does not count', () => {
    const text = formatCheckpoint({ ...checkpoint, origin: originOf('acme-staging') });
    const note = signNote(text, { name: origin, publicKey: key.publicKey }, key.privateKey);
    expect(verifyCheckpoint(note, origin, [key.publicKey])).toBeUndefined();
  });

  const root = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
  it.each([
    '',
    'origin\n1\n',
    `origin\n01\n${root}\n`,
    `origin\n-1\n${root}\n`,
    `origin\n1e3\n${root}\n`,
    `origin\n99999999999999999999\n${root}\n`,
    'origin\n1\nAAAA\n',
    `origin\n1\n${root}`,
    `origin\n1\n${root}\n\nextension\n`,
    `\n1\n${root}\n`,
  ])('malformed: %j', (text) => expect(parseCheckpoint(text)).toBeUndefined());

  it('allows extension lines', () => {
    expect(parseCheckpoint(`origin\n1\n${root}\nextension\n`)?.size).toBe(1);
  });
});

import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import type { TrustedKey } from '../../contract/envelope.ts';
import { publicKeyOf } from './dsse.ts';
import { hashFromBase64, hashToBase64, type Hash } from './tree.ts';

/** C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint): origin, size and root hash, one per line, in a signed note. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

/** Origin of a deployment's log; also the name of the keys that sign its checkpoints. */
export function originOf(deploymentId: string): string {
  return `holdpoint/${deploymentId}`;
}

export function formatCheckpoint(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${hashToBase64(checkpoint.root)}\n`;
}

/** Reads the text of a checkpoint; extension lines are allowed and ignored. Undefined where it is malformed. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined;
  const [origin, size, hash, ...extensions] = text.slice(0, -1).split('\n');
  if (origin === undefined || origin === '' || size === undefined || hash === undefined) return undefined;
  if (!/^(0|[1-9][0-9]*)$/.test(size) || !Number.isSafeInteger(Number(size))) return undefined;
  if (extensions.some((line) => line === '')) return undefined;
  const root = hashFromBase64(hash);
  return root === undefined ? undefined : { origin, size: Number(size), root };
}

/** A signed checkpoint, as text. `key` and `privateKey` are the two halves of one Ed25519 key. */
export function signCheckpoint(
  checkpoint: Checkpoint,
  key: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
): string {
  const name = checkpoint.origin;
  return signNote(formatCheckpoint(checkpoint), { name, publicKey: key.publicKey }, key.privateKey);
}

/** The checkpoint if one of the keys signed it for this origin; nothing of an unsigned one is returned. */
export function verifyCheckpoint(note: string, origin: string, keys: readonly KeyObject[]): Checkpoint | undefined {
  const noteKeys: NoteKey[] = keys.map((publicKey) => ({ name: origin, publicKey }));
  const opened = openNote(note, noteKeys);
  const checkpoint = opened === undefined ? undefined : parseCheckpoint(opened.text);
  return checkpoint?.origin === origin ? checkpoint : undefined;
}

/** The keys that may sign checkpoints. A retired key's old checkpoints still count: they carry no time to judge by. */
export function checkpointKeysOf(trusted: readonly TrustedKey[]): KeyObject[] {
  return trusted.filter((key) => key.role === 'execute').map((key) => publicKeyOf(key.publicKey));
}

/**
 * C2SP signed-note (https://c2sp.org/signed-note), Ed25519 signatures only (type byte 0x01). A note is UTF-8 text that
 * ends in a newline, an empty line, and one line `— <key name> <base64(key id || signature)>` per signature.
 */
const ED25519 = 0x01;
const SIGNATURE_PREFIX = '\u2014 ';
const MAX_NOTE_BYTES = 1_000_000;
const MAX_SIGNATURES = 100;

export interface NoteKey {
  /** Must be free of spaces and `+`. */
  readonly name: string;
  readonly publicKey: KeyObject;
}

interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly signature: Buffer;
}

export interface ParsedNote {
  /** The signed text, its last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Key id: the first four bytes, big-endian, of `SHA-256(name || 0x0A || 0x01 || public key)`. */
export function noteKeyId(key: NoteKey): number {
  return createHash('sha256').update(`${key.name}\n`).update(typedKey(key)).digest().readUInt32BE(0);
}

/** Signs a text. It must end in a newline; throws a TypeError otherwise. */
export function signNote(text: string, key: NoteKey, privateKey: KeyObject): string {
  if (!text.endsWith('\n')) throw new TypeError('a note ends in a newline');
  if (/[\s+]/u.test(key.name) || key.name === '') throw new TypeError('not a key name');
  const id = Buffer.alloc(4);
  id.writeUInt32BE(noteKeyId(key));
  const signature = sign(null, Buffer.from(text, 'utf8'), privateKey);
  return `${text}\n${SIGNATURE_PREFIX}${key.name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
}

/** Splits a note without believing it. Undefined where it is not one. */
export function parseNote(note: string): ParsedNote | undefined {
  // Control characters other than newline are forbidden in notes.
  // oxlint-disable-next-line no-control-regex
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES || /[\u0000-\u0009\u000b-\u001f]/.test(note)) return undefined;
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return undefined;
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return undefined;
    signatures.push(signature);
  }
  return { text: note.slice(0, split + 1), signatures };
}

/** Why a text is no signed checkpoint, and on which line (from 1); undefined: it is one. Its signature is not checked. */
export function findCheckpointFault(note: string): { readonly line: number; readonly problem: string } | undefined {
  if (note === '') return { line: 1, problem: 'the file is empty' };
  const lines = note.split('\n');
  const at = (find: (line: string) => boolean, problem: string) => {
    const index = lines.findIndex(find);
    return index === -1 ? undefined : { line: index + 1, problem };
  };
  // oxlint-disable-next-line no-control-regex
  const isBinary = (line: string): boolean => /[\u0000-\u0009\u000b-\u001f\ufeff\ufffd]/.test(line);
  const found =
    at((line) => line.endsWith('\r'), 'it ends in CR LF, and a checkpoint has LF alone') ??
    at(isBinary, 'it holds characters that no checkpoint has, such as those of another encoding');
  if (found !== undefined) return found;
  if (lines.at(-1) !== '') return { line: lines.length, problem: 'it is cut off: the last line has no line break' };
  const parsed = parseNote(note);
  if (parsed !== undefined) {
    if (parseCheckpoint(parsed.text) !== undefined) return undefined;
    if (!/^[0-9]+$/.test(lines[1] ?? '')) return { line: 2, problem: 'it is not the size of a log' };
    return { line: 3, problem: 'it is not a root hash (base64)' };
  }
  const gap = lines.indexOf('');
  if (gap === lines.length - 1) return { line: lines.length, problem: 'the empty line and the signatures are missing' };
  const wrong = lines.slice(gap + 1, -1).findIndex((line) => parseSignatureLine(line) === undefined);
  return { line: gap + 2 + Math.max(wrong, 0), problem: 'it is not a signature (“— name base64”)' };
}

/** The note's text if one of the keys signed it. Signatures of unknown keys are passed over. */
export function openNote(note: string, keys: readonly NoteKey[]): { text: string; key: NoteKey } | undefined {
  const parsed = parseNote(note);
  if (parsed === undefined) return undefined;
  const signed = Buffer.from(parsed.text, 'utf8');
  for (const { name, keyId, signature } of parsed.signatures) {
    const key = keys.find((candidate) => candidate.name === name && noteKeyId(candidate) === keyId);
    if (key !== undefined && verify(null, signed, key.publicKey, signature)) return { text: parsed.text, key };
  }
  return undefined;
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  const match = /^\u2014 ([^+\s]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
  if (match === null) return undefined;
  const bytes = Buffer.from(match[2] ?? '', 'base64');
  if (bytes.length < 5) return undefined;
  return { name: match[1] ?? '', keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) };
}

function typedKey(key: NoteKey): Buffer {
  // Decoding takes the URL-safe alphabet too; the page's Buffer knows no other name for it.
  const { x } = key.publicKey.export({ format: 'jwk' });
  return Buffer.concat([Buffer.of(ED25519), Buffer.from(x ?? '', 'base64')]);
}

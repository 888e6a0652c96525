import type { KeyObject } from 'node:crypto';
import type { TrustedKey } from '../../contract/envelope.ts';
import { publicKeyOf } from './dsse.ts';
import { openNote, signNote, type NoteKey } from './note.ts';
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

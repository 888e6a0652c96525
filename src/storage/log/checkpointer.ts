import { randomBytes, type KeyObject } from 'node:crypto';
import { StorageError, type AuditHead, type Store } from '../../ports/store.ts';
import { originOf, signCheckpoint, verifyCheckpoint, type Checkpoint } from '../../domain/proof/checkpoint.ts';
import { hashFromBase64 } from '../../domain/proof/tree.ts';
import { verifyConsistency } from '../../domain/proof/merkle-proof.ts';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface CheckpointerOptions {
  readonly store: Pick<Store, 'head' | 'consistencyProof' | 'putCheckpoint'>;
  readonly deploymentId: string;
  /** The execute worker's Ed25519 key. */
  readonly key: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** Public keys whose checkpoints count as ours, retired ones included. */
  readonly trusted: readonly KeyObject[];
  /** Where the last checkpoint is kept: on the execute worker's own disk, not in the database. */
  readonly file: string;
  /** Ms between looks at the head; default 1,000. */
  readonly intervalMs?: number;
  /** Called once, when the log turns out not to extend what was signed. The execute worker must execute nothing then. */
  readonly onRolledBack?: () => void;
}

export interface SignedCheckpoint {
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

export interface Checkpointer {
  /** Verifies, and looks at the head again and again from now on. Rejects as {@link Checkpointer.checkpointNow} does. */
  start(): Promise<void>;
  /**
   * Signs the current head, if it grew, and returns the newest checkpoint with its signed note.
   *
   * @throws StorageError `log_rolled_back` where the log does not extend the checkpoint kept on disk: entries were
   *   edited, deleted or forked, or an old copy was restored; `database_unavailable`
   */
  checkpointNow(): Promise<SignedCheckpoint>;
  /** Rejects with `log_rolled_back` once the log did not extend what this machine has signed. */
  assertIntact(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Signs checkpoints of the log, and never one that contradicts an earlier one. Memory of what was signed is a file of
 * the execute worker's own, so whoever rewrites the database cannot rewrite it too.
 */
export function createCheckpointer(options: CheckpointerOptions): Checkpointer {
  const { store, key, file } = options;
  const trusted = [key.publicKey, ...options.trusted];
  const origin = originOf(options.deploymentId);
  let last: SignedCheckpoint | undefined;
  let published = false;
  let busy: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let rolledBack: StorageError | undefined;

  async function advance(): Promise<SignedCheckpoint> {
    if (rolledBack !== undefined) {
      const kept = await readKept(file, origin, trusted);
      // `holdpoint restore accept` replaces the file.
      if (kept === undefined || kept.note === last?.note) throw rolledBack;
      [last, rolledBack, published] = [kept, undefined, false];
    }
    last ??= await readKept(file, origin, trusted);
    const current = checkpointOf(origin, await store.head());
    if (last !== undefined) {
      if (!(await extendsLog(store, last.checkpoint, current))) return refuse();
      if (current.size === last.checkpoint.size) {
        // A crash between disk and database leaves the note on disk alone.
        if (!published) await store.putCheckpoint(current.size, last.note);
        published = true;
        return last;
      }
    }
    const note = signCheckpoint(current, key);
    // Disk first: what anybody else can see must be what this machine remembers.
    await writeCheckpointFile(file, note);
    last = { note, checkpoint: current };
    published = false;
    await store.putCheckpoint(current.size, note);
    published = true;
    return last;
  }

  function refuse(): never {
    rolledBack = new StorageError('log_rolled_back', 'The audit log does not extend the last checkpoint');
    options.onRolledBack?.();
    throw rolledBack;
  }

  function checkpointNow(): Promise<SignedCheckpoint> {
    const turn = busy.then(advance, advance);
    busy = turn.catch(() => {});
    return turn;
  }

  return {
    start: async () => {
      // A database that is away is looked at again at the next turn; a rollback has been reported by then, and may be accepted.
      timer = setInterval(() => void checkpointNow().catch(() => {}), options.intervalMs ?? 1_000);
      timer.unref();
      await checkpointNow();
    },
    checkpointNow,
    assertIntact: () => (rolledBack === undefined ? Promise.resolve() : Promise.reject(rolledBack)),
    stop: async () => {
      clearInterval(timer);
      await busy;
    },
  };
}

function checkpointOf(origin: string, head: AuditHead): Checkpoint {
  const root = hashFromBase64(head.root);
  if (root === undefined) throw new StorageError('storage_corrupt', 'The head of the log is not a hash');
  return { origin, size: head.size, root };
}

/** Whether the log as it stands begins with the log that was signed. */
async function extendsLog(
  store: Pick<Store, 'consistencyProof'>,
  signed: Checkpoint,
  current: Checkpoint,
): Promise<boolean> {
  if (current.size < signed.size) return false;
  try {
    const proof = (await store.consistencyProof(signed.size, current.size)).map(hashFromBase64);
    const hashes = proof.filter((hash) => hash !== undefined);
    return (
      hashes.length === proof.length && verifyConsistency(signed.size, current.size, hashes, signed.root, current.root)
    );
  } catch (error) {
    // Nodes that are missing cannot prove anything.
    if (error instanceof StorageError && error.code === 'storage_corrupt') return false;
    throw error;
  }
}

async function readKept(
  file: string,
  origin: string,
  trusted: readonly KeyObject[],
): Promise<SignedCheckpoint | undefined> {
  const note = await readCheckpointFile(file);
  if (note === undefined) return undefined;
  const checkpoint = verifyCheckpoint(note, origin, trusted);
  if (checkpoint === undefined) throw new StorageError('storage_corrupt', 'The kept checkpoint does not verify');
  return { note, checkpoint };
}

type Kept = Pick<CheckpointerOptions, 'deploymentId' | 'trusted' | 'file'>;

/**
 * The checkpoint that a worker kept in `file`, and whether the log as it stands extends it; undefined where it kept none. Writes
 * nothing.
 *
 * @throws StorageError `storage_corrupt` where what was kept does not verify; `database_unavailable`
 */
export async function compareKept({
  store,
  deploymentId,
  trusted,
  file,
}: Kept & { readonly store: Pick<Store, 'head' | 'consistencyProof'> }): Promise<
  { readonly kept: Checkpoint; readonly isExtended: boolean } | undefined
> {
  const origin = originOf(deploymentId);
  const kept = (await readKept(file, origin, trusted))?.checkpoint;
  return kept && { kept, isExtended: await extendsLog(store, kept, checkpointOf(origin, await store.head())) };
}

/** Signs the log as it stands instead of what is kept, which stays beside it as `checkpoint.SIZE`. */
export async function replaceKept({
  store,
  deploymentId,
  key,
  trusted,
  file,
}: Kept & Pick<CheckpointerOptions, 'key'> & { readonly store: Pick<Store, 'head'> }): Promise<void> {
  const origin = originOf(deploymentId);
  const kept = await readKept(file, origin, trusted);
  if (kept !== undefined) await writeCheckpointFile(`${file}.${kept.checkpoint.size}`, kept.note);
  await writeCheckpointFile(file, signCheckpoint(checkpointOf(origin, await store.head()), key));
}

/** The last checkpoint that this machine saw, kept outside of the database. Undefined where there is none yet. */
async function readCheckpointFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces the file: after a crash it holds the old note or the new one, never a part. */
async function writeCheckpointFile(path: string, note: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(note);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

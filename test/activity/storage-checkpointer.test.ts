import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { originOf, verifyCheckpoint } from '../../src/domain/proof/checkpoint.ts';
import { leafOf } from '../../src/domain/proof/tree.ts';
import {
  compareKept,
  createCheckpointer,
  replaceKept,
  type CheckpointerOptions,
} from '../../src/storage/log/checkpointer.ts';
import { createStore } from '../../src/storage/store.ts';
import { proposedEntry, reviewIdOf } from '../support/storage-fixtures.ts';
import { temporaryFolder } from '../support/stores.ts';
import { memoryStore } from '../support/databases.ts';
import { formatVerifierKey } from '../support/verifier-key.ts';

const key = generateKeyPairSync('ed25519');
const origin = originOf('test');
const rolledBack = { name: 'StorageError', code: 'log_rolled_back' };

const append = (store: Store, count: number, from: number) =>
  Promise.all(
    Array.from({ length: count }, (_, i) => store.commit({ entries: [proposedEntry(reviewIdOf(from + i))] })),
  );
const checkpointerOn = (store: Store, file: string, over: Partial<CheckpointerOptions> = {}) =>
  createCheckpointer({ store, deploymentId: 'test', key, trusted: [], file, ...over });
/** A busy machine. */
const WITHIN = { timeout: 30_000 };
const read = (note: string) => verifyCheckpoint(note, origin, [key.publicKey]);

describe('checkpointer', () => {
  const folder = temporaryFolder();
  let round = 0;
  let dataDir: string;
  let file: string;
  let store: Store;
  beforeEach(async () => {
    round += 1;
    dataDir = join(folder, `data-${round}`);
    file = join(folder, `own-disk-${round}`, 'checkpoint');
    store = await createStore({ dataDir });
  });
  afterEach(() => store.close());

  it('signs the head as it grows, the same one once, on its own disk and in the store', async () => {
    const checkpointer = checkpointerOn(store, file);
    await append(store, 3, 0);
    const { note: first } = await checkpointer.checkpointNow();
    expect(read(first)).toMatchObject({ origin, size: 3 });
    expect((await checkpointer.checkpointNow()).note).toBe(first);
    await append(store, 5, 10);
    const { note: second } = await checkpointer.checkpointNow();
    expect(read(second)?.size).toBe(8);
    expect(readFileSync(file, 'utf8')).toBe(second);
    expect(await store.checkpoint()).toEqual({ size: 8, note: second });
  });

  it('goes on by itself once a person has accepted the log as it is, and keeps what it had signed', async () => {
    await append(store, 3, 0);
    await checkpointerOn(store, file).checkpointNow();
    const older = await memoryStore();
    await append(older, 2, 50);
    const checkpointer = checkpointerOn(older, file, { intervalMs: 10 });
    await expect(checkpointer.start()).rejects.toMatchObject(rolledBack);
    const options = { store: older, deploymentId: 'test', key, trusted: [key.publicKey], file };
    expect(await compareKept(options)).toMatchObject({ kept: { size: 3 }, isExtended: false });
    await expect(checkpointer.checkpointNow()).rejects.toMatchObject(rolledBack);
    await replaceKept(options);
    expect(await compareKept(options)).toMatchObject({ isExtended: true });
    await vi.waitFor(() => checkpointer.assertIntact(), WITHIN);
    expect((await checkpointer.checkpointNow()).checkpoint.size).toBe(2);
    await checkpointer.stop();
    expect(read(readFileSync(`${file}.3`, 'utf8'))?.size).toBe(3);
    await older.close();
  });

  it('goes on after a restart, and puts right what a crash left between disk and store', async () => {
    await append(store, 3, 0);
    const lost = { ...store, putCheckpoint: () => Promise.reject(new Error('crashed here')) };
    await expect(checkpointerOn(lost, file).checkpointNow()).rejects.toThrow();
    expect(await store.checkpoint()).toBeUndefined();
    const { note } = await checkpointerOn(store, file).checkpointNow();
    expect(await store.checkpoint()).toEqual({ size: 3, note });
    await append(store, 1, 10);
    expect((await checkpointerOn(store, file).checkpointNow()).checkpoint.size).toBe(4);
  });

  it('looks by itself', async () => {
    const checkpointer = checkpointerOn(store, file, { intervalMs: 10 });
    await checkpointer.start();
    await append(store, 2, 0);
    await vi.waitFor(async () => expect((await store.checkpoint())?.size).toBe(2), WITHIN);
    await checkpointer.stop();
  });

  it('an old copy of the database that is put back is noticed, also after it has grown again', async () => {
    await append(store, 5, 0);
    await checkpointerOn(store, file).checkpointNow();
    await store.close();
    const backup = join(folder, `backup-${round}`);
    cpSync(dataDir, backup, { recursive: true });

    store = await createStore({ dataDir });
    await append(store, 4, 10);
    await checkpointerOn(store, file).checkpointNow();
    await store.close();

    store = await createStore({ dataDir: backup });
    let told = 0;
    const checkpointer = checkpointerOn(store, file, { onRolledBack: () => void (told += 1) });
    await expect(checkpointer.start()).rejects.toMatchObject(rolledBack);
    await append(store, 20, 100);
    await expect(checkpointer.checkpointNow()).rejects.toMatchObject(rolledBack);
    expect(told).toBe(1);
    await expect(checkpointerOn(store, file).checkpointNow()).rejects.toMatchObject(rolledBack);
    // What it remembers is not overwritten by what it refused.
    expect(read(readFileSync(file, 'utf8'))?.size).toBe(9);
  });

  it('an emptied log and a forked one are noticed', async () => {
    const options = { deploymentId: 'test', trusted: [key.publicKey], file };
    expect(await compareKept({ ...options, store })).toBeUndefined();
    await append(store, 5, 0);
    await checkpointerOn(store, file).checkpointNow();
    const fork = await memoryStore();
    const compared = await Promise.all([store, fork].map((one) => compareKept({ ...options, store: one })));
    expect(compared.map((kept) => kept?.isExtended)).toEqual([true, false]);
    await expect(checkpointerOn(fork, file).checkpointNow()).rejects.toMatchObject(rolledBack);
    await append(fork, 5, 500);
    await expect(checkpointerOn(fork, file).checkpointNow()).rejects.toMatchObject(rolledBack);
    await append(fork, 5, 600);
    await expect(checkpointerOn(fork, file).checkpointNow()).rejects.toMatchObject(rolledBack);
    await fork.close();
  });

  it('a kept checkpoint that somebody changed is not believed', async () => {
    await append(store, 5, 0);
    const { note } = await checkpointerOn(store, file).checkpointNow();
    writeFileSync(file, note.replace('\n5\n', '\n1\n'));
    await expect(checkpointerOn(store, file).checkpointNow()).rejects.toMatchObject({ code: 'storage_corrupt' });
  });

  it('after a change of keys the old key’s checkpoint still binds', async () => {
    await append(store, 5, 0);
    await checkpointerOn(store, file).checkpointNow();
    const next = generateKeyPairSync('ed25519');
    await append(store, 1, 50);
    const { note } = await checkpointerOn(store, file, { key: next, trusted: [key.publicKey] }).checkpointNow();
    expect(verifyCheckpoint(note, origin, [next.publicKey])?.size).toBe(6);
  });
});

describe('checked by the code of others (Go: sumdb/note, transparency-dev/merkle)', () => {
  const module = fileURLToPath(new URL('../tools/go-verify', import.meta.url));
  const folder = temporaryFolder();
  const program = join(folder, 'go-verify');

  it('a checkpoint, an inclusion proof and a consistency proof of ours verify, and changed ones do not', async () => {
    if (!existsSync(program)) execFileSync('go', ['build', '-o', program, '.'], { cwd: module, stdio: 'inherit' });
    const verify = (input: object) =>
      spawnSync(program, { input: JSON.stringify(input), encoding: 'utf8' }).status === 0;
    const store = await memoryStore();
    const checkpointer = checkpointerOn(store, join(folder, 'checkpoint'));
    await append(store, 11, 0);
    const { note: oldCheckpoint } = await checkpointer.checkpointNow();
    await append(store, 23, 100);
    const { note: checkpoint } = await checkpointer.checkpointNow();
    for (const index of [0, 7, 10, 11, 33]) {
      const [found] = await store.entries(index, 1);
      const input = {
        verifierKey: formatVerifierKey({ name: origin, publicKey: key.publicKey }),
        checkpoint,
        oldCheckpoint,
        leaf: found === undefined ? '' : leafOf(found.entry),
        index,
        inclusion: await store.inclusionProof(index, 34),
        consistency: await store.consistencyProof(11, 34),
      };
      expect(verify(input)).toBe(true);
      expect(verify({ ...input, leaf: `${input.leaf} ` })).toBe(false);
      expect(verify({ ...input, index: index === 0 ? 1 : 0 })).toBe(false);
      expect(verify({ ...input, consistency: input.consistency.slice(1) })).toBe(false);
      expect(verify({ ...input, checkpoint: checkpoint.replace('\n34\n', '\n35\n') })).toBe(false);
    }
    await store.close();
  });
});

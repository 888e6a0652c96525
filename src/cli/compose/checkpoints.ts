import { join } from 'node:path';
import type { Logger } from 'pino';
import { StorageError, type Store } from '../../ports/store.ts';
import { checkpointKeysOf, parseCheckpoint, parseNote, type Checkpoint } from '../../domain/proof/checkpoint.ts';
import { createCheckpointer } from '../../storage/log/checkpointer.ts';
import type { Keys } from '../../storage/keys/index.ts';
import { checkpointKeyOf } from './keys.ts';

export interface LogGuard {
  /** Rejects while the log does not extend what this machine has signed. */
  assertIntact(): Promise<void>;
  /** Signs the head of the log as it is now; rejects where it does not extend what was signed. */
  checkpointNow(): Promise<Checkpoint>;
  stop(): Promise<void>;
}

export interface LogGuardOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly deploymentId: string;
  /** A directory of the execute worker's own, on a disk that is not restored together with the database. */
  readonly directory: string;
  readonly log: Logger;
  readonly onRolledBack: (error: StorageError) => void;
}

/**
 * Signs checkpoints and refuses execution for good once the log turns out to be another one: whoever restored an old copy
 * could have made an executed call look unexecuted.
 */
export async function guardLog(options: LogGuardOptions): Promise<LogGuard> {
  const { store, keys, deploymentId, log } = options;
  let refusal: StorageError | undefined;
  const checkpointer = createCheckpointer({
    store,
    deploymentId,
    key: checkpointKeyOf(keys),
    trusted: checkpointKeysOf(keys.trust.current().keys),
    file: join(options.directory, 'checkpoint'),
    onRolledBack: (error) => {
      refusal = error;
      log.fatal('log_rolled_back: the audit log does not extend the last checkpoint of this machine');
      options.onRolledBack(error);
    },
  });
  try {
    await checkpointer.start();
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'log_rolled_back')) throw error;
  }
  return {
    assertIntact: () => (refusal === undefined ? Promise.resolve() : Promise.reject(refusal)),
    checkpointNow: async () => {
      const checkpoint = parseCheckpoint(parseNote(await checkpointer.checkpointNow())?.text ?? '');
      if (checkpoint === undefined) throw new TypeError('not a checkpoint');
      return checkpoint;
    },
    stop: () => checkpointer.stop(),
  };
}

import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { InvalidFilesError } from '../../domain/files/problem.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import type { PartStore } from '../../ports/parts.ts';
import type { FileSettingsSource, FilesInForce, KeptFiles } from '../../settings/follow.ts';
import { writeFileAtomically } from '../../storage/keys/key-files.ts';

const textFileSchema = z.object({ name: z.string(), text: z.string() });
const keptSchema = z.object({
  schemaVersion: z.literal(1),
  digest: z.string(),
  config: textFileSchema,
  policy: textFileSchema,
});

/** Of the two files as they were read; a reference stays a reference. */
export function filesDigest({ config, policy }: FilesInForce): string {
  return digestOf({ config: config.text, policy: policy.text });
}

/** The last files in force, in the data directory, readable by its owner alone. Where they cannot be written, that is logged. */
export function keepFiles(dataDir: string, log: Logger): KeptFiles {
  const path = join(resolve(dataDir), 'files-in-force.json');
  return {
    path,
    read: () => {
      try {
        const { digest, config, policy } = keptSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
        return digest === filesDigest({ config, policy }) ? { config, policy } : undefined;
      } catch {
        return undefined;
      }
    },
    write: (files) => {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        const kept: z.infer<typeof keptSchema> = { schemaVersion: 1, digest: filesDigest(files), ...files };
        writeFileAtomically(path, `${JSON.stringify(kept)}\n`, 0o600);
      } catch (error) {
        log.warn(
          { err: error, path },
          'the files in force cannot be kept: with a broken file a restart will stop. Set HOLDPOINT_DATA_DIR to a directory that this part may write',
        );
      }
    },
  };
}

/**
 * Throws {@link InvalidFilesError} where kept files are in force and others have been since, in any part: this part was
 * down then, and what it kept may allow what was forbidden meanwhile.
 */
export async function requireNewest(source: FileSettingsSource, parts: PartStore): Promise<void> {
  const kept = source.kept();
  if (kept === null || (await parts.filesInForce()) === filesDigest(source.filesInForce())) return;
  throw new InvalidFilesError([
    ...kept.because.problems,
    {
      file: kept.path,
      line: 1,
      column: 1,
      message: 'this copy of the last good files is not of the files that this deployment put in force last',
      fix: 'Correct the files above',
    },
  ]);
}

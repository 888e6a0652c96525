import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { digestSchema, timestampSchema } from '../../contract/json.ts';
import { reviewIdSchema } from '../../contract/ids.ts';
import { digestBytes } from '../../domain/proof/digest.ts';
import type { ClaimJournal, JournalClaim } from '../../ports/claim-journal.ts';

/** Then it becomes `journal.1`, which replaces an earlier one: 200,000 claims are kept, and up to twice as many. */
const MOST_BYTES = 64 * 1024 * 1024;
const SYNC_EVERY_MS = 500;

const lineSchema = z.union([
  z.strictObject({
    reviewId: reviewIdSchema,
    claim: digestSchema,
    tool: z.string(),
    revision: z.int(),
    digest: digestSchema,
    policyDigest: digestSchema,
    at: timestampSchema,
    sendBy: timestampSchema,
  }),
  z.strictObject({
    reviewId: reviewIdSchema,
    claim: digestSchema,
    outcome: z.enum(['executed', 'failed', 'outcome_unknown', 'not_made']),
  }),
]);

/** Appends to `file`; opened with the first claim, so that a disk that is full stops claims and not the start. */
export function openClaimJournal(file: string): ClaimJournal & { close(): Promise<void> } {
  let opening: Promise<FileHandle> | undefined;
  let isDirty = false;
  const handle = (): Promise<FileHandle> => {
    opening ??= openForAppend(file);
    opening.catch(() => (opening = undefined));
    return opening;
  };
  const append = async (line: z.infer<typeof lineSchema>): Promise<void> => {
    await (await handle()).appendFile(`${JSON.stringify(line)}\n`);
    isDirty = true;
  };
  // ◆ Waiting for the disk with each claim took 0.4 to 4 ms where writing takes 0.05 and a claim's commit 1.2.
  const sync = async (): Promise<void> => {
    if (!isDirty) return;
    isDirty = false;
    await (await opening)?.datasync();
  };
  const timer = setInterval(() => void sync().catch(() => (isDirty = true)), SYNC_EVERY_MS);
  timer.unref();
  return {
    claiming: (token, claim) => append({ ...claim, claim: digestBytes(token) }),
    ended: (token, reviewId, outcome) =>
      void append({ reviewId, claim: digestBytes(token), outcome }).catch(() => undefined),
    close: async () => {
      clearInterval(timer);
      await sync().catch(() => undefined);
      await (await opening)?.close();
    },
  };
}

async function openForAppend(file: string): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  if (existsSync(file) && statSync(file).size > MOST_BYTES) renameSync(file, `${file}.1`);
  return open(file, 'a', 0o600);
}

/** Claims that were made, or of which that is not known; the oldest first. What a crash cut off is left out. */
export function readClaimJournal(file: string): readonly JournalClaim[] {
  const claims = new Map<string, JournalClaim>();
  for (const path of [`${file}.1`, file]) {
    if (!existsSync(path)) continue;
    for (const text of readFileSync(path, 'utf8').split('\n')) {
      const line = readLine(text);
      if (line === undefined) continue;
      if (!('outcome' in line)) claims.set(line.claim, line);
      else if (line.outcome === 'not_made') claims.delete(line.claim);
    }
  }
  return [...claims.values()];
}

function readLine(text: string): z.infer<typeof lineSchema> | undefined {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

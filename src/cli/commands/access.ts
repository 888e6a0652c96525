import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';

/** `<data dir>/access.json`, which the demo writes: keys and tokens of its made-up agents and reviewers. */
const accessSchema = z.object({
  url: z.url(),
  temporalAddress: z.string(),
  temporalUi: z.string().nullable().optional(),
  agents: z.array(z.object({ id: z.string(), key: z.string() })),
  reviewers: z.array(z.object({ id: z.string(), groups: z.array(z.string()), token: z.string() })),
});
export type Access = z.infer<typeof accessSchema>;

export function dataDirOf(io: Io): string {
  return resolve(io.cwd, io.env.HOLDPOINT_DATA_DIR || '.holdpoint');
}

/** Undefined where there is none; throws where it is there and cannot be used. */
export function readAccess(io: Io): Access | undefined {
  const path = join(dataDirOf(io), 'access.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new CliError('configInvalid', 'access_unreadable', `${path} cannot be read (${why}).`);
  }
  const parsed = accessSchema.safeParse(safeJson(text));
  if (parsed.success) return parsed.data;
  throw new CliError(
    'configInvalid',
    'access_unreadable',
    `${path} is not what the demo writes.`,
    'Remove it and start the demo again.',
  );
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

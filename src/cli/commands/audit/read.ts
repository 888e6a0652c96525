import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { IndexedEntry } from '../../../contract/audit.ts';
import { durationMs, durationSchema } from '../../../contract/policy.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { confirm } from '../../ui/prompt.ts';
import { clip, machineJson, visible } from '../../../domain/text/visible.ts';
import type { GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { withDatabase } from '../installation.ts';

export interface EntriesOptions extends GlobalOptions {
  readonly from: string;
  readonly limit: string;
}
export interface OutputOptions extends GlobalOptions {
  readonly output?: string;
}
export interface EraseOptions extends GlobalOptions {
  readonly olderThan: string;
  readonly database?: string;
  readonly yes?: boolean;
}

export async function printEntries(io: Io, options: EntriesOptions): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  let left = parseCount('--limit', options.limit);
  const from = parseCount('--from', options.from);
  if (left === 0) return;
  for await (const item of client.audit.allEntries({ from, limit: Math.min(left, 1_000) })) {
    io.data(item);
    io.print(describeEntry(item));
    left -= 1;
    if (left === 0) return;
  }
}

/** One line: index, time, type, review, then the entry's own fields. */
export function describeEntry({ index, entry }: IndexedEntry): string {
  const { schemaVersion: _v, deploymentId: _d, at, type, ...rest } = entry;
  const { reviewId, ...details } = rest as Record<string, unknown>;
  const linked = new Set(reviewId === undefined ? [] : ['n', 'previous']);
  const shown = Object.entries(details).filter(([name]) => !linked.has(name));
  const words = shown.map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const review = typeof reviewId === 'string' ? reviewId : '-';
  return visible([index, at, type, review, clip(words.join(' '), 300)].join(' '));
}

export async function fetchCheckpoint(io: Io, options: OutputOptions): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const latest = await client.audit.checkpoint();
  if (options.output !== undefined) write(io, options.output, latest.checkpoint);
  io.data(latest);
  // The same bytes as in a file: `io.print` ends the last line too.
  const lines = latest.checkpoint.replace(/\n$/, '').split('\n');
  if (options.output === undefined) io.print(...lines.map(visible));
  else io.print(`${options.output}: checkpoint of ${latest.size} entries`);
}

export async function fetchProof(io: Io, options: OutputOptions, id: string): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const file = await client.reviews.proof(id);
  if (options.output === undefined) {
    io.data(file);
    if (!io.json) io.print(machineJson(file));
    return;
  }
  write(io, options.output, `${JSON.stringify(file)}\n`);
  io.data({ reviewId: id, file: options.output });
  io.print(`${options.output}: proof of ${id}; verify it with \`holdpoint audit verify --proof ${options.output}\``);
}

function write(io: Io, file: string, text: string): void {
  const path = resolve(io.cwd, file);
  try {
    writeFileSync(path, text);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new CliError('failed', 'cannot_write', `${path} cannot be written (${why}).`);
  }
}

function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new CliError('usage', 'invalid_number', `${option} must be a whole number, 0 or more.`);
}

/** Progress is told every so many reviews. */
const ERASED_SAID = 10_000;

/**
 * `holdpoint audit erase`: removes arguments, results and comments from reviews that ended long ago and need nothing more.
 * The log only ever held digests of them, so it is unchanged and still verifies.
 */
export async function erase(io: Io, options: EraseOptions): Promise<void> {
  const endedBefore = new Date(io.now() - parseDuration(options.olderThan)).toISOString();
  if (options.yes !== true) {
    const question = `Erase the content of reviews that ended before ${endedBefore}? This cannot be undone.`;
    await confirm(io, question, 'Pass --yes.');
  }
  let said = 0;
  const onBatch = (count: number): void => {
    if (count - said < ERASED_SAID) return;
    said = count;
    io.note(`erased ${count} so far; interrupted, the same command goes on from there`);
  };
  const erased = await withDatabase(io, options.database, (store) => store.erase(endedBefore, onBatch));
  io.data({ erased, endedBefore });
  io.print(`erased ${erased} ${erased === 1 ? 'review' : 'reviews'} that ended before ${endedBefore}`);
}

function parseDuration(text: string): number {
  if (durationSchema.safeParse(text).success) return durationMs(text);
  throw new CliError('usage', 'invalid_duration', '--older-than must be a duration such as 90d or 24h.');
}

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { IndexedEntry } from '../../../contract/audit.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { clip, visible } from '../../ui/visible.ts';
import { action, type CliContext, type GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';

interface EntriesOptions extends GlobalOptions {
  readonly from: string;
  readonly limit: string;
}
interface FileOptions extends GlobalOptions {
  readonly output?: string;
}

/** Commands that fetch parts of the record, to be kept or verified elsewhere. */
export function registerReading(audit: Command, context: CliContext): void {
  audit
    .command('entries')
    .description('entries of the audit log; with --json one on each line')
    .option('--from <index>', 'first index', '0')
    .option('--limit <n>', 'at most so many', '100')
    .action(action(context, entries));
  audit
    .command('checkpoint')
    .description('the latest signed checkpoint; keep it to verify --since later')
    .option('-o, --output <file>', 'write it to a file')
    .action(action(context, checkpoint));
  audit
    .command('proof')
    .description('the portable proof of one review')
    .argument('<id>')
    .option('-o, --output <file>', 'write it to a file')
    .action(action(context, proof));
}

async function entries(io: Io, options: EntriesOptions): Promise<void> {
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

/** One line: index, time, kind, review, then what is particular to it. */
export function describeEntry({ index, entry }: IndexedEntry): string {
  const { schemaVersion: _v, deploymentId: _d, at, type, ...rest } = entry;
  const { reviewId, ...details } = rest as Record<string, unknown>;
  const linked = new Set(reviewId === undefined ? [] : ['n', 'previous']);
  const shown = Object.entries(details).filter(([name]) => !linked.has(name));
  const words = shown.map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const review = typeof reviewId === 'string' ? reviewId : '-';
  return visible([index, at, type, review, clip(words.join(' '), 300)].join(' '));
}

async function checkpoint(io: Io, options: FileOptions): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const latest = await client.audit.checkpoint();
  if (options.output !== undefined) write(io, options.output, latest.checkpoint);
  io.data(latest);
  if (options.output === undefined) io.print(...latest.checkpoint.split('\n').map(visible));
  else io.print(`${options.output}: the checkpoint of ${latest.size} entries`);
}

async function proof(io: Io, options: FileOptions, id: string): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const file = await client.reviews.proof(id);
  if (options.output === undefined) {
    io.data(file);
    if (!io.json) io.print(visible(JSON.stringify(file)));
    return;
  }
  write(io, options.output, `${JSON.stringify(file)}\n`);
  io.data({ reviewId: id, file: options.output });
  io.print(`${options.output}: the proof of ${id}; \`holdpoint audit verify --proof ${options.output}\` checks it`);
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
  throw new CliError('usage', 'invalid_number', `${option} must be a whole number from 0 on.`);
}

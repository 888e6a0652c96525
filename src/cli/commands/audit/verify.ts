import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import type { GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { checkLog, type LogFault, type LogReport } from './log-check.ts';
import { verifyProofFile } from './proof-check.ts';
import { logOverHttp, withDatabaseLog } from './sources.ts';
import { logTrustOf, readTrust } from './trust.ts';

export interface VerifyOptions extends Omit<GlobalOptions, 'url'> {
  readonly url?: string | true;
  readonly database?: string | true;
  readonly proof?: string;
  readonly notBefore?: string;
  readonly since?: string;
  readonly keys?: string;
}

/** `holdpoint audit verify`: one proof offline, or the whole log over HTTP or in its database. */
export async function verify(io: Io, options: VerifyOptions): Promise<void> {
  const sources = [options.url, options.database, options.proof].filter((source) => source !== undefined);
  if (sources.length > 1) throw new CliError('usage', 'one_source', 'Choose one of --url, --database and --proof.');
  const notBefore = readTime(options.notBefore);
  if (notBefore !== undefined && options.proof === undefined)
    throw new CliError('usage', 'no_not_before', '--not-before goes with --proof.');
  const trust = readTrust(io, options.keys);
  if (options.proof !== undefined) {
    if (options.since !== undefined) throw new CliError('usage', 'no_since', '--since goes with --url or --database.');
    return verifyProofFile(io, readText(io, options.proof, '--proof'), trust, notBefore);
  }
  const since = options.since === undefined ? undefined : readText(io, options.since, '--since');
  const report = await checkChosen(io, options, (source) => checkLog(source, logTrustOf(trust), since));
  const ok = report.faults.length === 0;
  io.data({ ok, ...report });
  io.print(...renderReport(io, report));
  if (!ok) throw new Exit('verificationFailed');
}

async function checkChosen(
  io: Io,
  options: VerifyOptions,
  check: (source: Parameters<typeof checkLog>[0]) => Promise<LogReport>,
): Promise<LogReport> {
  const { url, database, ...rest } = options;
  if (database !== undefined) return withDatabaseLog(io, database === true ? undefined : database, check);
  const { client } = connect(io, { ...rest, ...(typeof url === 'string' ? { url } : {}) }, 'reviewer');
  return check(logOverHttp(client));
}

const WORDS: Readonly<Record<LogFault, string>> = {
  checkpoint_missing: 'the log has entries but no checkpoint',
  checkpoint_not_trusted: 'no key you trust signed the checkpoint of this log',
  since_not_trusted: 'no key you trust signed the checkpoint given with --since',
  entries_missing: 'the log is shorter than its own checkpoint: entries were cut off',
  entries_out_of_order: 'an index is missing or there twice',
  foreign_entry: 'an entry belongs to another deployment',
  entries_changed: 'the entries are not those that were signed: edited, deleted or reordered',
  rolled_back: 'the log is shorter than the checkpoint you kept: truncated, or an old copy was restored',
  forked: 'as many entries as in the checkpoint you kept, but other ones: the log was forked',
  history_changed: 'the log does not extend the checkpoint you kept: entries before it were edited, deleted or forked',
};

function renderReport(io: Io, report: LogReport): string[] {
  const lines = report.faults.map((fault) => `${io.colours.red('✗')} ${fault}: ${WORDS[fault]}`);
  if (report.at !== null) lines.push(`  first wrong entry: ${report.at}`);
  if (lines.length > 0) return lines;
  const since =
    report.since === null ? [] : [`it extends the checkpoint of ${report.since.size} entries that you kept`];
  const unsigned =
    report.unsigned === 0 ? [] : [`${report.unsigned} newer entries are not covered by a checkpoint yet`];
  const size = report.checkpointSize ?? 0;
  return [`${io.colours.green('✓')} ${size} entries hash to the signed root ${report.root}`, ...since, ...unsigned];
}

/** Epoch ms. */
function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = z.iso.datetime({ offset: true }).safeParse(text);
  if (parsed.success) return Date.parse(parsed.data);
  throw new CliError('usage', 'invalid_time', '--not-before takes a time like 2026-11-30T12:00:00Z.');
}

function readText(io: Io, file: string, option: string): string {
  const path = resolve(io.cwd, file);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CliError('notFound', 'file_unreadable', `${option}: ${path} cannot be read.`);
  }
}

import { z } from 'zod';
import type { TrustFile } from '../../../contract/envelope.ts';
import { parseExactJson } from '../../../contract/exact-number.ts';
import { findCheckpointFault } from '../../../domain/proof/checkpoint.ts';
import { PROOF_FINDINGS } from '../../../domain/proof/proof-envelopes.ts';
import { describeCompleteness, verifyProof, type ProofVerdict } from '../../../domain/proof/verify-proof.ts';
import { visible } from '../../../domain/text/visible.ts';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import type { GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { readTrust, withDatabase } from '../installation.ts';
import { readTextFile } from '../json-argument.ts';
import {
  checkLog,
  LOG_FAULTS,
  logOverHttp,
  logOverStore,
  logTrustOf,
  type LogReport,
  type LogSource,
} from './log-check.ts';
import { describeEntry } from './read.ts';

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
    return verifyProofFile(io, readTextFile(io, '--proof', options.proof), trust, notBefore);
  }
  const since = options.since === undefined ? undefined : readCheckpoint(io, options.since);
  const report = await checkChosen(io, options, (source) => checkLog(source, logTrustOf(trust), since));
  const ok = report.faults.length === 0;
  io.data({ ok, ...report });
  io.print(...renderReport(io, report));
  if (!ok) throw new Exit('verificationFailed');
}

/** A file that is none would only be called untrusted, as if someone had tampered with it. */
function readCheckpoint(io: Io, file: string): string {
  const text = readTextFile(io, '--since', file);
  const fault = findCheckpointFault(text);
  if (fault === undefined) return text;
  throw new CliError(
    'usage',
    'since_malformed',
    `--since: ${visible(file)} is malformed at line ${fault.line}: ${fault.problem}.`,
    'Give the file as `holdpoint audit checkpoint` wrote it, byte for byte.',
  );
}

async function checkChosen(
  io: Io,
  options: VerifyOptions,
  check: (source: LogSource) => Promise<LogReport>,
): Promise<LogReport> {
  const { url, database, ...rest } = options;
  if (database !== undefined) {
    const place = database === true ? undefined : database;
    return withDatabase(io, place, (store) => check(logOverStore(store)));
  }
  const { client } = connect(io, { ...rest, ...(typeof url === 'string' ? { url } : {}) }, 'reviewer');
  return check(logOverHttp(client));
}

function renderReport(io: Io, report: LogReport): string[] {
  const lines = report.faults.map((fault) => `${io.colours.red('✗')} ${fault}: ${LOG_FAULTS[fault]}`);
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

/** Checks one proof offline with the keys that the caller trusts, never with those in the file. */
function verifyProofFile(io: Io, text: string, trust: TrustFile, notBefore?: number): void {
  const verdict = verifyWith(text, trust, notBefore);
  const { ok, findings, checkpoint, completeness, file } = verdict;
  io.data({
    ok,
    findings,
    reviewId: file?.reviewId ?? null,
    deploymentId: file?.deploymentId ?? null,
    checkpointSize: checkpoint?.size ?? null,
    entries: file?.entries.length ?? 0,
    completeness,
  });
  io.print(...renderProof(io, verdict));
  if (!ok) throw new Exit('verificationFailed');
}

/** A sound proof of another deployment is refused: it proves nothing about this one. */
export function verifyWith(text: string, trust: TrustFile, notBefore?: number): ProofVerdict {
  const verdict = verifyProof(parse(text), trust.keys, { notBefore });
  const foreign = verdict.file !== null && verdict.file.deploymentId !== trust.deploymentId;
  return foreign ? { ...verdict, ok: false, findings: [...verdict.findings, { code: 'foreign_entry' }] } : verdict;
}

function parse(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

export function renderProof(io: Io, { ok, findings, checkpoint, completeness, file }: ProofVerdict): string[] {
  const { colours } = io;
  if (!ok || file === null || completeness === null) {
    return findings.map(({ code, index }) => {
      const where = index === undefined ? '' : ` (entry ${index})`;
      return `${colours.red('✗')} ${code}: ${PROOF_FINDINGS[code]}${where}`;
    });
  }
  return [
    `${colours.green('✓')} the proof of ${file.reviewId} verifies: ${file.entries.length} entries in the signed log of ${checkpoint?.size ?? 0}`,
    `  ${describeCompleteness(completeness, file.entries.length)}`,
    ...file.entries.map((item) => `  ${describeEntry(item)}`),
  ];
}

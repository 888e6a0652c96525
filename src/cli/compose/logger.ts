import { makeTelemetryFilterString, Runtime, type LogLevel, type LogMetadata } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { destination, pino, type Logger } from 'pino';
import type { AuditEntry, AuditEntryType } from '../../contract/audit.ts';
import type { LogLevel as Level } from '../../contract/config.ts';
import { reviewIdSchema } from '../../contract/ids.ts';
import type { Part, PartName } from '../../contract/part.ts';
import type { Commit } from '../../ports/store.ts';

/**
 * JSON lines, to a file or to standard output, each with the part that wrote it. What a call says (arguments, results,
 * credentials) is never logged; the redaction is a second line of defence for request headers.
 */
export function createLogger(level: Level, file: string | null, part: Part): Logger {
  const target = file === null ? destination(1) : destination({ dest: file, append: true, mode: 0o600, sync: false });
  const redact = ['authorization', 'cookie', '*.authorization', '*.cookie', 'req.headers', 'res.headers'];
  const { name, instance, version } = part;
  return pino({ level, base: { part: name, instance, version }, redact }, target);
}

type Line = Readonly<Record<string, unknown>> & { readonly message: string };
type Entry<T extends AuditEntryType> = Extract<AuditEntry, { type: T }>;

/** What the log of a process says of an entry that it wrote: names, codes and ids. Undefined: another line says it. */
const LINES: { readonly [T in AuditEntryType]: (entry: Entry<T>) => Line | undefined } = {
  proposed: () => undefined,
  classified: ({ status: outcome, reasonCodes }) =>
    outcome === 'not_required' ? undefined : { message: LINE_OF_STATUS[outcome], outcome, reasonCodes },
  notified: () => undefined,
  decided: ({ decision, reviewer, channel, revision, level, status: outcome }) => ({
    message: 'decided',
    decision,
    reviewer,
    channel,
    revision,
    gateLevel: level,
    outcome,
  }),
  objected: ({ reviewer, channel, revision }) => ({
    message: 'decided',
    decision: 'reject',
    reviewer,
    channel,
    revision,
    outcome: 'stopped',
  }),
  revised: ({ revision, by }) => ({ message: 'revised', revision, by }),
  withdrawn: ({ by }) => ({ message: 'withdrawn', by, outcome: 'withdrawn' }),
  expired: () => ({ message: 'expired', outcome: 'expired' }),
  aborted: ({ reason: code }) => ({ message: 'aborted', outcome: 'aborted', code }),
  started: ({ resend }) => (resend ? { message: 'sent again' } : undefined),
  deferred: ({ errorCode: code, retryAt }) => ({ message: 'deferred', outcome: 'deferred', code, retryAt }),
  finished: ({ status: outcome, errorCode: code, late }) => ({ message: outcome, outcome, code, late }),
  unknown: ({ errorCode: code }) => ({ message: 'outcome unknown', outcome: 'outcome_unknown', code }),
  reconciled: ({ outcome, by }) => ({ message: 'reconciled', outcome, by }),
  frozen: ({ freezeId, by }) => ({ message: 'frozen', freezeId, by }),
  lifted: ({ freezeId, by }) => ({ message: 'freeze lifted', freezeId, by }),
  policy_changed: () => undefined,
  restored: ({ by }) => ({ message: 'restored', by }),
};
const LINE_OF_STATUS = { pending: 'held', blocked: 'blocked' } as const;

/** Logs what a commit recorded: one line for each decision and each execution, by the process that wrote it. */
export function logCommit(log: Logger, { entries, review }: Commit): void {
  const about = review === undefined ? {} : aboutReview(review);
  for (const entry of entries) {
    const line = (LINES[entry.type] as (entry: AuditEntry) => Line | undefined)(entry);
    if (line === undefined) continue;
    const { message, ...fields } = line;
    const reviewId = 'reviewId' in entry ? entry.reviewId : undefined;
    log[entry.type === 'unknown' ? 'warn' : 'info']({ reviewId, ...about, ...fields }, message);
  }
}

function aboutReview(write: NonNullable<Commit['review']>): object {
  switch (write.kind) {
    case 'state': {
      const { proposer, call, class: callClass, gate } = write.review;
      return { agent: proposer.id, tool: call.tool, class: callClass, gate };
    }
    case 'execution':
      return write.of === undefined ? {} : { agent: write.of.proposer, tool: write.of.tool, class: write.of.class };
    case 'end':
      return {};
    default:
      return write satisfies never;
  }
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Workflows, and activities that were started without one, have the id of their review. */
function temporalFields({ error, ...meta }: LogMetadata): object {
  const reviewId = [meta['workflowId'], meta['activityId']].find((id) => reviewIdSchema.safeParse(id).success);
  // The message of a failed activity may repeat what a target answered; its type is a code.
  const failure =
    error instanceof ApplicationFailure ? { code: error.type } : error === undefined ? {} : { err: error };
  return { ...(reviewId === undefined ? {} : { reviewId }), ...failure, temporal: meta };
}

/**
 * Prepares the SDK, once per process and before anything else of it: its log goes into ours, and it handles no signals,
 * because one ordered shutdown does.
 *
 * @param metricsPort of loopback, where it serves its metrics; null: it keeps none
 */
export function installTemporalRuntime(log: Logger, part: PartName, metricsPort: number | null): void {
  const write = (level: LogLevel, message: string, meta: LogMetadata = {}) =>
    log[LEVELS[level]](temporalFields(meta), message);
  Runtime.install({
    shutdownSignals: [],
    logger: {
      log: write,
      trace: (message, meta) => write('TRACE', message, meta),
      debug: (message, meta) => write('DEBUG', message, meta),
      info: (message, meta) => write('INFO', message, meta),
      warn: (message, meta) => write('WARN', message, meta),
      error: (message, meta) => write('ERROR', message, meta),
    },
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
      ...(metricsPort === null ? {} : { metrics: sdkMetricsAt(metricsPort, part) }),
    },
  });
}

/** Named by Prometheus' conventions. */
function sdkMetricsAt(port: number, part: PartName) {
  const names = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
  return { globalTags: { part }, prometheus: { bindAddress: `127.0.0.1:${port}`, ...names } };
}

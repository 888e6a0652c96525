import { ResolutionTimeoutError } from '../../client/index.ts';
import type { DrillNotice, DrillReport } from '../../contract/drill.ts';
import { formatSpan } from '../../domain/text/time.ts';
import { visible } from '../../domain/text/visible.ts';
import { Exit } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import { renderTable } from '../ui/table.ts';
import type { GlobalOptions } from './action.ts';
import { connect } from './connect.ts';
import { defined } from '../../contract/defined.ts';

export interface DrillOptions extends GlobalOptions {
  readonly ttl?: string;
  readonly wait?: string | true;
}

/** Starts a drill; with `--wait`, reports once everyone has answered, or the wait or the drill is over. */
export async function startDrill(io: Io, options: DrillOptions, group: string): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const started = await client.reviews.startDrill({ group, ...defined({ ttl: options.ttl }) });
  const { reviewId, members } = started;
  if (!io.json) io.print(`drill: ${reviewId}, for ${members.map(visible).join(', ')}`);
  if (options.wait === undefined) {
    io.data(started);
    if (!io.json) io.note(`Who answered: holdpoint drill report ${reviewId}`);
    return;
  }
  const timeout = options.wait === true ? {} : { timeout: options.wait };
  await client.reviews.resolution(reviewId, { ...timeout, signal: io.signal }).catch((error: unknown) => {
    if (!(error instanceof ResolutionTimeoutError)) throw error;
  });
  const report = await client.reviews.drillReport(reviewId);
  printReport(io, report);
  if (report.members.some(({ answer }) => answer === null))
    throw new Exit(report.endedAt === null ? 'waiting' : 'failed');
}

export async function reportDrill(io: Io, options: GlobalOptions, reviewId: string): Promise<void> {
  printReport(io, await connect(io, options, 'reviewer').client.reviews.drillReport(reviewId));
}

function printReport(io: Io, report: DrillReport): void {
  const { members, notices, startedAt } = report;
  const rows = members.map(({ reviewer, notices: own, answer }) => [
    visible(reviewer),
    own.map(writeNotice).join('; ') || 'none',
    answer === null
      ? 'no answer'
      : `${answer.at}, by ${answer.channel}, after ${formatSpan(Date.parse(answer.at) - Date.parse(startedAt))}`,
  ]);
  const answered = members.filter(({ answer }) => answer !== null).length;
  const end =
    report.endedAt === null ? `runs until ${report.expiresAt ?? 'it is answered'}` : `ended ${report.endedAt}`;
  io.data(report);
  io.print(
    `${answered} of ${members.length} in ${visible(report.group)} answered; the drill ${end}`,
    ...renderTable(io, ['reviewer', 'message', 'answer'], rows, [0]),
    ...notices.map((notice) => `to all: ${writeNotice(notice)}`),
  );
}

function writeNotice({ destination, state, code, at }: DrillNotice): string {
  const channel = destination.startsWith('email:') ? 'email' : visible(destination);
  return [channel, state, code === null ? '' : `(${visible(code)})`, at ?? ''].filter((part) => part !== '').join(' ');
}

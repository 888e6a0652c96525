import type { ExecuteResult, Holdpoint, JsonObject } from '../../../client/index.ts';
import type { Review } from '../../../contract/review.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import type { Access } from '../../access-file.ts';

/** What every scene of the tour needs. */
export interface Tour {
  readonly io: Io;
  readonly access: Access;
  readonly agent: Holdpoint;
  /** `ops-1`. */
  readonly reviewer: Holdpoint;
  /** Approves without asking. */
  readonly auto: boolean;
  readonly checks: Check[];
}

interface Check {
  readonly name: string;
  readonly ok: boolean;
}

export function scene(tour: Tour, title: string): void {
  tour.io.print('', tour.io.colours.bold(`── ${title}`));
}

/** Records a check; the tour ends at the first one that fails. */
export function check(tour: Tour, name: string, ok: boolean): void {
  tour.checks.push({ name, ok });
  tour.io.print(ok ? tour.io.colours.green(`✓ ${name}`) : tour.io.colours.red(`✗ ${name}`));
  if (!ok) throw new CliError('verificationFailed', 'demo_failed', `Check failed: ${name}.`);
}

/** Proposes SQL that changes something and returns the review that holds it. */
export async function propose(
  tour: Tour,
  sql: string,
  reason: string,
  context: JsonObject = {},
): Promise<{ readonly result: ExecuteResult; readonly review: Review }> {
  const result = await tour.agent.execute(
    { service: 'postgres', tool: 'postgres.execute', arguments: { sql }, reason, context },
    { signal: tour.io.signal },
  );
  check(tour, 'the call is held, nothing has run', result.escalated);
  return { result, review: await readWhenClassified(tour, result.reviewId) };
}

/** Read as the reviewer: agents do not see evidence. A proposal may be answered before policy was applied. */
async function readWhenClassified(tour: Tour, reviewId: string): Promise<Review> {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const review = await tour.reviewer.reviews.get(reviewId, { signal: tour.io.signal });
    if (review.call.digest !== null) return review;
    await pause(500);
  }
  throw new CliError(
    'unavailable',
    'not_classified',
    `${reviewId} was not classified within 30 s.`,
    'Run `holdpoint doctor` to see whether a worker is running.',
  );
}

/** Runs a SELECT through Holdpoint: reads are reversible and run at once. */
export async function count(tour: Tour, where: string): Promise<number> {
  const sql = `SELECT count(*)::int AS count FROM users WHERE ${where}`;
  const result = await tour.agent.execute(
    { service: 'postgres', tool: 'postgres.select', arguments: { sql } },
    { signal: tour.io.signal },
  );
  if (!result.executed) {
    throw new CliError(
      'failed',
      'count_failed',
      `postgres.select ended as ${result.outcome}: ${result.reasonCodes.join(', ')}`,
    );
  }
  const body = result.execution.body as { readonly rows?: readonly { readonly count?: unknown }[] } | undefined;
  const value = Number(body?.rows?.[0]?.count);
  if (Number.isInteger(value)) return value;
  throw new CliError('failed', 'count_failed', 'postgres.select returned no count.');
}

export function fact(review: Review, name: string): unknown {
  return review.evidence.flatMap(({ facts }) => facts).find((candidate) => candidate.name === name)?.value;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

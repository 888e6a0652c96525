import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { AuditEntry, IndexedEntry } from '../../src/contract/audit.ts';
import type { TrustedKey } from '../../src/contract/envelope.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Review, ReviewRow } from '../../src/contract/review.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';
import { digestMaterial } from '../../src/domain/proof/digest.ts';
import { verifyProof } from '../../src/domain/proof/verify-proof.ts';
import type { PartsWorld } from './chaos-parts.ts';
import type { Vote } from './chaos-reviewers.ts';
import type { Seen } from './e2e-target.ts';

/** What an agent wrote down, step by step. */
export interface Line {
  readonly ref: string;
  readonly reviewId?: string;
  readonly outcome?: string;
  readonly answer?: {
    readonly status: string;
    readonly comment: string | null;
    readonly edited: boolean;
    readonly retryable: boolean;
    readonly arguments: JsonObject | null;
  };
}

/** What was seen from outside: by agents, by reviewers, and at the target. */
export interface Evidence {
  readonly lines: readonly Line[];
  readonly votes: readonly Vote[];
  readonly trusted: readonly TrustedKey[];
}

export interface Verdict {
  /** How many reviews ended how, by what was meant to become of them. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly proofs: number;
  /** Each in words, with the ref; none where everything holds. */
  readonly faults: readonly string[];
}

const AT_ONCE = 8;
/** Made without a decision. */
const FREE = new Set(['read', 'notify']);
/** What is to become of a call by what it was proposed for; the others are approved. */
const REFUSED: Readonly<Record<string, string>> = { reject: 'rejected', withdraw: 'withdrawn', expire: 'expired' };
const ARGUMENTS: Readonly<Record<string, object>> = { edit: { amount: 7 }, revise: { amount: 3 } };

/** Checks the guarantees of docs/security.md on every call that was proposed, once nothing is under way any more. */
export async function checkAll(world: PartsWorld, { lines, votes, trusted }: Evidence): Promise<Verdict> {
  const faults: string[] = [];
  const outcomes: Record<string, number> = {};
  let proofs = 0;
  const byRef = groupBy(lines, ({ ref }) => ref);
  const seen = groupBy(world.target.seen, ({ ref }) => ref);
  const votesOf = groupBy(votes, ({ reviewId }) => reviewId);
  const entries = groupBy(await exportLog(world), ({ entry }) => ('reviewId' in entry ? entry.reviewId : ''));
  const rows = await allRows(world);
  for (const ref of seen.keys()) if (!byRef.has(ref)) faults.push(`${ref}: nobody proposed what arrived`);

  const known = new Set<string>();
  const checkOne = async (ref: string, own: readonly Line[]): Promise<void> => {
    const fault = (words: string): void => void faults.push(`${ref}: ${words}`);
    const [reviewId, ...others] = new Set(own.flatMap((line) => line.reviewId ?? []));
    const [answer, ...more] = own.flatMap((line) => line.answer ?? []);
    if (reviewId === undefined || answer === undefined) return fault('no answer');
    if (others.length > 0 || more.length > 0) fault(`${others.length + 1} reviews, ${more.length + 1} answers`);
    known.add(reviewId);
    const review = (await ask(world, `/v1/reviews/${reviewId}`)) as Review;
    if (!isFinal(review)) return fault(`stuck: ${review.status}, ${review.execution.status}`);
    const [kind = ''] = ref.split('-');
    const how = `${kind} ${review.status} ${review.execution.status}`;
    outcomes[how] = (outcomes[how] ?? 0) + 1;
    const made = seen.get(ref) ?? [];
    for (const words of [
      ...checkStatus(kind, review, made.length),
      ...checkMade(reviewId, review, made),
      ...checkAnswer(kind, review, answer, own),
      ...checkVotes(
        votesOf.get(reviewId) ?? [],
        (entries.get(reviewId) ?? []).map(({ entry }) => entry),
        made.length,
      ),
    ])
      fault(words);
    if (made.length === 0 || FREE.has(kind)) return;
    proofs += 1;
    const file = await ask(world, `/v1/reviews/${reviewId}/proof`);
    for (const words of checkProof(file, trusted, made)) fault(words);
  };
  const queue = [...byRef];
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await checkOne(...next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  for (const { reviewId } of rows) if (!known.has(reviewId)) faults.push(`${reviewId}: a review that no agent knows`);
  return { outcomes, proofs, faults };
}

function* checkStatus(kind: string, { status, execution }: Review, made: number): Iterable<string> {
  const refused = REFUSED[kind] ?? (status === 'rejected' && ['object', 'both'].includes(kind) ? status : undefined);
  const wanted = refused ?? (FREE.has(kind) ? 'not_required' : 'approved');
  if (status !== wanted) yield `${status}, not ${wanted}`;
  if (refused !== undefined && (made > 0 || execution.status !== 'not_started'))
    yield `made ${made} times despite a no`;
}

/** None twice, unless the target knows them for one by their key; and what is told of the call is what arrived. */
function* checkMade(reviewId: string, { execution }: Review, made: readonly Seen[]): Iterable<string> {
  const keys = new Set(made.map(({ headers }) => headers['idempotency-key']));
  if (made.length > 1 && !(keys.size === 1 && keys.has(`holdpoint-${reviewId}`))) yield `made ${made.length} times`;
  if (execution.status === 'executed' && made.length === 0) yield 'executed, and nothing arrived';
  const isRead = made.every(({ method }) => method === 'GET');
  if (execution.status === 'failed' && made.length > 0 && !isRead) yield `failed, and it arrived`;
  if (execution.status === 'executing') yield 'still executing';
}

/** What the agent was told is what became of it. A result that came late may have settled what was unknown. */
function* checkAnswer(
  kind: string,
  review: Review,
  answer: NonNullable<Line['answer']>,
  own: readonly Line[],
): Iterable<string> {
  const { execution, status } = review;
  const ended = ['approved', 'not_required'].includes(status) ? execution.status : status;
  const isSettledLate = answer.status === 'outcome_unknown' && execution.status === 'executed';
  if (answer.status !== ended && !isSettledLate) yield `told ${answer.status}, is ${ended}`;
  if (own.some(({ outcome }) => outcome === 'EXECUTED') && execution.status !== 'executed') yield 'told EXECUTED';
  if (kind === 'edit' && status === 'approved' && !answer.edited) yield 'not told of the edit';
  if (kind === 'reject' && !answer.comment?.startsWith('not ')) yield 'not told why';
}

/** Every decision that was said to count is in the log; and a no that was taken stops the call. */
function* checkVotes(votes: readonly Vote[], entries: readonly AuditEntry[], made: number): Iterable<string> {
  for (const { by, type, digest, status } of votes) {
    if (status === 200) {
      const isThere = entries.some(
        (entry) =>
          (entry.type === 'decided' && entry.decision === type && entry.reviewer === by && entry.digest === digest) ||
          (entry.type === 'objected' && type === 'reject' && entry.reviewer === by),
      );
      if (!isThere) yield `the ${type} of ${by} was counted, and is not in the log`;
    }
    if (type === 'reject' && (status === 200 || status === 202) && made > 0) yield `made despite the no of ${by}`;
  }
}

/** What arrived is what was decided on, by as many as policy asks for. */
function* checkProof(given: unknown, trusted: readonly TrustedKey[], made: readonly Seen[]): Iterable<string> {
  const { ok, findings, file } = verifyProof(given, trusted);
  if (!ok || file === null) return yield `its proof: ${JSON.stringify(findings)}`;
  const started = file.entries.flatMap(({ entry }) => (entry.type === 'started' ? [entry.digest] : []));
  const material = file.materials.find((one) => digestMaterial(one) === started[0]);
  if (material === undefined || new Set(started).size !== 1) return yield `${started.length} starts, none as decided`;
  const kind = made[0]?.ref.split('-')[0] ?? '';
  const { request } = material.target as unknown as { readonly request: { readonly method: string } };
  for (const { body, method } of made) {
    // A sealed argument is opened for the target alone.
    const opened = 'memo' in body ? { ...material.arguments, memo: body['memo'] } : material.arguments;
    if (!isDeepStrictEqual(opened, body) || request.method !== method)
      yield `other than decided: ${JSON.stringify(body)}`;
    const { ref, memo: _, ...rest } = body;
    if (!isDeepStrictEqual(rest, ARGUMENTS[kind] ?? {})) yield `arrived as ${JSON.stringify(body)}`;
    if (ref !== material.arguments['ref']) yield `arrived as another: ${String(ref)}`;
  }
  const voters = file.entries.flatMap(({ entry }) =>
    entry.type === 'decided' && ['approve', 'edit'].includes(entry.decision) ? [entry.reviewer] : [],
  );
  const quorum = material.levels.reduce((sum, level) => sum + level.quorum, 0);
  if (new Set(voters).size < quorum) yield `${voters.length} votes, ${quorum} needed`;
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

/** Of a reviewers' api; the last one that was killed may still be starting. */
async function ask(world: PartsWorld, path: string): Promise<unknown> {
  for (;;) {
    const answer = await world.send('GET', path, 'audit-1').catch(() => undefined);
    if (answer?.status === 200) return answer.body;
    if (answer !== undefined && answer.status < 500) throw new Error(`${path}: ${answer.status}`);
    await sleep(500);
  }
}

async function exportLog(world: PartsWorld): Promise<readonly IndexedEntry[]> {
  return String(await ask(world, '/v1/audit/export?format=jsonl'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as IndexedEntry);
}

async function allRows(world: PartsWorld): Promise<readonly ReviewRow[]> {
  const rows: ReviewRow[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const path: string = `/v1/reviews?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = (await ask(world, path)) as { reviews: ReviewRow[]; nextCursor: string | null };
    rows.push(...page.reviews);
    cursor = page.nextCursor;
  }
  return rows;
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Review, ReviewRow } from '../../src/contract/review.ts';
import { Holdpoint, verifyCallback, type Resolution } from '../../src/client/index.ts';
import { PARTS, startParts, type PartName, type PartsWorld } from '../support/chaos-parts.ts';
import { randomFrom } from '../support/e2e-traffic.ts';
import { startHookServer, type HookServer } from '../support/hook-server.ts';

/** `kill -9` of agent, api, workers and Temporal while calls are between their proposal and their resolution. */
const KILLS = 100;
const LANES = 12;
/** Kills come at this pace on average, so that the test has an end on a busy machine too. */
const PACE_MS = 1_500;
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);

interface Line {
  readonly ref: string;
  readonly reviewId?: string;
  readonly answer?: {
    readonly status: string;
    readonly comment: string | null;
    readonly edited: boolean;
    readonly retryable: boolean;
    readonly arguments: JsonObject | null;
  };
}

let world: PartsWorld;
/** Where the callbacks of every third call arrive. */
let hook: HookServer;
beforeAll(async () => {
  hook = await startHookServer();
  world = await startParts(LANES, isDone, `${hook.url}/answers`);
}, 300_000);
afterAll(async () => {
  await world?.close();
  await hook?.close();
});

function journal(): readonly Line[] {
  if (world === undefined || !existsSync(world.journal)) return [];
  const lines = readFileSync(world.journal, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}

/** Calls that were proposed, or are about to be, and have no answer. */
function open(lines = journal()): readonly string[] {
  const answered = new Set(lines.filter(({ answer }) => answer !== undefined).map(({ ref }) => ref));
  return [...new Set(lines.map(({ ref }) => ref))].filter((ref) => !answered.has(ref));
}

function isDone(): boolean {
  return world !== undefined && existsSync(`${world.journal}.stop`) && open().length === 0;
}

/** What the reviewer means to say to a call: the same whenever asked. */
function verdictOn(ref: string): { type: 'approve' } | { type: 'edit'; arguments: JsonObject } | Rejection {
  const number = Number(ref.split('-')[1]);
  if (number % 4 === 0) return { type: 'reject', comment: `not ${ref}` };
  if (number % 4 === 1) return { type: 'edit', arguments: { ref, amount: 7 } };
  return { type: 'approve' };
}
interface Rejection {
  readonly type: 'reject';
  readonly comment: string;
}

/** Decides what is pending, a few at a time, whatever becomes of the parts meanwhile. */
async function review(random: () => number): Promise<void> {
  const { body } = await world.send('GET', '/v1/reviews?status=pending&limit=50', 'ops-1');
  for (const { reviewId } of (body as { reviews: readonly ReviewRow[] }).reviews) {
    if (random() < 0.5) continue;
    const shown = (await world.send('GET', `/v1/reviews/${reviewId}`, 'ops-1')).body as Review;
    const { digest, arguments: args } = shown.call;
    if (digest === null || typeof args?.['ref'] !== 'string') continue;
    const decision = { ...verdictOn(args['ref']), digest };
    await world.send('POST', `/v1/reviews/${reviewId}/decision`, 'ops-1', decision);
  }
}

async function reviewUntilDone(random: () => number): Promise<void> {
  while (!isDone()) {
    await review(random).catch(() => undefined);
    await sleep(100 + random() * 200);
  }
}

test(`${KILLS} kills (CHAOS_SEED=${SEED}) between propose and resolution lose no answer and duplicate none`, async () => {
  const random = randomFrom(SEED);
  const reviewing = reviewUntilDone(randomFrom(SEED + 1));
  await until(someAnswer());
  const killed = Object.fromEntries(PARTS.map((name) => [name, 0])) as Record<PartName, number>;
  const since = performance.now();
  let inTheMiddle = 0;
  for (let kills = 0; kills < KILLS;) {
    await sleep(200 + random() * PACE_MS);
    // Where there is time, something is answered in between.
    await until(someAnswer(), since + kills * PACE_MS);
    // The agent dies most often; whatever has just come up is left alone, or nothing would ever get done.
    const name = random() < 0.3 ? 'agent' : (PARTS[Math.floor(random() * PARTS.length)] ?? 'agent');
    const waiting = open().length;
    if (world.parts[name].age() < 500 || !world.parts[name].kill()) continue;
    kills += 1;
    killed[name] += 1;
    if (waiting > 0) inTheMiddle += 1;
  }
  writeFileSync(`${world.journal}.stop`, '');
  await until(isDone);
  await reviewing;
  const lines = journal();
  console.log(`seed ${SEED}: ${JSON.stringify(killed)}; ${new Set(lines.map(({ ref }) => ref)).size} calls`);
  expect(inTheMiddle).toBeGreaterThan(KILLS * 0.9);
  expect(Math.min(...Object.values(killed))).toBeGreaterThan(0);
  await checkAnswers(lines);
  await checkCallbacks(lines);
}, 480_000);

async function checkAnswers(lines: readonly Line[]): Promise<void> {
  const refs = [...new Set(lines.map(({ ref }) => ref))];
  expect(refs.length).toBeGreaterThan(LANES);
  const statuses = new Map<string, number>();
  for (const ref of refs) {
    const ofRef = lines.filter((line) => line.ref === ref);
    const [first, ...more] = ofRef.flatMap(({ answer }) => answer ?? []);
    if (first === undefined) throw new Error(`${ref} has no answer`);
    expect([ref, more]).toEqual([ref, []]);
    // However often the agent died and proposed again, it met the same review.
    const [reviewId = '', ...others] = new Set(ofRef.flatMap((line) => line.reviewId ?? []));
    expect([ref, others]).toEqual([ref, []]);
    const { body } = await world.send('GET', `/v1/reviews?threadId=${ref}`, 'ops-1');
    expect((body as { reviews: readonly ReviewRow[] }).reviews.map((row) => row.reviewId)).toEqual([reviewId]);
    statuses.set(first.status, (statuses.get(first.status) ?? 0) + 1);
    await checkAnswer(ref, first, (await world.send('GET', `/v1/reviews/${reviewId}`, 'ops-1')).body as Review);
  }
  console.log(`seed ${SEED}: ${JSON.stringify(Object.fromEntries(statuses))}`);
  // What reached the target at all has an answer that says so.
  expect(world.target.seen.filter(({ ref }) => !refs.includes(ref))).toEqual([]);
}

async function checkAnswer(ref: string, answer: NonNullable<Line['answer']>, end: Review): Promise<void> {
  const verdict = verdictOn(ref);
  const made = world.target.seen.filter((seen) => seen.ref === ref);
  if (verdict.type === 'reject') {
    expect(answer).toMatchObject({ status: 'rejected', comment: verdict.comment, retryable: false });
    expect(end).toMatchObject({ status: 'rejected', execution: { status: 'not_started' } });
    expect(made).toEqual([]);
    return;
  }
  expect(end.status).toBe('approved');
  expect(answer.edited).toBe(verdict.type === 'edit');
  expect(answer.arguments).toEqual(verdict.type === 'edit' ? verdict.arguments : { ref });
  expect(['executed', 'outcome_unknown']).toContain(answer.status);
  // A result that came late settles what was unknown; what was told as executed stays so.
  if (answer.status === 'executed') expect(end.execution.status).toBe('executed');
  expect(made.length).toBeLessThanOrEqual(1);
  if (answer.status === 'executed') {
    expect(made).toHaveLength(1);
    expect(made[0]?.body).toEqual(answer.arguments);
  }
}

/** Each review that named a callback has exactly one answer there too, however often it was sent: the agent's own. */
async function checkCallbacks(lines: readonly Line[]): Promise<void> {
  const answers = new Map(lines.flatMap(({ reviewId, answer }) => (reviewId && answer ? [[reviewId, answer]] : [])));
  const named = [...answers.keys()].filter((reviewId) => isThird(lines, reviewId));
  expect(named.length).toBeGreaterThan(0);
  const told = () => new Set(hook.calls.map(({ body }) => String(body.data['reviewId'])));
  // A worker that was killed while it told is noticed by its heartbeat, and what was in its hands is told again.
  await until(() => named.every((reviewId) => told().has(reviewId)), performance.now() + 120_000);
  expect(told()).toEqual(new Set(named));
  const agent = new Holdpoint({ url: world.url, apiKey: world.deployment.credentials['agent-1'] });
  const secrets = await agent.callbackKeys();
  const ids = new Map<string, Set<string>>();
  for (const { text, headers } of hook.calls) {
    const { id, reviewId, resolution } = await verifyCallback({ body: text, headers }, { secrets, tolerance: 3_600 });
    ids.set(reviewId, (ids.get(reviewId) ?? new Set()).add(id));
    expect(comparable(resolution)).toEqual(comparable(answers.get(reviewId) ?? resolution));
  }
  expect([...ids.values()].map(({ size }) => size)).toEqual(named.map(() => 1));
  console.log(`seed ${SEED}: ${named.length} callbacks, sent ${hook.calls.length} times`);
}

function isThird(lines: readonly Line[], reviewId: string): boolean {
  const ref = lines.find((line) => line.reviewId === reviewId)?.ref;
  return Number(ref?.split('-')[1]) % 3 === 0;
}

/** What was unknown when one was told may have become known when the other was: the rest is the same. */
function comparable(answer: Resolution | NonNullable<Line['answer']>): unknown {
  const { status, comment, edited, retryable } = answer;
  const args = 'call' in answer ? answer.call.arguments : answer.arguments;
  return { ended: status === 'outcome_unknown' ? 'executed' : status, comment, edited, retryable, arguments: args };
}

/** Whether there is an answer more than now. */
function someAnswer(): () => boolean {
  const answers = () => journal().filter(({ answer }) => answer !== undefined).length;
  const before = answers();
  return () => answers() > before;
}

/** Without `before` it is bounded by the test's own time. */
async function until(look: () => boolean, before = Infinity): Promise<void> {
  while (!look() && performance.now() < before) await sleep(200);
}

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { HoldpointError, type Resolution } from '../../../client/index.ts';
import type { DsseEnvelope } from '../../../contract/envelope.ts';
import type { Review } from '../../../contract/review.ts';
import { DIRECT_GRPC } from '../../compose/proxy.ts';
import { CliError } from '../../ui/exit.ts';
import { select } from '../../ui/prompt.ts';
import { renderReview } from '../../ui/review-view.ts';
import { repeatsToConfirm } from '../../../domain/related.ts';
import { formatCount } from '../../../domain/text/time.ts';
import { renderProof, verifyWith } from '../audit/verify.ts';
import { dataDirOf, readTrust } from '../installation.ts';
import { check, count, fact, pause, propose, scene, type Tour } from './tour.ts';

/** Users inactive since before 2024: 1,247 of the demo's 10,000. */
const STALE = `status = 'inactive' AND inactive_since < date '2024-01-01'`;
const STALE_COUNT = 1_247;
const ALL_COUNT = 10_000;

const DELETE_STALE = `DELETE FROM users WHERE ${STALE}`;
const DELETE_ALL = 'DELETE FROM users';

/** Restores the stale users exactly as the demo first created them (`embedded/demo/users.sql`). */
const RESTORE_STALE = `INSERT INTO users
SELECT n, 'user' || lpad(n::text, 5, '0') || '@example.com', 'User ' || n, (ARRAY['free', 'team', 'business'])[1 + n % 3],
  'inactive', date '2021-01-01' + rest % 1095, date '2021-01-01' + rest % 1095
FROM (SELECT n, (n * 7919) % 10000 AS rest FROM generate_series(1, 10000) AS n) AS spread
WHERE rest < 1247
ON CONFLICT DO NOTHING`;

/** After an earlier tour the rows are gone. Restoring them is a change too, so it goes through the same gate. */
export async function restoreWhenGone(tour: Tour): Promise<void> {
  const stale = await count(tour, STALE);
  if (stale === STALE_COUNT) return;
  scene(tour, 'First: restore the rows that an earlier tour deleted');
  const { review } = await propose(tour, RESTORE_STALE, 'Restore the rows that an earlier tour deleted.');
  tour.io.print(...renderReview(tour.io, review));
  const end = await getApproval(tour, review);
  check(tour, 'the rows are restored', end.executed && (await count(tour, STALE)) === STALE_COUNT);
}

/** The main scene. Returns the id of the review, for the proof. */
export async function deleteStaleUsers(tour: Tour): Promise<string> {
  scene(tour, '1. An agent wants to delete 1,247 inactive users');
  const before = await count(tour, 'true');
  check(tour, `the table holds ${formatCount(ALL_COUNT)} users (a read: it ran at once)`, before === ALL_COUNT);
  tour.io.print('', `demo-agent proposes: ${DELETE_STALE}`);
  const { review } = await propose(tour, DELETE_STALE, 'Inactive for years; they only cost storage.');
  tour.io.print('', ...renderReview(tour.io, review), '');
  check(
    tour,
    'Holdpoint itself counted 1,247 rows, by running the statement and rolling it back',
    fact(review, 'affected_rows') === STALE_COUNT,
  );
  check(tour, 'a sample of the rows is shown', Array.isArray(fact(review, 'sample')));
  check(tour, `still ${formatCount(ALL_COUNT)} users`, (await count(tour, 'true')) === ALL_COUNT);

  const end = await getApproval(tour, review);
  check(tour, 'the call ran once, after the approval', end.executed);
  const left = ALL_COUNT - STALE_COUNT;
  const isGone = (await count(tour, STALE)) === 0 && (await count(tour, 'true')) === left;
  check(tour, 'exactly those 1,247 rows are gone', isGone);
  return review.reviewId;
}

/** What an outsider would do: take the proof, and verify it with keys from another source. */
export async function fetchAndVerifyProof(tour: Tour, reviewId: string): Promise<void> {
  scene(tour, '2. The proof');
  const proof = await tour.reviewer.reviews.proof(reviewId);
  const text = `${JSON.stringify(proof)}\n`;
  const path = join(dataDirOf(tour.io), `${reviewId}.proof.json`);
  writeFileSync(path, text, { mode: 0o600 });
  const trust = readTrust(tour.io);
  const verdict = verifyWith(text, trust);
  tour.io.print(...renderProof(tour.io, verdict));
  check(tour, 'the proof verifies with the keys of this deployment', verdict.ok);
  const edited = text.replace('"reviewer":"ops-1"', '"reviewer":"ops-2"');
  check(tour, 'a proof with another reviewer’s name does not', edited !== text && !verifyWith(edited, trust).ok);
  const cut = JSON.stringify({ ...proof, entries: proof.entries.slice(0, -2) });
  check(tour, 'a proof without its last entries does not', !verifyWith(cut, trust).ok);
  tour.io.print(
    `Saved as ${relative(tour.io.cwd, path)}. Verify it yourself:`,
    `  npx holdpoint audit verify --proof ${relative(tour.io.cwd, path)}`,
  );
}

/** One rejection ends the review, and the agent learns why. */
export async function rejectOne(tour: Tour): Promise<void> {
  scene(tour, '3. A call that is rejected');
  const before = await count(tour, 'true');
  tour.io.print(`demo-agent proposes: ${DELETE_ALL}`);
  const { review } = await propose(tour, DELETE_ALL, 'A clean start.');
  const comment = 'This would delete every user.';
  const digest = review.call.digest as string;
  await tour.reviewer.reviews.decide(review.reviewId, { type: 'reject', digest, comment });
  const end = await tour.agent.review(review.reviewId).resolution({ timeout: '1m', signal: tour.io.signal });
  check(
    tour,
    'the agent learns: rejected, why, and not to ask again',
    end.status === 'rejected' && end.comment === comment && !end.retryable,
  );
  check(tour, 'no row was deleted', (await count(tour, 'true')) === before);
}

/** Without a decision a call expires. The demo's policy gives this context five seconds. */
export async function letOneExpire(tour: Tour): Promise<void> {
  scene(tour, '4. A call that nobody decides on (its deadline is in 5 s)');
  const before = await count(tour, 'true');
  const { review } = await propose(tour, DELETE_ALL, 'Surely nobody objects.', { scenario: 'expires-soon' });
  const end = await tour.agent.review(review.reviewId).resolution({ timeout: '1m', signal: tour.io.signal });
  check(tour, 'without a decision the call expired', end.status === 'expired');
  const late = await approveHere(tour, review).catch((error: unknown) => error);
  check(
    tour,
    'a late approval is refused',
    late instanceof HoldpointError && (late.code === 'expired' || late.code === 'already_resolved'),
  );
  check(tour, 'no row was deleted', (await count(tour, 'true')) === before);
}

/** Anyone who can reach Temporal can signal a workflow. A signal is not an approval. */
export async function forgeOne(tour: Tour): Promise<void> {
  scene(tour, '5. A forged approval, sent straight to Temporal');
  const before = await count(tour, 'true');
  const { review } = await propose(tour, DELETE_ALL, 'I have an idea.');
  const receipt = await forgeApproval(tour.access.temporalAddress, review);
  check(tour, 'the workflow ignored the forged signals', receipt !== 'accepted');
  const after = await tour.reviewer.reviews.get(review.reviewId);
  check(tour, 'the call is still pending', after.status === 'pending' && after.execution.status === 'not_started');
  check(tour, 'no row was deleted', (await count(tour, 'true')) === before);
  const end = await tour.agent.reviews.withdraw(review.reviewId);
  check(tour, 'the agent withdrew the call', end.admitted && end.review.status === 'withdrawn');
}

/** Gets an approval: at the prompt, from another terminal, or automatically. Returns how the review ended. */
async function getApproval(tour: Tour, review: Review): Promise<Resolution> {
  if (tour.auto || (tour.io.interactive && (await askHere(tour, review)))) await approveHere(tour, review);
  else {
    tour.io.print(
      'Waiting for you. In another terminal:',
      `  npx holdpoint review show ${review.reviewId}`,
      `  npx holdpoint review approve ${review.reviewId} --as ops-1`,
      `Or open it in the browser: ${tour.access.url}/reviews/${review.reviewId}`,
    );
  }
  const end = await tour.agent.review(review.reviewId).resolution({ timeout: '30m', signal: tour.io.signal });
  if (end.status === 'rejected' || end.status === 'expired' || end.status === 'withdrawn') {
    throw new CliError(
      'refused',
      end.status,
      `The review ended as ${end.status}, so nothing was done.`,
      'Run `npm run demo` to start again.',
    );
  }
  return end;
}

async function askHere(tour: Tour, review: Review): Promise<boolean> {
  const answer = await select(tour.io, 'You are ops-1. Should this call run?', [
    { value: 'approve', label: 'Approve exactly what is shown above' },
    { value: 'elsewhere', label: 'Decide in another terminal' },
    { value: 'reject', label: 'Reject' },
  ]);
  if (answer === 'reject') {
    const digest = review.call.digest as string;
    await tour.reviewer.reviews.decide(review.reviewId, { type: 'reject', digest, comment: 'Rejected in the tour.' });
    throw new CliError(
      'refused',
      'rejected',
      'You rejected the call, so nothing was done.',
      'Run `npm run demo` to start again.',
    );
  }
  return answer === 'approve';
}

/**
 * Sends the digest of what was shown: had the call changed meanwhile, the approval would be refused. An earlier tour may
 * have made the same call.
 */
async function approveHere(tour: Tour, review: Review): Promise<void> {
  const digest = review.call.digest as string;
  const repeats = repeatsToConfirm(review.related).map(({ reviewId }) => reviewId);
  const decided = await tour.reviewer.reviews.decide(review.reviewId, { type: 'approve', digest, repeats });
  check(tour, 'ops-1 approved exactly that digest', !decided.admitted || decided.review.status === 'approved');
}

/**
 * Sends what an attacker with full access to Temporal could send: a well-formed approval in the name of `ops-1`, on the
 * right digest, signed with a key of their own; and a plain object that claims approval. Resolves with the workflow's
 * receipt: `accepted`, or undefined if it ignored them.
 */
async function forgeApproval(temporalAddress: string, review: Review): Promise<string | undefined> {
  const [{ Client, Connection }, { getReview, submitDecision }, { signEnvelope }, { ulidOf }] = await Promise.all([
    import('@temporalio/client'),
    import('../../../workflows/messages.ts'),
    import('../../../domain/proof/dsse.ts'),
    import('../../../domain/ulid.ts'),
  ]);
  const { privateKey } = generateKeyPairSync('ed25519');
  const decisionUlid = ulidOf(Date.now(), randomUUID());
  const envelope = signEnvelope(
    'decision',
    {
      deploymentId: review.deploymentId,
      reviewId: review.reviewId,
      decisionUlid,
      revision: review.revision,
      level: review.level,
      type: 'approve',
      digest: review.call.digest as string,
      reviewer: { id: 'ops-1', method: 'token' },
      channel: 'api',
      decidedAt: new Date().toISOString(),
    },
    privateKey,
    'ops-1',
  );
  const connection = await Connection.connect({ address: temporalAddress, ...DIRECT_GRPC, connectTimeout: '5s' });
  try {
    const handle = new Client({ connection }).workflow.getHandle(review.reviewId);
    await handle.signal(submitDecision, envelope);
    await handle.signal(submitDecision, { approved: true } as unknown as DsseEnvelope);
    // A real decision is admitted within milliseconds.
    await pause(2_000);
    const { receipts } = await handle.query(getReview);
    return receipts[decisionUlid];
  } finally {
    await connection.close();
  }
}

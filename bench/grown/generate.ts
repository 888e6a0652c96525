import type { AuditEntry } from '../../src/contract/audit.ts';
import { canonicalJson } from '../../src/domain/proof/digest.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Query } from '../../src/storage/database/database.ts';
import { materialOf } from '../../test/support/materials.ts';
import {
  AT,
  DIGEST,
  LATER,
  opening,
  proposedEntry,
  reviewIdOf,
  reviewOf,
} from '../../test/support/storage-fixtures.ts';

/**
 * Rows in bulk, each a copy of one that the store has written: ten tools, fifty agents, two groups that decide, deadlines
 * over a day, and ends over a year. Only what no measurement reads is made up: the hashes of the log's inner nodes.
 */

/** ISO 8601 in SQL, as rows and leaves have it. */
const iso = (time: string): string => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
/** Ids of generated reviews: of the year 1970, so that they never meet a real one. */
const ID = "'rev_00' || lpad(n::text, 24, '0')";
const ENVELOPE = { payload: 'x'.repeat(900), payloadType: 'x', signatures: [{ keyid: 'k', sig: 'y'.repeat(88) }] };
const TOOL = "'payouts.create' || n % 10";
const AGENT = "'agent-' || n % 50";
/** Statements of about so many reviews: none takes minutes. */
const STEP = 20_000;

type Kind = 'pending' | 'ended';

/** The row that is copied, written by the store itself. */
async function writeTemplate(store: Store, kind: Kind): Promise<string> {
  const reviewId = reviewIdOf(kind === 'pending' ? 1 : 2, 31);
  const call = { service: 'payouts', tool: 'TOOL', arguments: { account: reviewId, amount: 100 }, digest: DIGEST };
  const decision = {
    decisionUlid: reviewId.slice(4),
    reviewer: 'ops-1',
    type: 'approve',
    channel: 'api',
    comment: null,
    at: LATER,
  } as const;
  const review = reviewOf(reviewId, {
    call,
    proposer: { id: 'AGENT', owner: 'ops-1', attested: true },
    levels: [{ name: 'approval', approvers: ['GROUP'], quorum: 1, escalation: null, status: 'open', decisions: [] }],
    ...(kind === 'pending'
      ? {}
      : {
          status: 'approved',
          level: 0,
          resolvedAt: LATER,
          levels: [],
          revisions: [{ revision: 1, call, submittedAt: AT, by: 'AGENT', decisions: [decision] }],
          resolution: { type: 'approve', by: 'ops-1', comment: null, edited: false, retryable: false },
          execution: { status: 'executed', body: { ok: true }, error: null, startedAt: LATER, finishedAt: LATER },
        }),
  } as never);
  await store.commit({
    ledger: opening(reviewId),
    entries: [proposedEntry(reviewId)],
    review: {
      kind: 'state',
      review,
      envelopes: [{ kind: 'proposal', envelope: ENVELOPE }],
      materials: [materialOf({ reviewId })],
    },
  });
  return reviewId;
}

interface Amount {
  readonly from: number;
  readonly to: number;
  readonly isInLedger?: boolean;
}

/** Adds reviews `from` to before `to`. */
export async function addReviews(
  query: Query,
  store: Store,
  kind: Kind,
  { from, to, isInLedger = true }: Amount,
): Promise<void> {
  const template = await writeTemplate(store, kind);
  const isEnded = kind === 'ended';
  const at = isEnded
    ? "now() - n * interval '1 year' / $4::float8 - interval '1 day'"
    : "now() + n * 7919 % 86400 * interval '1 second' + interval '1 hour'";
  for (let first = from; first < to; first += STEP) {
    const parameters = [template, first, Math.min(first + STEP, to) - 1, to];
    // What is copied: the id, the tool, the agent, the group and the deadline differ.
    const rows = `(SELECT t.*, n, ${ID} AS id, date_trunc('milliseconds', ${at}) AS due
                     FROM holdpoint.reviews t, generate_series($2::integer, $3::integer) n
                    WHERE t.review_id = $1 AND $4::integer > 0) t`;
    const copy = (text: string): string =>
      `replace(replace(replace(replace(replace(${text}, $1, id), 'TOOL', ${TOOL}), 'AGENT', ${AGENT}), 'GROUP', ${GROUP}), '${LATER}', ${iso('due')})`;
    await query(
      `INSERT INTO holdpoint.reviews (review_id, status, class, gate, kind, service, tool, proposer, thread_id, group_name,
              sort_at, ended_at, execution_status, execution, list_row, state, revision, last_index)
       SELECT id, status, class, gate, kind, service, ${TOOL}, ${AGENT}, thread_id, group_name, due,
              ${isEnded ? 'due' : 'NULL'}, execution_status, ${copy('execution')}, ${copy('list_row')}, ${copy('state')},
              revision, 5 * n FROM ${rows}`,
      parameters,
    );
    if (isInLedger) {
      await query(
        `INSERT INTO holdpoint.ledger (review_id, proposal_digest, state, opened_at, expires_at, claimed_at, first_claimed_at,
              claim_token, claim_digest, outcome, changed_at)
       SELECT id, '${DIGEST}', ${isEnded ? "'done', due, due, due, due, 'token', '" + DIGEST + '\', \'{"body":{"ok":true},"error":null}\'' : "'open', now(), due, NULL, NULL, NULL, NULL, NULL"},
              now() - interval '1 hour' FROM ${rows}`,
        parameters,
      );
    }
    if (!isEnded) {
      await query(
        `INSERT INTO holdpoint.review_approvers (group_name, sort_at, review_id) SELECT ${GROUP}, due, id FROM ${rows}`,
        parameters,
      );
    }
    await query(
      `INSERT INTO holdpoint.proposed_calls (review_id, revision, proposer, call, intent, noted_at)
       SELECT id, 1, ${AGENT}, md5(id), md5(id), due FROM ${rows}`,
      parameters,
    );
    for (const [table, columns] of Object.entries({ review_envelopes: 'body', review_materials: 'revision, body' })) {
      await query(
        `INSERT INTO holdpoint.${table} (review_id, ${columns})
         SELECT id, ${columns.replace('revision', 'o.revision').replace('body', 'replace(o.body, $1, id)')}
           FROM ${rows}, holdpoint.${table} o WHERE o.review_id = $1`,
        parameters,
      );
    }
  }
  await query('ANALYZE');
}

const GROUP = "CASE WHEN n % 2 = 0 THEN 'ops' ELSE 'finance' END";

/** Appends the log of `reviews` reviews, five entries each. */
export async function writeLog(query: Query, reviews: number): Promise<void> {
  const leaves = leavesOf().map((leaf) => leaf.replaceAll("'", "''"));
  const [head] = await query<{ size: string }>('SELECT size FROM holdpoint.audit_head');
  const start = Number(head?.size ?? 0);
  const size = start + reviews * leaves.length;
  for (let first = 0; first < reviews; first += STEP) {
    await query(
      `INSERT INTO holdpoint.audit_entries (idx, review_id, n, leaf, hash)
       SELECT idx, id, k, leaf, sha256(convert_to(leaf, 'UTF8'))
         FROM (SELECT $4::bigint + 5 * n + k - 1 AS idx, ${ID} AS id, k,
                      replace(replace(replace(replace(replace(l, 'rev_ID', ${ID}), 'TOOL', ${TOOL}), 'AGENT', ${AGENT}),
                        '777777777', ($4::bigint + 5 * n + k - 2)::text), '${AT}',
                        ${iso("(now() - ($3::bigint - n) * interval '1 year' / $3::float8)")}) AS leaf
                 FROM generate_series($1::integer, $2::integer) n,
                      unnest(ARRAY[${leaves.map((leaf) => `'${leaf}'`).join(', ')}]) WITH ORDINALITY AS leaves(l, k)) entries`,
      [first, Math.min(first + STEP, reviews) - 1, reviews, start],
    );
  }
  const peaks = size.toString(2).replaceAll('0', '').length;
  await query(`UPDATE holdpoint.audit_head SET size = $1::bigint, root = sha256(''), peaks = decode($2, 'hex')`, [
    size,
    '00'.repeat(32 * peaks),
  ]);
}

function leavesOf(): readonly string[] {
  const base = { schemaVersion: 1, deploymentId: 'test', at: AT, reviewId: 'rev_ID' } as const;
  const entries: readonly AuditEntry[] = [
    proposedEntry('rev_ID', { proposer: 'AGENT', tool: 'TOOL' }),
    {
      ...base,
      type: 'classified',
      revision: 1,
      class: 'irreversible',
      gate: 'hard',
      status: 'pending',
      reasonCodes: ['irreversible-tool'],
      digest: DIGEST,
      policyDigest: DIGEST,
      override: false,
    },
    {
      ...base,
      type: 'decided',
      decisionUlid: 'ULID',
      decision: 'approve',
      reviewer: 'ops-1',
      channel: 'api',
      revision: 1,
      level: 1,
      digest: DIGEST,
      envelopeDigest: DIGEST,
      status: 'approved',
    },
    { ...base, type: 'started', revision: 1, digest: DIGEST, policyDigest: DIGEST, resend: false },
    { ...base, type: 'finished', status: 'executed', errorCode: null, resultDigest: DIGEST, late: false },
  ];
  return entries.map((entry, n) => canonicalJson({ ...entry, n: n + 1, previous: n === 0 ? null : 777_777_777 }));
}

import { createStore } from '../src/storage/store.ts';
import type { AuditEntry } from '../src/contract/audit.ts';
import type { Store } from '../src/ports/store.ts';
import {
  AT,
  claiming,
  DIGEST,
  proposal,
  proposedEntry,
  reviewIdOf,
  reviewOf,
  stateWrite,
} from '../test/support/storage-fixtures.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What the storage of one hard gate costs: four commits (proposed and classified; decided; claimed; finished), one
 * gate after the other and with 20 at once. Prints ms of CPU and of time per commit. `DATABASE_URL` measures a server.
 */
const GATES = Number(process.env['GATES'] ?? 1_000);

function entry(reviewId: string, type: 'started' | 'finished' | 'decided' | 'classified'): AuditEntry {
  const base = { schemaVersion: 1 as const, deploymentId: 'bench', at: AT, reviewId };
  switch (type) {
    case 'classified':
      return {
        ...base,
        type,
        revision: 1,
        class: 'irreversible',
        gate: 'hard',
        status: 'pending',
        reasonCodes: [],
        digest: DIGEST,
        policyDigest: DIGEST,
        override: false,
      };
    case 'decided':
      return {
        ...base,
        type,
        decisionUlid: reviewId.slice(4),
        decision: 'approve',
        reviewer: 'ops-1',
        channel: 'api',
        revision: 1,
        level: 1,
        digest: DIGEST,
        envelopeDigest: DIGEST,
        status: 'approved',
      };
    case 'started':
      return { ...base, type, revision: 1, digest: DIGEST, policyDigest: DIGEST, resend: false };
    case 'finished':
      return { ...base, type, status: 'executed', errorCode: null, resultDigest: DIGEST, late: false };
    default:
      return type satisfies never;
  }
}

async function gate(store: Store, reviewId: string): Promise<void> {
  const envelope = {
    kind: 'decision',
    envelope: {
      payload: 'x'.repeat(800),
      payloadType: 'application/vnd.holdpoint.decision.v1+json',
      signatures: [{ sig: 'y'.repeat(88) }],
    },
  };
  await store.commit({
    ...proposal(reviewId),
    key: `p:${reviewId}`,
    entries: [proposedEntry(reviewId), entry(reviewId, 'classified')],
  });
  const approved = reviewOf(reviewId, { status: 'approved', level: 0, resolvedAt: AT });
  await store.commit({
    key: `d:${reviewId}`,
    entries: [entry(reviewId, 'decided')],
    review: { ...stateWrite(approved), envelopes: [envelope, envelope] } as never,
  });
  await store.commit({
    ledger: claiming(reviewId),
    entries: [entry(reviewId, 'started')],
    review: {
      kind: 'execution',
      reviewId,
      execution: { status: 'executing', error: null, startedAt: AT, finishedAt: null },
    },
  });
  await store.commit({
    ledger: { to: 'finish', reviewId, token: 'token-1', state: 'done', outcome: { error: null, finishedAt: AT } },
    entries: [entry(reviewId, 'finished')],
    review: {
      kind: 'execution',
      reviewId,
      execution: { status: 'executed', error: null, startedAt: AT, finishedAt: AT },
    },
  });
}

async function measure(name: string, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  await work();
  const took = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  const commits = GATES * 4;
  console.log(
    `${name}: ${(took / commits).toFixed(3)} ms and ${((user + system) / 1_000 / commits).toFixed(3)} ms CPU per commit, ` +
      `${Math.round((GATES * 1_000) / took)} gates/s`,
  );
}

const url = process.env['DATABASE_URL'];
const dataDir = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
const store = await createStore(url === undefined ? { dataDir } : { databaseUrl: url });
const series = 1 + (Date.now() % 20);
for (let n = 0; n < 200; n += 1) await gate(store, reviewIdOf(n, 0 + series));
await measure('one after the other', async () => {
  for (let n = 0; n < GATES; n += 1) await gate(store, reviewIdOf(10_000 + n, series));
});
await measure('20 at once', async () => {
  let n = 0;
  const worker = async () => {
    while (n < GATES) await gate(store, reviewIdOf(100_000 + n++, series));
  };
  await Promise.all(Array.from({ length: 20 }, worker));
});
await store.close();
rmSync(dataDir, { recursive: true, force: true });

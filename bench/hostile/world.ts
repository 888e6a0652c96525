import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createStore } from '../../src/storage/store.ts';
import { startHoldpoint } from '../../test/support/holdpoint.ts';
import { AT, proposedEntry, reviewIdOf, reviewOf, stateWrite } from '../../test/support/storage-fixtures.ts';
import { startTarget, writeDeployment } from '../gate/deployment.ts';

/** Reviews in the log before the run: of the agent that attacks, and of another that has far more. */
const OWN = 900;
const OTHERS = 9_100;

export interface HostileWorld {
  readonly url: string;
  /** Agents whose calls are measured, by turns: each has the usual limit of requests. */
  readonly agentKeys: readonly string[];
  readonly attackerKey: string;
  readonly reviewerToken: string;
  readonly anyReview: string;
  close(): Promise<void>;
}

/** A Holdpoint with a log of some length, behind a proxy that it trusts: every attack may come from as many addresses as it likes. */
export async function startHostileWorld(): Promise<HostileWorld> {
  const target = await startTarget();
  const { config, reviewerToken } = writeDeployment(target.url);
  const ids = ['attacker', 'measured-1', 'measured-2', 'measured-3', 'measured-4'];
  const keys = ids.map(() => `hpk_${randomBytes(32).toString('base64url')}`);
  const sha256 = (key = ''): string => createHash('sha256').update(key).digest('hex');
  const agents = ids.map((id, n) => `  - { id: ${id}, keySha256: ${sha256(keys[n])} }\n`).join('');
  const [attackerKey = '', ...agentKeys] = keys;
  const text = readFileSync(config, 'utf8')
    .replace('agents:\n', `agents:\n${agents}`)
    .replace(/, requestsPerMinute: \d+/, '');
  writeFileSync(
    config,
    `${text}notifications: { slack: { mode: off, webhook: env:SLACK_WEBHOOK_URL, signingSecret: env:SLACK_SIGNING_SECRET } }\n`,
  );
  const dataDir = mkdtempSync(join(tmpdir(), 'holdpoint-hostile-'));
  await fill(dataDir);
  const holdpoint = await startHoldpoint({
    config,
    dataDir,
    env: {
      HOLDPOINT_TRUST_PROXY: 'loopback',
      SLACK_SIGNING_SECRET: 'a-signing-secret',
      SLACK_WEBHOOK_URL: 'https://hooks.slack.com/x',
    },
  });
  return {
    url: holdpoint.url,
    agentKeys,
    attackerKey,
    reviewerToken,
    anyReview: reviewIdOf(1),
    close: async () => {
      await holdpoint.destroy();
      rmSync(dataDir, { recursive: true, force: true });
      rmSync(dirname(config), { recursive: true, force: true });
      await target.close();
    },
  };
}

async function fill(dataDir: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const store = await createStore({ dataDir });
  const commits = Array.from({ length: OWN + OTHERS }, (_, n) => {
    const reviewId = reviewIdOf(n);
    const proposer = { id: n < OWN ? 'attacker' : 'bench-agent', owner: null, attested: true };
    const review = reviewOf(reviewId, { proposer, status: 'rejected', resolvedAt: AT, level: 0 });
    const entries = [
      proposedEntry(reviewId, { proposer: proposer.id }),
      proposedEntry(reviewId, { proposer: proposer.id }),
    ];
    return store.commit({ entries, review: stateWrite(review) });
  });
  await Promise.all(commits);
  await store.close();
}

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

export interface Attacker {
  readonly agentKey: string;
  readonly reviewerToken: string;
}

export interface HostileWorld {
  readonly url: string;
  /** Agents whose calls are measured, by turns: each has the usual limit of requests. */
  readonly agentKeys: readonly string[];
  readonly anyReview: string;
  /** Credentials of the n-th attack alone: none finds its limit used up by the one before. */
  attacker(n: number): Attacker;
  close(): Promise<void>;
}

/** A Holdpoint with a log of some length, behind a proxy that it trusts: every attack may come from as many addresses as it likes. `withHistory`: the attack whose agent has reviews in the log. */
export async function startHostileWorld(attacks: number, withHistory: number): Promise<HostileWorld> {
  const target = await startTarget();
  const { config } = writeDeployment(target.url);
  const secrets = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, () => `${prefix}_${randomBytes(32).toString('base64url')}`);
  const sha256 = (secret: string): string => createHash('sha256').update(secret).digest('hex');
  const [agentKeys, attackers, tokens] = [secrets('hpk', 4), secrets('hpk', attacks), secrets('hpr', attacks)];
  const agents = [
    ...agentKeys.map((key, n) => `  - { id: measured-${n}, keySha256: ${sha256(key)} }\n`),
    ...attackers.map((key, n) => `  - { id: attacker-${n}, keySha256: ${sha256(key)} }\n`),
  ];
  const reviewers = tokens.map(
    (token, n) => `  - { id: hostile-${n}, groups: [ops], tokenSha256: ${sha256(token)} }\n`,
  );
  const text = readFileSync(config, 'utf8')
    .replace('agents:\n', `agents:\n${agents.join('')}`)
    .replace('reviewers:\n', `reviewers:\n${reviewers.join('')}`)
    .replace(/, requestsPerMinute: \d+/, '');
  writeFileSync(
    config,
    `${text}notifications: { slack: { mode: off, webhook: env:SLACK_WEBHOOK_URL, signingSecret: env:SLACK_SIGNING_SECRET } }\n`,
  );
  const dataDir = mkdtempSync(join(tmpdir(), 'holdpoint-hostile-'));
  await fill(dataDir, `attacker-${withHistory}`);
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
    anyReview: reviewIdOf(1),
    attacker: (n) => ({ agentKey: attackers[n] ?? '', reviewerToken: tokens[n] ?? '' }),
    close: async () => {
      await holdpoint.destroy();
      rmSync(dataDir, { recursive: true, force: true });
      rmSync(dirname(config), { recursive: true, force: true });
      await target.close();
    },
  };
}

async function fill(dataDir: string, attacker: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const store = await createStore({ dataDir });
  const commits = Array.from({ length: OWN + OTHERS }, (_, n) => {
    const reviewId = reviewIdOf(n);
    const proposer = { id: n < OWN ? attacker : 'bench-agent', owner: null, attested: true };
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

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HoldpointKeys } from './holdpoint.ts';

export interface BenchTarget {
  readonly url: string;
  close(): Promise<void>;
}

/** What every call ends at: answers at once. */
export async function startTarget(): Promise<BenchTarget> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json').end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Config and policy of the run: a hard gate and a reversible read, with audit, policy and signatures as always. */
export function writeDeployment(target: string): Omit<HoldpointKeys, 'url'> & {
  readonly config: string;
  /** Of fifty people of one group, the first of whom decides. */
  readonly reviewerTokens: readonly string[];
} {
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
  const agentKey = `hpk_${randomBytes(32).toString('base64url')}`;
  const reviewerTokens = Array.from({ length: 50 }, () => `hpr_${randomBytes(32).toString('base64url')}`);
  const reviewers = reviewerTokens.map(
    (token, n) => `  - { id: ops-${n + 1}, groups: [ops], tokenSha256: ${sha256(token)} }`,
  );
  writeFileSync(
    join(directory, 'policy.yaml'),
    `version: 1
tools:
  - name: payouts.create
    class: irreversible
    connector: payouts
    request: { method: POST, path: "/payouts", body: arguments }
    arguments:
      type: object
      required: [account, amount, currency]
      additionalProperties: false
      properties:
        account: { type: string }
        amount: { type: integer, minimum: 1 }
        currency: { type: string, enum: [usd, eur] }
  - name: payouts.get
    class: reversible
    connector: payouts
    request: { method: GET, path: "/payouts/{id}" }
rules:
  - when: tool == "payouts.create" && arguments.amount > 1000000
    class: forbidden
    reason: too-much
approvals:
  - match: "true"
    levels: [{ name: approval, approvers: [ops], quorum: 1 }]
    ttl: 24h
`,
  );
  const config = join(directory, 'holdpoint.yaml');
  writeFileSync(
    config,
    `deploymentId: bench
agents:
  - { id: bench-agent, keySha256: ${sha256(agentKey)} }
reviewers:
${reviewers.join('\n')}
policy: ./policy.yaml
limits: { pendingPerAgent: 100000, irreversiblePerToolPerHour: 1000000, sensitivePerToolPerHour: 1000000, requestsPerMinute: 10000000 }
connectors:
  payouts: { type: http, baseUrl: "${target}", allowPrivateAddresses: true }
`,
  );
  return { config, agentKey, reviewerToken: reviewerTokens[0] ?? '', reviewerTokens };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

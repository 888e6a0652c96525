import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ConfigFile } from '../../src/contract/config.ts';
import type { PolicyFile } from '../../src/contract/policy.ts';

/** Injected by the execute worker's HTTP connector; no test may find it anywhere but at the target. */
export const CREDENTIAL = 'cred-5f1e-do-not-leak/+Zz==';
export const DEPLOYMENT_ID = 'e2e';

const PEOPLE = {
  agents: ['agent-1', 'agent-2'],
  reviewers: ['ops-1', 'ops-2', 'ops-3', 'finance-1', 'finance-2', 'audit-1'],
} as const;
export type AgentId = (typeof PEOPLE.agents)[number];
export type ReviewerId = (typeof PEOPLE.reviewers)[number];
export type PersonId = AgentId | ReviewerId;

/** Config and policy file in a directory of their own, and the credentials of everybody in them. */
export interface Deployment {
  readonly directory: string;
  readonly configFile: string;
  readonly policyFile: string;
  /** Environment that the files refer to. */
  readonly env: Readonly<Record<string, string>>;
  readonly credentials: Readonly<Record<PersonId, string>>;
  /** Signs proposals of the agent `service-1`, which starts workflows itself. */
  readonly serviceKey: KeyObject;
  readonly config: ConfigFile;
  readonly policy: PolicyFile;
  /** Replaces the file in one step, as an editor does. Back to the first version: `writeConfig(deployment.config)`. */
  writeConfig(config: ConfigFile): void;
  writePolicy(policy: PolicyFile | string): void;
  remove(): void;
}

export interface DeploymentOptions {
  readonly targetUrl: string;
  readonly config?: Partial<ConfigFile>;
  readonly policy?: Partial<PolicyFile>;
  /** Beside `bank` and `nowhere`. */
  readonly connectors?: ConfigFile['connectors'];
}

export function writeDeployment({ targetUrl, connectors, ...changes }: DeploymentOptions): Deployment {
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-deployment-'));
  const credentials = Object.fromEntries([
    ...PEOPLE.agents.map((id) => [id, `hpk_${randomBytes(32).toString('base64url')}`]),
    ...PEOPLE.reviewers.map((id) => [id, `hpr_${randomBytes(32).toString('base64url')}`]),
  ]) as Record<PersonId, string>;
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(directory, 'service-1.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  const base = configFor(targetUrl, credentials);
  const config = { ...base, connectors: { ...base.connectors, ...connectors }, ...changes.config };
  const policy = { ...POLICY, ...changes.policy };
  const replace = (name: string, text: string) => {
    writeFileSync(join(directory, `${name}.new`), text);
    renameSync(join(directory, `${name}.new`), join(directory, name));
  };
  const deployment: Deployment = {
    directory,
    configFile: join(directory, 'holdpoint.yaml'),
    policyFile: join(directory, 'policy.yaml'),
    env: { BANK_TOKEN: CREDENTIAL },
    credentials,
    serviceKey: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    config,
    policy,
    writeConfig: (next) => replace('holdpoint.yaml', stringify(next)),
    writePolicy: (next) => replace('policy.yaml', typeof next === 'string' ? next : stringify(next)),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  deployment.writePolicy(policy);
  deployment.writeConfig(config);
  return deployment;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function configFor(targetUrl: string, credentials: Readonly<Record<PersonId, string>>): ConfigFile {
  const reviewer = (id: ReviewerId, group: string) => ({
    id,
    groups: [group],
    email: `${id}@example.com`,
    tokenSha256: sha256(credentials[id]),
  });
  return {
    deploymentId: DEPLOYMENT_ID,
    agents: [
      { id: 'agent-1', keySha256: sha256(credentials['agent-1']), owner: 'ops-3' },
      { id: 'agent-2', keySha256: sha256(credentials['agent-2']), tools: ['bank.pay', 'bank.get'] },
      { id: 'service-1', publicKey: 'file:service-1.pub', owner: 'finance-2' },
    ],
    reviewers: [
      reviewer('ops-1', 'ops'),
      reviewer('ops-2', 'ops'),
      reviewer('ops-3', 'ops'),
      reviewer('finance-1', 'finance'),
      reviewer('finance-2', 'finance'),
      { ...reviewer('audit-1', 'auditors'), role: 'auditor' },
    ],
    policy: './policy.yaml',
    limits: {
      pendingPerAgent: 100_000,
      irreversiblePerToolPerHour: 100_000,
      sensitivePerToolPerHour: 100_000,
      requestsPerMinute: 1_000_000,
    },
    connectors: {
      bank: { type: 'http', baseUrl: targetUrl, credential: 'env:BANK_TOKEN', allowPrivateAddresses: true },
      // The discard service, which nobody runs.
      nowhere: { type: 'http', baseUrl: 'http://127.0.0.1:9', allowPrivateAddresses: true },
    },
  };
}

const REF = { type: 'string', minLength: 1, maxLength: 100 } as const;
/** Short, so that a target that hangs is given up within the patience of a test. */
const TIMEOUT = '2s';

const post = (path: string) => ({ method: 'POST', path, body: 'arguments' }) as const;
const argumentsWith = (properties: Readonly<Record<string, object>>, required: readonly string[] = ['ref']) =>
  ({ type: 'object', required, additionalProperties: false, properties: { ref: REF, ...properties } }) as never;

/** One tool for each way in which a call can be. */
const POLICY: PolicyFile = {
  version: 1,
  tools: [
    /** Not idempotent: made at most once. */
    {
      name: 'bank.pay',
      class: 'irreversible',
      connector: 'bank',
      request: post('/pay'),
      timeout: TIMEOUT,
      arguments: argumentsWith({ amount: { type: 'integer', minimum: 1 } }),
    },
    /** Patience for targets that are slow, or too busy. */
    {
      name: 'bank.slow',
      class: 'irreversible',
      connector: 'bank',
      request: post('/slow'),
      deferOn: [429],
      timeout: '30s',
      arguments: argumentsWith({ amount: { type: 'integer', minimum: 1 } }),
    },
    {
      name: 'bank.order',
      class: 'irreversible',
      connector: 'bank',
      request: post('/order'),
      timeout: TIMEOUT,
      idempotency: { header: 'Idempotency-Key' },
      arguments: argumentsWith({}),
    },
    /** `/memo` is sealed; `/token` of the answer is dropped. */
    {
      name: 'bank.wire',
      class: 'irreversible',
      connector: 'bank',
      request: post('/wire'),
      timeout: TIMEOUT,
      seal: ['/memo'],
      redact: ['/token'],
      arguments: argumentsWith({ memo: { type: 'string', minLength: 3 } }, ['ref', 'memo']),
    },
    {
      name: 'bank.chain',
      class: 'irreversible',
      connector: 'bank',
      request: post('/chain'),
      timeout: TIMEOUT,
      arguments: argumentsWith({ amount: { type: 'integer' } }),
    },
    { name: 'bank.brief', class: 'irreversible', connector: 'bank', request: post('/brief'), timeout: TIMEOUT },
    /** Shows reviewers what stands at the target, and pins it. */
    {
      name: 'bank.closeAccount',
      class: 'irreversible',
      connector: 'bank',
      request: post('/close'),
      timeout: TIMEOUT,
      preview: {
        requests: [
          {
            path: '/accounts/{ref}',
            facts: [{ name: 'holder', label: 'Account', pointer: '/ref', pinned: true }],
          },
        ],
      },
    },
    {
      name: 'bank.get',
      class: 'reversible',
      connector: 'bank',
      request: { method: 'GET', path: '/pay/{ref}' },
      timeout: TIMEOUT,
      redact: ['/token'],
    },
    {
      name: 'bank.notify',
      class: 'sensitive',
      connector: 'bank',
      request: post('/notify'),
      timeout: TIMEOUT,
    },
    { name: 'nowhere.say', class: 'sensitive', connector: 'nowhere', request: post('/say') },
    { name: 'bank.destroy', class: 'forbidden', connector: 'bank', request: post('/destroy') },
  ],
  rules: [
    {
      when: 'tool == "bank.pay" && has(arguments.amount) && arguments.amount > 1000000',
      class: 'forbidden',
      reason: 'too-much',
    },
  ],
  approvals: [
    {
      match: 'tool == "bank.chain"',
      levels: [
        { name: 'operations', approvers: ['ops'], quorum: 1 },
        { name: 'finance', approvers: ['finance'], quorum: 1 },
      ],
      separationOfDuties: true,
      ttl: '1h',
    },
    {
      match: 'tool == "bank.brief"',
      levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
      ttl: '3s',
    },
    { match: 'true', levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }], ttl: '1h' },
  ],
};

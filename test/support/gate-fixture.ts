import { randomUUID } from 'node:crypto';
import { ulid } from 'ulid';
import type { ExecuteDeps } from '../../src/activities/execute/deps.ts';
import type { GateDeps } from '../../src/activities/gate/index.ts';
import type {
  Connector,
  ConnectorResult,
  ExecuteInput,
  PreviewInput,
  PreviewResult,
} from '../../src/ports/connector.ts';
import type { Signer, Unsealer } from '../../src/ports/connector.ts';
import { scrub } from '../../src/connectors/scrub.ts';
import type { DecisionPayload, DsseEnvelope, ProposalPayload } from '../../src/contract/envelope.ts';
import type { ExecuteRequest } from '../../src/contract/execute.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import type { DecisionType } from '../../src/contract/review.ts';
import type { Store } from '../../src/ports/store.ts';
import { valueAt } from '../../src/domain/json/pointer.ts';
import type { InForce, InForceSource, Settings } from '../../src/domain/policy/settings.ts';
import { makeKey, signerOf, verifierOf, type SigningRole, type TestKey, type TestTrust } from './keys.ts';
import { ONE_OF_OPS, smallPolicy, type SmallPolicy } from './small-policy.ts';
import { memoryStore } from './databases.ts';

export const DEPLOYMENT = 'test-deployment';
/** What the recording connector injects; no test may ever find it anywhere. */
export const CREDENTIAL = 'sk_live_Kq7/+secret==Zz';

/** Tools on one HTTP target, one for each way a call can be. */
export const TOOLS: readonly ToolDefinition[] = [
  tool('payouts.get', 'reversible', { request: { method: 'GET', path: '/payouts/{id}' } }),
  tool('payouts.notify', 'sensitive', { request: { method: 'POST', path: '/payouts/{id}/notify', body: 'arguments' } }),
  tool('payouts.create', 'irreversible', {
    title: 'Pay {amount} to {account}',
    request: { method: 'POST', path: '/payouts', body: 'arguments' },
    idempotency: { header: 'Idempotency-Key' },
    arguments: {
      type: 'object',
      required: ['account', 'amount'],
      additionalProperties: false,
      properties: { account: { type: 'string' }, amount: { type: 'integer', minimum: 1 } },
    },
  }),
  /** Not idempotent: made at most once. */
  tool('payouts.close', 'irreversible', { request: { method: 'DELETE', path: '/accounts/{id}' } }),
  /** `/memo` is sealed, and at least three characters once opened. */
  tool('payouts.wire', 'irreversible', {
    request: { method: 'POST', path: '/wires', body: 'arguments' },
    seal: ['/memo'],
    arguments: {
      type: 'object',
      required: ['amount', 'memo'],
      additionalProperties: false,
      properties: { amount: { type: 'integer' }, memo: { type: 'string', minLength: 3 } },
    },
  }),
  /** Has a preview. */
  tool('payouts.purge', 'irreversible', {
    request: { method: 'POST', path: '/purges', body: 'arguments' },
    preview: { requests: [{ path: '/purges', facts: [{ name: 'rows', label: 'Rows', pointer: '/rows' }] }] },
  }),
  tool('payouts.destroy', 'forbidden', { request: { method: 'DELETE', path: '/everything' } }),
];

function tool(name: string, callClass: ToolDefinition['class'], more: Partial<ToolDefinition>): ToolDefinition {
  return { name, class: callClass, connector: 'payouts', ...more };
}

export interface FixtureOptions {
  /** Shared with other fixtures; then `close` leaves it open. */
  readonly store?: Store;
  /** Default: a clock that stands still until a test moves it. */
  readonly now?: () => number;
  readonly policy?: Partial<SmallPolicy>;
  readonly settings?: Partial<Settings>;
}

export interface DecideOptions {
  readonly type?: DecisionType;
  readonly digest: string;
  readonly reviewer?: string;
  readonly revision?: number;
  readonly level?: number;
  readonly editedArguments?: JsonObject;
  readonly response?: DecisionPayload['response'];
  readonly comment?: string;
  /** ISO 8601; default: now. */
  readonly decidedAt?: string;
  readonly decisionUlid?: string;
  readonly deploymentId?: string;
  /** Default: the review key. */
  readonly signer?: Signer;
}

interface DirectOptions extends Partial<NonNullable<ProposalPayload['direct']>> {
  readonly proposer?: string;
  readonly signer?: Signer;
}

export type GateFixture = Awaited<ReturnType<typeof makeFixture>>;

/** Everything the activities stand on: a real database, real signatures, a small policy, a connector that records. */
export async function makeFixture(options: FixtureOptions = {}) {
  const store = options.store ?? (await memoryStore());
  const clock = makeClock(options.now);
  const keys = { propose: makeKey('propose-1'), review: makeKey('review-1'), execute: makeKey('execute-1') };
  const trust = trustOf(keys);
  const settings = makeSettings(options, store);
  const signers = { propose: signerOf(keys.propose), review: signerOf(keys.review), execute: signerOf(keys.execute) };
  const verifier = verifierOf(trust, settings);
  const recorder = makeRecorder();
  const iso = (): string => new Date(clock.now()).toISOString();

  const gateDeps: GateDeps = {
    store,
    settings,
    verifier,
    clock,
    starterIdentity: async () => 'someone@somewhere',
    workflowUrl: () => null,
    localUrl: 'http://127.0.0.1:8080',
  };

  const executeDeps = (overrides: Partial<ExecuteDeps> = {}): ExecuteDeps => ({
    store,
    settings,
    verifier,
    signer: signers.execute,
    unsealer: testUnsealer,
    connector: (name) => (Object.hasOwn(settings.current().connectors, name) ? recorder.connector : undefined),
    scrub,
    clock,
    newToken: () => randomUUID(),
    journal: { claiming: async () => undefined, ended: () => undefined },
    assertLogIntact: async () => undefined,
    ...overrides,
  });

  return {
    store,
    clock,
    keys,
    trust,
    settings,
    signers,
    verifier,
    gateDeps,
    executeDeps,
    /** What the connector was asked to execute. */
    calls: recorder.calls,
    previews: recorder.previews,
    connector: recorder.connector,
    /** Answers of the connector from now on. */
    answer: recorder.answer,
    answerPreview: recorder.answerPreview,
    newReviewId: (): string => `rev_${ulid()}`,

    propose: (
      reviewId: string,
      request: ExecuteRequest,
      proposer = 'agent-1',
      signer: Signer = signers.propose,
      deploymentId = DEPLOYMENT,
    ): DsseEnvelope => signer.sign('proposal', { deploymentId, reviewId, proposedAt: iso(), proposer, request }),

    /** A proposal as the api signs it for a call without a workflow. */
    proposeDirect: (
      reviewId: string,
      request: ExecuteRequest,
      { proposer = 'agent-1', signer = signers.propose, ...direct }: DirectOptions = {},
    ): DsseEnvelope => {
      const { policy, configDigest } = settings.current();
      return signer.sign('proposal', {
        deploymentId: DEPLOYMENT,
        reviewId,
        proposedAt: iso(),
        proposer,
        request,
        direct: { policyDigest: policy.digest, configDigest, handedAt: iso(), ...direct },
      });
    },

    decide: (reviewId: string, decision: DecideOptions): DsseEnvelope => {
      const { signer = signers.review, reviewer = 'ops-1', deploymentId = DEPLOYMENT, ...said } = decision;
      return signer.sign('decision', {
        deploymentId,
        reviewId,
        decisionUlid: ulid(),
        revision: 1,
        level: 1,
        type: 'approve',
        reviewer: { id: reviewer, method: 'token' },
        channel: 'api',
        decidedAt: iso(),
        ...said,
      });
    },

    revise: (
      reviewId: string,
      digest: string,
      args: JsonObject,
      { proposer = 'agent-1', signer = signers.propose, deploymentId = DEPLOYMENT } = {},
    ): DsseEnvelope =>
      signer.sign('revision', {
        deploymentId,
        reviewId,
        decisionUlid: ulid(),
        proposer,
        digest,
        arguments: args,
        submittedAt: iso(),
      }),

    withdraw: (
      reviewId: string,
      digest: string,
      { proposer = 'agent-1', signer = signers.propose, deploymentId = DEPLOYMENT } = {},
    ): DsseEnvelope =>
      signer.sign('withdrawal', {
        deploymentId,
        reviewId,
        decisionUlid: ulid(),
        proposer,
        digest,
        withdrawnAt: iso(),
      }),

    reconcile: (
      reviewId: string,
      digest: string,
      outcome: 'executed' | 'failed',
      { reviewer = 'ops-1', signer = signers.review, deploymentId = DEPLOYMENT } = {},
    ): DsseEnvelope =>
      signer.sign('reconciliation', {
        deploymentId,
        reviewId,
        decisionUlid: ulid(),
        digest,
        outcome,
        note: 'looked it up',
        reviewer: { id: reviewer, method: 'token' },
        channel: 'api',
        reconciledAt: iso(),
      }),

    close: async (): Promise<void> => {
      if (options.store === undefined) await store.close();
    },
  };
}

function trustOf(keys: Record<SigningRole, TestKey>): TestTrust {
  const { propose, review, execute } = keys;
  return { roles: { propose: [propose], review: [review], execute: [execute] }, agents: new Map() };
}

function makeClock(now?: () => number) {
  let at = Date.parse('2026-04-01T12:00:00.000Z');
  return {
    now: now ?? ((): number => at),
    set: (ms: number): void => void (at = ms),
    advance: (ms: number): void => void (at += ms),
  };
}

export interface MutableSettings extends InForceSource {
  /** Replaces what a reload would. */
  update(patch: Partial<InForce>): void;
  /** Compiles another policy; what is not named stays as in the first. */
  setPolicy(patch: Partial<SmallPolicy>): void;
}

export const REVIEWERS: Settings['reviewers'] = [
  { id: 'ops-1', groups: ['ops'] },
  { id: 'ops-2', groups: ['ops'] },
  { id: 'ops-3', groups: ['ops'] },
  { id: 'finance-1', groups: ['finance'] },
  { id: 'finance-2', groups: ['finance'] },
  { id: 'manager-1', groups: ['managers'] },
  { id: 'both-1', groups: ['ops', 'finance'] },
  { id: 'audit-1', groups: ['ops'], role: 'auditor' },
];

export function makeSettings(options: FixtureOptions, store?: Pick<Store, 'freezes'>): MutableSettings {
  const base: SmallPolicy = { tools: TOOLS, approval: ONE_OF_OPS, ...options.policy };
  let settings: InForce = {
    deploymentId: DEPLOYMENT,
    agents: [{ id: 'agent-1', owner: 'ops-3' }, { id: 'agent-2' }, { id: 'narrow-agent', tools: ['payouts.get'] }],
    reviewers: REVIEWERS,
    policy: smallPolicy(base),
    configDigest: `sha256:${'c'.repeat(64)}`,
    callbacks: [],
    unattested: 'hold',
    executeWithinMs: 3_600_000,
    freeze: [],
    operators: [],
    liftBySecondPerson: false,
    limits: {
      pendingPerAgent: 200,
      irreversiblePerToolPerHour: 60,
      sensitivePerToolPerHour: 600,
      requestsPerMinute: 600,
    },
    connectors: { payouts: { baseUrl: 'http://127.0.0.1:9000', allowPrivateAddresses: true } },
    notifications: undefined,
    oidc: undefined,
    publicUrl: null,
    logLevel: null,
    ...options.settings,
  };
  return {
    current: () => settings,
    problem: () => null,
    refresh: async () => {
      const freezes = await store?.freezes.read();
      return (settings = { ...settings, ...(freezes === undefined ? {} : { freezes }) });
    },
    update: (patch) => void (settings = { ...settings, ...patch }),
    setPolicy: (patch) => void (settings = { ...settings, policy: smallPolicy({ ...base, ...patch }) }),
  };
}

type Answer = (input: ExecuteInput, nth: number) => ConnectorResult | Promise<ConnectorResult>;

function makeRecorder() {
  const calls: ExecuteInput[] = [];
  const previews: PreviewInput[] = [];
  let answer: Answer = () => ({ status: 'executed', body: { ok: true }, upstreamStatus: 200 });
  let answerPreview: (input: PreviewInput) => PreviewResult = () => ({
    ok: true,
    facts: [{ name: 'rows', label: 'Rows', value: 1247 }],
    sourceHash: `sha256:${'5'.repeat(64)}`,
  });
  const connector: Connector = {
    timeoutMs: 5_000,
    secrets: () => [CREDENTIAL],
    preview: async (input) => {
      previews.push(input);
      return answerPreview(input);
    },
    execute: async (input) => {
      calls.push(input);
      return answer(input, calls.length);
    },
    close: async () => undefined,
  };
  return {
    calls,
    previews,
    connector,
    answer: (next: Answer): void => void (answer = next),
    answerPreview: (next: typeof answerPreview): void => void (answerPreview = next),
  };
}

/** A sealed value for tests that are not about the cipher: bound like the real one, readable to the test's unsealer alone. */
export function sealForTest(reviewId: string, toolName: string, pointer: string, value: string): { $sealed: string } {
  return { $sealed: Buffer.from(JSON.stringify({ reviewId, toolName, pointer, value })).toString('base64url') };
}

export const testUnsealer: Unsealer = {
  open: async (args, { reviewId, tool: toolName, pointers }) => {
    const opened: string[] = [];
    const copy = structuredClone(args) as Record<string, unknown>;
    for (const pointer of pointers) {
      const sealed = valueAt(args, pointer) as { $sealed: string } | undefined;
      if (sealed === undefined) continue;
      const inner = JSON.parse(Buffer.from(sealed.$sealed, 'base64url').toString()) as Record<string, string>;
      const { value } = inner;
      const bound = inner['reviewId'] === reviewId && inner['toolName'] === toolName && inner['pointer'] === pointer;
      if (!bound || value === undefined) throw new Error('not sealed for this call');
      copy[pointer.slice(1)] = value;
      opened.push(value);
    }
    return { arguments: copy as JsonObject, opened };
  },
};

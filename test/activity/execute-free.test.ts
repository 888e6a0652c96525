import { describe, expect, it } from 'vitest';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createDirectActivities, createExecuteActivities } from '../../src/activities/execute/index.ts';
import type { ExecuteDeps } from '../../src/activities/execute/deps.ts';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { FreeResult } from '../../src/activities/api.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import type { ExecuteRequest } from '../../src/contract/execute.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import type { ConnectorResult } from '../../src/ports/connector.ts';
import { StorageError, type Commit, type Store } from '../../src/ports/store.ts';
import { lostClaims } from '../../src/activities/lost-reviews.ts';
import { sealForTest, type GateFixture } from '../support/gate-fixture.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { failureOf, later, never } from '../support/gate-journey.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const GET: ExecuteRequest = { service: 'payouts', tool: 'payouts.get', arguments: { id: 'p-1' } };
/** Refusals are expected here. */
const QUIET = { logger: new DefaultLogger('ERROR') };
const LOST: ConnectorResult = { status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' };

interface Attempt {
  readonly reviewId: string;
  readonly proposal: DsseEnvelope;
}

function handed(
  request: Partial<ExecuteRequest> = {},
  options: Parameters<GateFixture['proposeDirect']>[2] = {},
): Attempt {
  const reviewId = gate.newReviewId();
  return { reviewId, proposal: gate.proposeDirect(reviewId, { ...GET, ...request }, options) };
}

/** As the api calls it in one process. */
const run = ({ proposal }: Pick<Attempt, 'proposal'>, over: Partial<ExecuteDeps> = {}): Promise<FreeResult> =>
  createDirectActivities(gate.executeDeps(over)).executeFree({ proposal });

/** As a worker runs an activity with this id. */
function runAs(info: object, { proposal }: Pick<Attempt, 'proposal'>): Promise<FreeResult> {
  const activities = createDirectActivities(gate.executeDeps());
  const given = { proposal };
  return new MockActivityEnvironment(info, QUIET).run((input: typeof given) => activities.executeFree(input), given);
}

/** The reversible tool, otherwise. */
const get = (more: Partial<ToolDefinition>): ToolDefinition => ({
  name: 'payouts.get',
  class: 'reversible',
  connector: 'payouts',
  request: { method: 'GET', path: '/payouts/{id}' },
  ...more,
});

/** A store that dies, or loses an answer, at one step. */
function storeWith(commit: (next: Commit) => Promise<void>): Store {
  return {
    ...store,
    commit: async (next) => {
      await commit(next);
      return store.commit(next);
    },
  };
}

const killed = new Error('the process was killed');
const typesOf = async (reviewId: string) => (await steps.entries(reviewId)).map(({ type }) => type);

/** Takes what was left over by the workflow, as `gatedCall` does under the same id. */
async function takeOver({ reviewId, proposal }: Attempt) {
  const opened = await createGateActivities(gate.gateDeps).classifyCall({
    reviewId,
    runId: 'run-1',
    startedAt: gate.clock.now(),
    request: { ...GET, proposal },
  });
  if (opened.kind === 'refused') throw new Error(opened.reasonCode);
  const { material } = opened.revision;
  return { opened, input: { reviewId, material, previous: null, proposal, decisions: [] } };
}

describe('a call that policy frees', () => {
  it('is claimed, made and recorded', async () => {
    const call = handed();
    expect(await run(call)).toEqual({ status: 'executed', reviewId: call.reviewId });
    expect(gate.calls).toHaveLength(1);
    expect(await typesOf(call.reviewId)).toEqual(['proposed', 'classified', 'started', 'finished']);
    expect(await steps.ledger(call.reviewId)).toMatchObject({ state: 'done', isDirect: true });
    expect((await store.readReview(call.reviewId))?.review).toMatchObject({
      status: 'not_required',
      class: 'reversible',
      gate: 'none',
      proposer: { id: 'agent-1', owner: 'ops-3', attested: true },
      execution: { status: 'executed', body: { ok: true } },
      workflow: null,
    });
  });

  it('is recorded as failed or unknown where it failed, or nobody knows', async () => {
    gate.answer(() => ({ status: 'failed', code: 'upstream_rejected', message: 'no', upstreamStatus: 404 }));
    expect(await run(handed())).toMatchObject({ status: 'failed' });
    gate.answer(() => LOST);
    const unknown = handed();
    expect(await run(unknown)).toMatchObject({ status: 'outcome_unknown' });
    expect((await steps.ledger(unknown.reviewId)).state).toBe('unknown');
  });

  it('is never deferred', async () => {
    gate.answer(() => ({ status: 'failed', code: 'upstream_rejected', message: '429', isDeferrable: true }));
    const call = handed();
    expect(await run(call)).toMatchObject({ status: 'failed' });
    expect((await steps.ledger(call.reviewId)).deferral).toBeNull();
  });

  it('runs as a standalone activity with the id of its review, and beats', async () => {
    const call = handed();
    const info = { inWorkflow: false, activityId: call.reviewId };
    expect(await runAs(info, call)).toMatchObject({ status: 'executed' });
  });
});

describe('law 2: who reaches Temporal', () => {
  it.each([
    ['from a workflow', () => ({ inWorkflow: true }), 'standalone_only'],
    ['as a local activity', () => ({ inWorkflow: false, isLocal: true }), 'standalone_only'],
    ['under another id', () => ({ inWorkflow: false, activityId: gate.newReviewId() }), 'foreign_review'],
  ] as const)('cannot run it %s', async (_name, info, code) => {
    const call = handed();
    const failure = await failureOf(runAs({ activityId: call.reviewId, ...info() }, call));
    expect(failure).toEqual(never(code));
    expect(gate.calls).toHaveLength(0);
    expect(await store.readLedger(call.reviewId)).toBeUndefined();
  });

  it.each(['gatherEvidence', 'executeCall'] as const)('cannot start %s outside a workflow', async (name) => {
    const { input } = await steps.open('payouts.get', { id: 'p-1' });
    const activity = createExecuteActivities(gate.executeDeps())[name] as (given: unknown) => Promise<void>;
    const environment = new MockActivityEnvironment({ inWorkflow: false }, QUIET);
    const failure = await failureOf(environment.run((given: unknown) => activity(given), input));
    expect(failure).toEqual(never('workflow_only'));
    expect(gate.calls).toHaveLength(0);
  });

  it('cannot start an activity of the gate outside a workflow', async () => {
    const call = handed();
    const environment = new MockActivityEnvironment({ inWorkflow: false, isLocal: false }, QUIET);
    for (const activity of Object.values(createGateActivities(gate.gateDeps))) {
      const failure = await failureOf(environment.run((given: never) => activity(given), call as never));
      expect(failure).toEqual(never('local_only'));
    }
    expect(await store.readLedger(call.reviewId)).toBeUndefined();
  });

  it.each([
    ['nothing', () => undefined],
    ['no envelope', () => ({ proposal: { payload: '', payloadType: 'x', signatures: [] } })],
    ['an unsigned call', () => GET],
    ['a forged one', () => ({ proposal: { ...handed().proposal, signatures: [{ sig: 'AAAA' }] } })],
    ['one of the review key', () => handed({}, { signer: { ...gate.signers.review, sign: forgedBy('review') } })],
  ])('cannot run %s', async (_name, given) => {
    const activities = createDirectActivities(gate.executeDeps());
    const failure = await failureOf(activities.executeFree(given() as never));
    expect(failure).toEqual(never('not_authorized'));
    expect(gate.calls).toHaveLength(0);
  });
});

/** A signature by a key of another role. */
function forgedBy(role: 'review') {
  return ((kind: 'proposal', payload: object) => ({
    ...gate.signers.propose.sign(kind, payload as never),
    signatures: gate.signers[role].sign('decision', payload as never).signatures,
  })) as never;
}

/** The agent says by itself that its call goes without a workflow. */
function ownKey(): Attempt {
  const own = makeKey('agent-1');
  gate.trust.agents.set('agent-1.pub', own);
  gate.settings.update({ agents: [{ id: 'agent-1', owner: 'ops-3', publicKey: 'file:agent-1.pub' }] });
  return handed({}, { signer: signerOf(own) });
}

describe('what is not free takes the workflow', () => {
  const FROZEN = { freeze: ['payouts.*'] };
  it.each([
    ['irreversible', () => handed({ tool: 'payouts.close', arguments: { id: 'a-1' } })],
    ['sensitive, under a soft gate', () => handed({ tool: 'payouts.notify', arguments: { id: 'a-1' } })],
    ['forbidden', () => handed({ tool: 'payouts.destroy' })],
    ['of an unknown tool', () => handed({ tool: 'payouts.nothing' })],
    ['with arguments that its request cannot carry', () => handed({ arguments: { id: '..' } })],
    ['of a tool that the agent may not use', () => handed({ tool: 'payouts.create' }, { proposer: 'narrow-agent' })],
    ['under an agent’s own key', () => ownKey()],
    ['frozen', () => (gate.settings.update(FROZEN), handed())],
    ['without the word of the api', () => ({ reviewId: '', proposal: gate.propose(gate.newReviewId(), GET) })],
    ['under another policy', () => handed({}, { policyDigest: `sha256:${'d'.repeat(64)}` })],
    ['under another configuration', () => handed({}, { configDigest: `sha256:${'d'.repeat(64)}` })],
    ['older than 30 s', () => handed({}, { handedAt: new Date(gate.clock.now() - 30_001).toISOString() })],
    ['from the future', () => handed({}, { handedAt: new Date(gate.clock.now() + 30_001).toISOString() })],
  ] as const)('%s', async (_name, make) => {
    const { proposal } = make();
    const { status, reviewId } = await run({ proposal });
    expect(status).toBe('not_free');
    expect(gate.calls).toHaveLength(0);
    expect(await store.readLedger(reviewId)).toBeUndefined();
  });

  it('30 s after it was handed over it is still begun', async () => {
    const call = handed({}, { handedAt: new Date(gate.clock.now() - 30_000).toISOString() });
    expect(await run(call)).toMatchObject({ status: 'executed' });
  });

  it('with the policy of now, whatever it was when it was handed over', async () => {
    const call = handed();
    gate.settings.setPolicy({ tools: [get({ class: 'irreversible' })] });
    expect(await run(call)).toMatchObject({ status: 'not_free' });
    expect(gate.calls).toHaveLength(0);
  });

  it('where the connector cannot be used here', async () => {
    expect(await run(handed(), { connector: () => undefined })).toMatchObject({ status: 'not_free' });
  });
});

describe('law 6: at most once', () => {
  it('does nothing where the row is open, and the workflow makes the call', async () => {
    const call = handed();
    const { input } = await takeOver(call);
    expect(await run(call)).toEqual({ status: 'taken', reviewId: call.reviewId });
    expect(gate.calls).toHaveLength(0);
    expect((await steps.ledger(call.reviewId)).state).toBe('open');
    expect(await steps.attempt(input)).toMatchObject({ sent: 1, state: 'done' });
    expect(await run(call)).toMatchObject({ status: 'taken' });
  });

  it('makes one call of several at once, and none of a replay', async () => {
    const call = handed();
    const results = await Promise.all([run(call), run(call), run(call)]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['executed', 'taken', 'taken']);
    expect(await run(call)).toMatchObject({ status: 'taken' });
    expect(gate.calls).toHaveLength(1);
  });

  it.each([
    ['before it began', 'begin', 'before'],
    ['when it had begun', 'begin', 'after'],
  ] as const)('sends nothing where the worker dies %s', async (_name, step, when) => {
    const call = handed();
    const dead = storeWith(async (next) => {
      if (next.ledger?.to !== step) return;
      if (when === 'after') await store.commit(next);
      throw killed;
    });
    await expect(run(call, { store: dead })).rejects.toBe(killed);
    expect(gate.calls).toHaveLength(0);
  });

  it('leaves a claim whose worker died before it wrote the result to what follows', async () => {
    const call = await crashAfterSend();
    expect((await steps.ledger(call.reviewId)).state).toBe('claimed');
    const { opened, input } = await takeOver(call);
    expect(opened.outcome).toMatchObject({ state: 'claimed', isDirect: true });
    // Not before the request can no longer be on its way, although the workflow asks for the very same call.
    expect(await steps.attempt(input)).toMatchObject({ failure: later('not_open'), state: 'claimed' });
    const { settledBy = '' } = (await steps.ledger(call.reviewId)).claim ?? {};
    gate.clock.set(Date.parse(settledBy));
    expect(await steps.attempt(input)).toMatchObject({ failure: undefined, sent: 0, state: 'unknown' });
    expect(await typesOf(call.reviewId)).toEqual(['proposed', 'classified', 'started', 'unknown']);
    expect((await store.readReview(call.reviewId))?.review.status).toBe('not_required');
  });

  it('settles such a claim without a workflow too, once its time is over', async () => {
    const call = await crashAfterSend();
    const sweep = {
      store,
      settings: gate.settings,
      clock: gate.clock,
      isRunning: async () => false,
      report: () => undefined,
    };
    const plan = async () => lostClaims.plan(sweep, await steps.ledger(call.reviewId));
    expect(await plan()).toBeUndefined();
    gate.clock.set(Date.parse((await steps.ledger(call.reviewId)).claim?.settledBy ?? '') + 30_000);
    expect(await (await plan())?.()).toBe(true);
    expect((await steps.ledger(call.reviewId)).state).toBe('unknown');
  });

  it('records a late result over an unknown one', async () => {
    const call = handed();
    let release: (() => void) | undefined;
    const answer = new Promise<ConnectorResult>((resolve) => {
      release = () => resolve({ status: 'executed', body: {} });
    });
    gate.answer(() => answer);
    const running = run(call);
    while (gate.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const { input } = await takeOver(call);
    gate.clock.set(Date.parse((await steps.ledger(call.reviewId)).claim?.settledBy ?? ''));
    expect(await steps.attempt(input)).toMatchObject({ state: 'unknown' });
    release?.();
    expect(await running).toMatchObject({ status: 'executed' });
    expect((await steps.ledger(call.reviewId)).state).toBe('done');
  });

  it('leaves a lost answer of an idempotent target to the workflow, which sends again after `settledBy`', async () => {
    gate.settings.setPolicy({ tools: [get({ idempotency: { header: 'Idempotency-Key' } })] });
    gate.answer(() => LOST);
    const call = handed();
    expect(await run(call)).toMatchObject({ status: 'executing' });
    gate.answer(() => ({ status: 'executed', body: {} }));
    const { input } = await takeOver(call);
    expect(await steps.attempt(input)).toMatchObject({ failure: later('not_open'), sent: 0 });
    gate.clock.set(Date.parse((await steps.ledger(call.reviewId)).claim?.settledBy ?? ''));
    expect(await steps.attempt(input)).toMatchObject({ sent: 1, state: 'done' });
    expect(gate.calls.map(({ idempotencyKey }) => idempotencyKey)).toEqual(Array(2).fill(`holdpoint-${call.reviewId}`));
  });

  async function crashAfterSend(): Promise<Attempt> {
    const call = handed();
    let sent: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (sent = resolve));
    gate.answer(() => {
      sent?.();
      // Its process is gone before this comes.
      return new Promise(() => undefined);
    });
    void run(call);
    await arrived;
    return call;
  }
});

describe('law 8: the record before the effect', () => {
  it('sends nothing where the database is away', async () => {
    const down = new StorageError('database_unavailable', 'down');
    const away = storeWith(() => Promise.reject(down));
    await expect(run(handed(), { store: away })).rejects.toBe(down);
    expect(gate.calls).toHaveLength(0);
  });

  it('sends nothing while the log does not extend the last checkpoint', async () => {
    const rolledBack = { assertLogIntact: () => Promise.reject(new StorageError('log_rolled_back', 'x')) };
    const call = handed();
    expect(await failureOf(run(call, rolledBack))).toEqual(later('log_rolled_back'));
    expect(await store.readLedger(call.reviewId)).toBeUndefined();
  });

  it('takes the workflow where the database refuses what it holds', async () => {
    const refusing = storeWith(() => Promise.reject(new StorageError('write_refused', 'no')));
    expect(await run(handed(), { store: refusing })).toMatchObject({ status: 'not_free' });
  });
});

describe('law 7: what is sealed', () => {
  const sealed = (reviewId: string): JsonObject => ({
    memo: sealForTest(reviewId, 'payouts.get', '/memo', 'for them'),
  });
  const given = (sealedFor?: string): Attempt => {
    gate.settings.setPolicy({
      tools: [get({ seal: ['/memo'], request: { method: 'POST', path: '/x', body: 'arguments' } })],
    });
    const reviewId = gate.newReviewId();
    return { reviewId, proposal: gate.proposeDirect(reviewId, { ...GET, arguments: sealed(sealedFor ?? reviewId) }) };
  };

  it('is opened here alone', async () => {
    const call = given();
    expect(await run(call)).toMatchObject({ status: 'executed' });
    expect(gate.calls.at(-1)?.arguments).toEqual({ memo: 'for them' });
    expect(JSON.stringify(await store.readReview(call.reviewId))).not.toContain('for them');
  });

  it('takes the workflow where it cannot be opened', async () => {
    expect(await run(given(gate.newReviewId()))).toMatchObject({ status: 'not_free' });
    expect(gate.calls).toHaveLength(0);
  });
});

import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createExecuteActivities } from '../../src/activities/execute/index.ts';
import type { ExecuteDeps } from '../../src/activities/execute/deps.ts';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { Classified, ExecuteCallInput, ExecuteActivities } from '../../src/activities/api.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import type { ExecuteRequest } from '../../src/contract/execute.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Material } from '../../src/contract/review.ts';
import type { LedgerRow } from '../../src/domain/ledger.ts';
import { digestBytes, digestMaterial } from '../../src/domain/proof/digest.ts';
import { readPayload } from '../../src/domain/proof/dsse.ts';
import type { DecideOptions, GateFixture } from './gate-fixture.ts';

type Opened = Exclude<Classified, { kind: 'refused' }>;

/** A review as its workflow would hold it when it is about to have the call made. */
export interface Journey {
  readonly reviewId: string;
  readonly opened: Opened;
  readonly input: ExecuteCallInput;
  readonly digest: string;
}

export interface ProposeOptions {
  readonly proposer?: string;
  readonly reviewId?: string;
  /** Nobody signs: a workflow started by hand. */
  readonly unsigned?: boolean;
  readonly request?: Partial<ExecuteRequest>;
}

/** Takes reviews through the real activities in the order in which the workflow does, without Temporal. */
export function makeJourneys(fixture: GateFixture) {
  const { store, clock, gateDeps } = fixture;
  const gate = createGateActivities(gateDeps);
  const at = (): string => new Date(clock.now()).toISOString();

  /** Classifies a call and, where it has a preview, gathers and attaches evidence. */
  async function open(tool: string, args: JsonObject, options: ProposeOptions = {}): Promise<Journey> {
    const reviewId = options.reviewId ?? fixture.newReviewId();
    const request: ExecuteRequest = { service: tool.split('.')[0] ?? '', tool, arguments: args, ...options.request };
    const proposal = options.unsigned ? null : fixture.propose(reviewId, request, options.proposer);
    const opened = await gate.classifyCall({
      reviewId,
      runId: 'run-1',
      startedAt: clock.now(),
      request: proposal === null ? request : { ...request, proposal },
    });
    if (opened.kind === 'refused') throw new Error(opened.reasonCode);
    let { material } = opened.revision;
    if (opened.revision.wantsPreview && proposal !== null) {
      await run().gatherEvidence({ reviewId, revision: 1, proposal, change: null });
      ({ material } = await gate.attachEvidence({ material }));
    }
    const input: ExecuteCallInput = { reviewId, material, previous: null, proposal, decisions: [] };
    return { reviewId, opened, input, digest: digestMaterial(material) };
  }

  /** Puts on record what the gate does when it admits a decision. */
  async function admit(reviewId: string, envelope: DsseEnvelope, more: readonly AuditEntry[] = []): Promise<void> {
    const payload = readPayload('decision', envelope);
    if (payload === undefined) throw new Error('no decision');
    const { decisionUlid, type, reviewer, channel, revision, level, digest } = payload;
    const base = { schemaVersion: 1, deploymentId: payload.deploymentId, reviewId, at: at() } as const;
    await store.commit({
      key: `${reviewId}:admitted:${decisionUlid}`,
      entries: [
        {
          ...base,
          type: 'decided',
          decisionUlid,
          decision: type,
          reviewer: reviewer.id,
          channel,
          revision,
          level,
          digest,
          envelopeDigest: digestBytes(Buffer.from(envelope.payload, 'base64')),
          status: 'pending',
        },
        ...more,
      ],
    });
  }

  /** A signed decision that the gate admitted. */
  async function decide(journey: Journey, decision: Partial<DecideOptions> = {}): Promise<Journey> {
    const revision = journey.input.material.revision;
    const envelope = fixture.decide(journey.reviewId, { digest: journey.digest, revision, ...decision });
    await admit(journey.reviewId, envelope);
    return { ...journey, input: { ...journey.input, decisions: [...journey.input.decisions, envelope] } };
  }

  /** A reviewer's edit that the gate admitted, with the revision that it led to. */
  async function edit(journey: Journey, args: JsonObject, decision: Partial<DecideOptions> = {}): Promise<Journey> {
    const { reviewId, digest, opened } = journey;
    const previous = journey.input.material;
    const { revision } = previous;
    const envelope = fixture.decide(reviewId, { type: 'edit', digest, revision, editedArguments: args, ...decision });
    const prepared = await gate.prepareRevision({
      previous,
      attested: journey.input.proposal !== null,
      arguments: args,
      startedAt: Date.parse(opened.base.proposedAt),
      question: false,
    });
    if (!prepared.ok) throw new Error('not a revision');
    let { material } = prepared.revision;
    if (prepared.revision.wantsPreview && journey.input.proposal !== null) {
      const { proposal } = journey.input;
      await run().gatherEvidence({
        reviewId,
        revision: revision + 1,
        proposal,
        change: { kind: 'decision', envelope },
      });
      ({ material } = await gate.attachEvidence({ material }));
    }
    const by = readPayload('decision', envelope)?.reviewer.id ?? '';
    const envelopeDigest = digestBytes(Buffer.from(envelope.payload, 'base64'));
    const base = { schemaVersion: 1, deploymentId: material.deploymentId, reviewId, at: at() } as const;
    await admit(reviewId, envelope, [{ ...base, type: 'revised', revision: revision + 1, by, envelopeDigest }]);
    const input = { ...journey.input, material, previous, decisions: [envelope] };
    return { ...journey, input, digest: digestMaterial(material) };
  }

  /** The execute worker's activities as one worker process has them, each call in an activity's context. */
  function run(overrides: Partial<ExecuteDeps> = {}): ExecuteActivities {
    const activities = createExecuteActivities(fixture.executeDeps(overrides));
    return {
      gatherEvidence: (input) =>
        activityContext().run((given: typeof input) => activities.gatherEvidence(given), input),
      executeCall: (input) => activityContext().run((given: typeof input) => activities.executeCall(given), input),
    };
  }

  return {
    gate,
    open,
    admit,
    decide,
    edit,
    run,
    /** What came of an attempt in a worker of its own: how it failed, how often it sent, where the ledger stands. */
    attempt: async (input: ExecuteCallInput, overrides: Partial<ExecuteDeps> = {}) => {
      const before = fixture.calls.length;
      const failure = await failureOf(run(overrides).executeCall(input));
      const row = await store.readLedger(input.reviewId);
      return { failure, sent: fixture.calls.length - before, state: row?.state };
    },
    /** Proposed, approved by `ops-1`, ready to run. */
    approved: async (tool: string, args: JsonObject, options?: ProposeOptions): Promise<Journey> =>
      decide(await open(tool, args, options)),
    ledger: async (reviewId: string): Promise<LedgerRow> => {
      const row = await store.readLedger(reviewId);
      if (row === undefined) throw new Error('no ledger row');
      return row;
    },
    entries: async (reviewId: string): Promise<readonly AuditEntry[]> =>
      (await store.entriesOf(reviewId)).map(({ entry }) => entry),
  };
}

/** Refusals are expected here: they are not worth a line of log each. */
const activityContext = (): MockActivityEnvironment =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });

/** The code with which an activity failed: an ApplicationFailure's type; undefined where it did not fail. */
export async function failureOf(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly retryable: boolean } | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { type, nonRetryable } = error as { type?: string; nonRetryable?: boolean };
    if (type === undefined) throw error;
    return { code: type, retryable: nonRetryable !== true };
  }
}

/** What {@link makeJourneys}' `attempt` says of a call that was not made, and of one that was. */
export const refused = (code: string) => ({ failure: never(code), sent: 0, state: 'open' });
export const EXECUTED = { failure: undefined, sent: 1, state: 'done' };
export const never = (code: string) => ({ code, retryable: false });
export const later = (code: string) => ({ code, retryable: true });

/** A copy of the material with something else in it, as a forger would make it. */
export function forge(journey: Journey, over: Partial<Material>): ExecuteCallInput {
  return { ...journey.input, material: { ...journey.input.material, ...over } };
}

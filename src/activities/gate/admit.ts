import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { DecisionType } from '../../contract/review.ts';
import { ruleOnVote, stateAfter, voteChange, writeChange } from '../../domain/gate/change.ts';
import { votingGroupsOf, type Settings } from '../../domain/policy/settings.ts';
import type { AdmitInput, Admitted, SignalKind } from '../api.ts';
import { readObjections } from '../objections.ts';
import type { VerifiedEnvelope } from '../../ports/connector.ts';
import type { GateDeps } from './deps.ts';
import { record } from './record.ts';
import { isUnclaimed } from '../../domain/ledger.ts';

type Item = AdmitInput['items'][number];

/**
 * Verifies a batch of envelopes with the keys and the directory in force now: keys rotate and people leave while a
 * review waits. It returns plain facts; what a fact means is for the gate machine to say. A vote that came alone is
 * judged by that machine here, and recorded where it is accepted.
 */
export async function admit(
  deps: Pick<GateDeps, 'settings' | 'verifier' | 'store'>,
  input: AdmitInput,
): Promise<readonly Admitted[]> {
  const settings = deps.settings.current();
  const admitted = input.items.map((item): Admitted => {
    try {
      return ADMIT[item.kind](deps, settings, input, item) ?? { kind: 'refused' };
    } catch {
      // It would fail with every try, and hold up all that came with it and after it.
      return { kind: 'refused' };
    }
  });
  const stored = input.isOpen ? await storedFacts(deps, settings, input, admitted) : [];
  const [item] = input.items;
  const [fact, ...others] = [...admitted, ...stored];
  if (input.recordIfSingleVote === undefined || item === undefined || others.length > 0 || fact?.kind !== 'decision')
    return [...admitted, ...stored];
  return [await recordVote(deps, input.recordIfSingleVote, item, fact)];
}

/** Objections from the database that this batch does not bring anyway. */
async function storedFacts(
  deps: Pick<GateDeps, 'settings' | 'verifier' | 'store'>,
  settings: Settings,
  { reviewId }: AdmitInput,
  admitted: readonly Admitted[],
): Promise<readonly Admitted[]> {
  const row = await deps.store.readLedger(reviewId);
  if (row === undefined || !isUnclaimed(row.state)) return [];
  const brought = new Set(admitted.map((fact) => (fact.kind === 'refused' ? undefined : fact.envelopeDigest)));
  const { verified } = await readObjections(deps, row);
  return verified
    .filter(({ payload, payloadDigest }) => isObjection(payload.type) && !brought.has(payloadDigest))
    .map((objection) => ({
      ...decisionFact(settings, objection),
      stored: { envelope: objection.stored.envelope as DsseEnvelope, at: objection.storedAt },
    }));
}

function isObjection(type: DecisionType): boolean {
  return type === 'reject' || type === 'revise';
}

/** An edit leads to a revision that has to be prepared first: that, and whatever is refused, is left to the workflow. */
async function recordVote(
  deps: Pick<GateDeps, 'store' | 'settings' | 'verifier'>,
  alone: NonNullable<AdmitInput['recordIfSingleVote']>,
  { envelope }: Item,
  decision: Extract<Admitted, { kind: 'decision' }>,
): Promise<Admitted> {
  const { gate } = alone.record;
  if (gate === null || decision.fact.type === 'edit') return decision;
  const ruling = ruleOnVote(alone, decision, alone.arrivedAt);
  if (!ruling.ok) return decision;
  const change = voteChange(alone, decision, stateAfter(gate, ruling), { envelope, at: alone.arrivedAt });
  const recorded = await record(deps, writeChange(change, new Date(alone.now).toISOString()));
  return { ...decision, recorded };
}

type Admit = (
  deps: Pick<GateDeps, 'verifier'>,
  settings: Settings,
  input: AdmitInput,
  item: Item,
) => Admitted | undefined;

const ADMIT: Record<SignalKind, Admit> = {
  decision: (deps, settings, input, item) => {
    const verified = deps.verifier.verify('decision', item.envelope);
    if (verified === undefined || !isOurs(verified.payload, settings, input)) return undefined;
    return decisionFact(settings, verified);
  },
  revision: (deps, settings, input, item) => {
    const verified = deps.verifier.verify('revision', item.envelope);
    if (verified === undefined || !isOurs(verified.payload, settings, input)) return undefined;
    const { payload } = verified;
    if (!speaksFor(verified.agentKeyOf, payload.proposer, input)) return undefined;
    return {
      kind: 'revision',
      decisionUlid: payload.decisionUlid,
      envelopeDigest: verified.payloadDigest,
      fact: {
        decisionUlid: payload.decisionUlid,
        proposer: payload.proposer,
        digest: payload.digest,
        arguments: payload.arguments,
      },
    };
  },
  withdrawal: (deps, settings, input, item) => {
    const verified = deps.verifier.verify('withdrawal', item.envelope);
    if (verified === undefined || !isOurs(verified.payload, settings, input)) return undefined;
    const { payload } = verified;
    if (!speaksFor(verified.agentKeyOf, payload.proposer, input)) return undefined;
    return {
      kind: 'withdrawal',
      decisionUlid: payload.decisionUlid,
      envelopeDigest: verified.payloadDigest,
      fact: { decisionUlid: payload.decisionUlid, proposer: payload.proposer, digest: payload.digest },
    };
  },
  reconciliation: (deps, settings, input, item) => {
    const verified = deps.verifier.verify('reconciliation', item.envelope);
    if (verified === undefined || !isOurs(verified.payload, settings, input)) return undefined;
    const { payload } = verified;
    return {
      kind: 'reconciliation',
      decisionUlid: payload.decisionUlid,
      envelopeDigest: verified.payloadDigest,
      digest: payload.digest,
      outcome: payload.outcome,
      note: payload.note,
      by: payload.reviewer.id,
      groups: votingGroupsOf(settings, payload.reviewer.id),
    };
  },
};

function decisionFact(
  settings: Settings,
  { payload, payloadDigest }: Pick<VerifiedEnvelope<'decision'>, 'payload' | 'payloadDigest'>,
): Extract<Admitted, { kind: 'decision' }> {
  return {
    kind: 'decision',
    decisionUlid: payload.decisionUlid,
    envelopeDigest: payloadDigest,
    channel: payload.channel,
    decidedAt: payload.decidedAt,
    fact: {
      decisionUlid: payload.decisionUlid,
      revision: payload.revision,
      level: payload.level,
      type: payload.type,
      digest: payload.digest,
      reviewer: payload.reviewer.id,
      groups: votingGroupsOf(settings, payload.reviewer.id),
      editedArguments: payload.editedArguments ?? null,
      response: payload.response,
      comment: payload.comment ?? null,
    },
  };
}

/** An envelope of another review or another deployment verifies too; it says nothing about this one. */
function isOurs(
  payload: { readonly reviewId: string; readonly deploymentId: string },
  settings: Settings,
  input: AdmitInput,
): boolean {
  return payload.reviewId === input.reviewId && payload.deploymentId === settings.deploymentId;
}

function speaksFor(agentKeyOf: string | undefined, proposer: string, input: AdmitInput): boolean {
  return proposer === input.proposer && (agentKeyOf === undefined || agentKeyOf === proposer);
}

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
import { verifyOwn } from '../own-envelope.ts';

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
  const own = { reviewId: input.reviewId, deploymentId: settings.deploymentId };
  const admitted = input.items.map((item): Admitted => {
    try {
      const verifyAs: VerifyAs = (kind) => verifyOwn(deps.verifier, kind, item.envelope, own);
      return ADMIT[item.kind](verifyAs, settings, input) ?? { kind: 'refused' };
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

/** Verifies the item as an envelope of one kind about this very review. */
type VerifyAs = <K extends SignalKind>(kind: K) => VerifiedEnvelope<K> | undefined;

const ADMIT: Record<SignalKind, (verifyAs: VerifyAs, settings: Settings, input: AdmitInput) => Admitted | undefined> = {
  decision: (verifyAs, settings) => {
    const verified = verifyAs('decision');
    return verified && decisionFact(settings, verified);
  },
  revision: (verifyAs, _settings, input) => {
    const verified = verifyAs('revision');
    if (verified === undefined || !speaksFor(verified, input)) return undefined;
    const { decisionUlid, proposer, digest, arguments: args } = verified.payload;
    return { kind: 'revision', ...idOf(verified), fact: { decisionUlid, proposer, digest, arguments: args } };
  },
  withdrawal: (verifyAs, _settings, input) => {
    const verified = verifyAs('withdrawal');
    if (verified === undefined || !speaksFor(verified, input)) return undefined;
    const { decisionUlid, proposer, digest } = verified.payload;
    return { kind: 'withdrawal', ...idOf(verified), fact: { decisionUlid, proposer, digest } };
  },
  reconciliation: (verifyAs, settings) => {
    const verified = verifyAs('reconciliation');
    if (verified === undefined) return undefined;
    const { digest, outcome, note, reviewer } = verified.payload;
    const by = reviewer.id;
    return {
      kind: 'reconciliation',
      ...idOf(verified),
      digest,
      outcome,
      note,
      by,
      groups: votingGroupsOf(settings, by),
    };
  },
};

function idOf({
  payload: { decisionUlid },
  payloadDigest: envelopeDigest,
}: {
  readonly payload: { readonly decisionUlid: string };
  readonly payloadDigest: string;
}) {
  return { decisionUlid, envelopeDigest };
}

function decisionFact(
  settings: Settings,
  verified: Pick<VerifiedEnvelope<'decision'>, 'payload' | 'payloadDigest'>,
): Extract<Admitted, { kind: 'decision' }> {
  const { decisionUlid, revision, level, type, digest, response, channel, decidedAt, ...said } = verified.payload;
  const { reviewer, editedArguments = null, comment = null } = said;
  return {
    kind: 'decision',
    ...idOf(verified),
    channel,
    decidedAt,
    fact: {
      decisionUlid,
      revision,
      level,
      type,
      digest,
      reviewer: reviewer.id,
      groups: votingGroupsOf(settings, reviewer.id),
      editedArguments,
      response,
      comment,
    },
  };
}

/** The proposer's own word: by the api's key, or by the key of this very agent. */
function speaksFor(
  {
    payload,
    agentKeyOf = payload.proposer,
  }: Pick<VerifiedEnvelope<'revision' | 'withdrawal'>, 'payload' | 'agentKeyOf'>,
  { proposer }: AdmitInput,
): boolean {
  return payload.proposer === proposer && agentKeyOf === proposer;
}

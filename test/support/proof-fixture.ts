import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { AuditEntry, ProofFile } from '../../src/contract/audit.ts';
import type { DsseEnvelope, EnvelopeKind, EnvelopePayload, TrustedKey } from '../../src/contract/envelope.ts';
import type { DecisionType, Material } from '../../src/contract/review.ts';
import { digestBytes, digestMaterial } from '../../src/domain/proof/digest.ts';
import { signEnvelope } from '../../src/domain/proof/dsse.ts';
import { originOf, signCheckpoint } from '../../src/domain/proof/checkpoint.ts';
import { appendLeaves, EMPTY_RANGE, hashEntry, hashToBase64, type Hash } from '../../src/domain/proof/tree.ts';
import { planInclusion, resolvePlan } from '../../src/domain/proof/merkle-proof.ts';
import { AT, DIGEST, LATER, proposedEntry, reviewIdOf } from './storage-fixtures.ts';

/** A deployment in a bottle: keys of every role, a log with other people's entries, and proofs cut out of it. */
export const DEPLOYMENT = 'test';
export const REVIEW = reviewIdOf(1);

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
export const KEYS: Readonly<Record<'propose' | 'review' | 'execute', Pair>> = {
  propose: generateKeyPairSync('ed25519'),
  review: generateKeyPairSync('ed25519'),
  execute: generateKeyPairSync('ed25519'),
};

export function trusted(role: keyof typeof KEYS, pair: Pair = KEYS[role], retiredAt?: string): TrustedKey {
  return {
    keyid: role,
    role,
    publicKey: pair.publicKey.export({ format: 'jwk' }) as Record<string, string>,
    createdAt: AT,
    ...(retiredAt === undefined ? {} : { retiredAt }),
  };
}
export const TRUST: readonly TrustedKey[] = [trusted('propose'), trusted('review'), trusted('execute')];

export function materialOf(over: Partial<Material> = {}): Material {
  return {
    schemaVersion: 1,
    deploymentId: DEPLOYMENT,
    reviewId: REVIEW,
    revision: 1,
    kind: 'call',
    proposer: 'cleanup-agent',
    owner: 'owner-1',
    service: 'github',
    tool: 'github.repos.delete',
    arguments: { repo: 'old' },
    target: null,
    evidence: null,
    context: {},
    class: 'irreversible',
    levels: [{ name: 'one', approvers: ['ops'], quorum: 1, escalation: null }],
    separationOfDuties: false,
    expiresAt: LATER,
    policyDigest: DIGEST,
    ...over,
  };
}

/** The execute worker's statement on {@link REVIEW}. */
export function stateCompleteness(
  over: Partial<EnvelopePayload<'statement'>> & Pick<EnvelopePayload<'statement'>, 'n' | 'last' | 'size'>,
  signer: Pair = KEYS.execute,
): DsseEnvelope {
  return signEnvelope(
    'statement',
    { deploymentId: DEPLOYMENT, reviewId: REVIEW, at: AT, ...over },
    signer.privateKey,
    'any',
  );
}

/** As storage numbers them: in {@link Story.proof} a review's entries stand at every other index. */
function placeOf(i: number): { readonly n: number; readonly previous: number | null } {
  return { n: i + 1, previous: i === 0 ? null : 2 * i - 1 };
}

/** Writes one review's story: every verb appends its entry, and its envelope where it has one. */
export class Story {
  readonly entries: AuditEntry[] = [];
  readonly envelopes: ProofFile['envelopes'] = [];
  readonly materials: Material[] = [];
  private votes = 0;

  private get base() {
    return { schemaVersion: 1 as const, deploymentId: DEPLOYMENT, at: AT, reviewId: REVIEW };
  }

  sign<K extends EnvelopeKind>(kind: K, payload: EnvelopePayload<K>, key: Pair): string {
    const envelope = signEnvelope(kind, payload, key.privateKey, 'any');
    this.envelopes.push({ kind, envelope });
    return digestBytes(Buffer.from(envelope.payload, 'base64'));
  }

  proposed(): this {
    const request = { service: 'github', tool: 'github.repos.delete', arguments: { repo: 'old' } };
    const proposalDigest = this.sign(
      'proposal',
      {
        deploymentId: DEPLOYMENT,
        reviewId: REVIEW,
        proposedAt: AT,
        proposer: 'cleanup-agent',
        request,
      },
      KEYS.propose,
    );
    this.entries.push(proposedEntry(REVIEW, { proposalDigest, owner: 'owner-1' }));
    return this;
  }

  classified(material: Material, status: 'pending' | 'not_required' | 'blocked' = 'pending'): this {
    this.materials.push(material);
    this.entries.push({
      ...this.base,
      type: 'classified',
      revision: material.revision,
      class: material.class,
      gate: status === 'pending' ? 'hard' : 'none',
      status,
      reasonCodes: [],
      digest: digestMaterial(material),
      policyDigest: DIGEST,
      override: false,
    });
    return this;
  }

  decided(
    material: Material,
    reviewer: string,
    type: DecisionType = 'approve',
    over: Partial<EnvelopePayload<'decision'>> = {},
    key: Pair = KEYS.review,
  ): this {
    this.votes += 1;
    const payload: EnvelopePayload<'decision'> = {
      deploymentId: DEPLOYMENT,
      reviewId: REVIEW,
      decisionUlid: reviewIdOf(this.votes, 9).slice('rev_'.length),
      revision: material.revision,
      level: 1,
      type,
      digest: digestMaterial(material),
      reviewer: { id: reviewer, method: 'token' },
      channel: 'api',
      decidedAt: AT,
      ...over,
    };
    const { decisionUlid, revision, level, digest, channel } = payload;
    this.entries.push({
      ...this.base,
      type: 'decided',
      decisionUlid,
      decision: type,
      reviewer,
      channel,
      revision,
      level,
      digest,
      envelopeDigest: this.sign('decision', payload, key),
      status: type === 'reject' ? 'rejected' : type === 'revise' ? 'changes_requested' : 'approved',
    });
    return this;
  }

  /** A stored reject that stopped the call at the claim. */
  objected(material: Material, reviewer: string): this {
    this.decided(material, reviewer, 'reject');
    const decided = this.entries.pop();
    if (decided?.type !== 'decided') throw new Error('no decision');
    const { decision: _type, status: _status, level: _level, ...said } = decided;
    this.entries.push({ ...said, type: 'objected' });
    return this;
  }

  started(material: Material, over: Partial<Extract<AuditEntry, { type: 'started' }>> = {}): this {
    this.entries.push({
      ...this.base,
      type: 'started',
      revision: material.revision,
      digest: digestMaterial(material),
      policyDigest: DIGEST,
      resend: false,
      ...over,
    });
    return this;
  }

  add(entry: { type: AuditEntry['type'] } & Record<string, unknown>): this {
    this.entries.push({ ...this.base, ...entry } as AuditEntry);
    return this;
  }

  finished(): this {
    return this.add({ type: 'finished', status: 'executed', errorCode: null, resultDigest: null, late: false });
  }

  /** The proof, out of a log that also holds other reviews' entries before, between and after. */
  proof(signer: Pair = KEYS.execute, { numbered = true } = {}): ProofFile {
    const stranger = (n: number): AuditEntry => proposedEntry(reviewIdOf(100 + n));
    const own = this.entries.map(
      (entry, i): AuditEntry => ({ ...entry, ...(numbered ? placeOf(i) : {}) }) as AuditEntry,
    );
    const log = own.flatMap((entry, n) => [stranger(n), entry]).concat(stranger(99));
    const leaves = log.map(hashEntry);
    const { root, nodes } = appendLeaves(EMPTY_RANGE, leaves);
    const stored = new Map<string, Hash>(nodes.map((node) => [`${node.level}/${node.index}`, node.hash]));
    leaves.forEach((hash, index) => stored.set(`0/${index}`, hash));
    return {
      format: 'holdpoint-proof/v1',
      deploymentId: DEPLOYMENT,
      reviewId: REVIEW,
      checkpoint: signCheckpoint({ origin: originOf(DEPLOYMENT), size: log.length, root }, signer),
      entries: own.map((entry, n) => {
        const plan = planInclusion(2 * n + 1, log.length);
        const path = resolvePlan(plan, ({ level, index }) => stored.get(`${level}/${index}`)) ?? [];
        return { index: 2 * n + 1, entry, inclusion: path.map(hashToBase64) };
      }),
      envelopes: this.envelopes,
      statement: stateCompleteness({ n: own.length, last: 2 * own.length - 1, size: log.length }, signer),
      materials: this.materials,
      keys: [...TRUST],
    };
  }
}

/**
 * What workflows see of the activities, and the map of this folder: `gate/` classifies, admits and records, `execute/` makes
 * calls, `notify/` tells people. Beside them run sweeps, without Temporal: `lost-reviews.ts` settles reviews that Temporal
 * lost, `objection-sweeps.ts` sees to objections whose signal was lost.
 */
import type { Gate, PreviewError, Urgency } from '../contract/call.ts';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { JsonObject } from '../contract/json.ts';
import type { DecisionType, HeldBy, Material, Review, SentencePart, WrittenAmount } from '../contract/review.ts';
import type { Subject } from '../domain/gate/change.ts';
import type { Schedule } from '../domain/deadline.ts';
import type { ReviewBase } from '../domain/gate/view.ts';
import type { DecisionFact, RevisionFact, WithdrawalFact } from '../domain/gate/state.ts';
import type { FreeStatus } from '../domain/authorize/authorize-free.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { ArgumentError } from '../contract/exact.ts';
import type { RecordInput } from '../domain/gate/change.ts';

/**
 * The activities as workflows see them. Those of the gate run as *local* activities: they cannot be completed from
 * outside. Those of the execute worker are ordinary activities: what they return is a hint, the database tells.
 */
export interface GateActivities {
  /** Verifies the proposal, applies policy, opens (or denies) the ledger row and records it. */
  classifyCall(input: ClassifyCallInput): Promise<Classified>;
  /** The same for a question that a workflow asks in-flow. */
  classifyQuestion(input: ClassifyQuestionInput): Promise<Classified>;
  /** Applies policy to other arguments of the same tool, for an edit or a revision. Writes nothing. */
  prepareRevision(input: PrepareRevisionInput): Promise<PreparedRevision>;
  /** Reads the evidence back that the execute worker wrote and takes the digest. Writes nothing. */
  attachEvidence(input: { readonly material: Material }): Promise<WithEvidence>;
  /** Verifies a batch of envelopes with the keys and the directory in force now: one fact for each, then those stored. */
  admit(input: AdmitInput): Promise<readonly Admitted[]>;
  /** Writes entries, the review's state and at most one ledger transition, all or nothing. */
  record(input: RecordInput): Promise<RecordOutcome>;
  /** What the ledger says of the call. */
  readOutcome(input: { readonly reviewId: string }): Promise<Outcome>;
}

export interface ExecuteActivities {
  gatherEvidence(input: GatherEvidenceInput): Promise<void>;
  executeCall(input: ExecuteCallInput): Promise<void>;
}

/** The one activity that runs outside a workflow, on a task queue of its own. */
export interface DirectActivities {
  /** Makes a call that policy frees, from the proposal that the api signed for it. */
  executeFree(input: ExecuteFreeInput): Promise<FreeResult>;
}

export interface ExecuteFreeInput {
  readonly proposal: DsseEnvelope;
}

/** A hint: the ledger tells. */
export interface FreeResult {
  readonly status: FreeStatus;
  readonly reviewId: string;
}

export interface ClassifyCallInput {
  readonly reviewId: string;
  readonly runId: string;
  /** Epoch ms of the start of the workflow chain. */
  readonly startedAt: number;
  /** The workflow's argument as it came; hostile. */
  readonly request: unknown;
}

export interface ClassifyQuestionInput {
  readonly reviewId: string;
  readonly runId: string;
  readonly startedAt: number;
  readonly request: unknown;
  readonly parent: { readonly workflowId: string } | null;
}

export interface ClassifiedRevision {
  readonly material: Material;
  readonly digest: string | null;
  readonly gate: Gate | null;
  readonly reasonCodes: readonly string[];
  readonly schedule: Schedule;
  /** The tool has a preview and the proposal is attested: evidence is still to come. */
  readonly wantsPreview: boolean;
  readonly override: boolean;
  readonly amounts: readonly WrittenAmount[];
  /** Absent where the call is not held by policy, and in older histories. */
  readonly heldBy?: HeldBy;
  /** What the call does. Absent for questions, and in older histories. */
  readonly sentence?: readonly SentencePart[];
}

export type Classified =
  | {
      readonly kind: 'held' | 'free' | 'blocked';
      /** Why it is blocked, where fields are to blame. Absent in older histories. */
      readonly errors?: readonly ArgumentError[];
      readonly base: ReviewBase;
      readonly revision: ClassifiedRevision;
      readonly allowed: readonly DecisionType[];
      /** Binds the ledger row to this proposal. */
      readonly proposalDigest: string;
      /** For a free or held call: its connector's longest time, ms, and how long an approval stays fresh. */
      readonly timeoutMs: number;
      readonly executeWithinMs: number;
      /** The review on the reviewers' page; null: its address is not configured. Absent in older histories. */
      readonly pageUrl?: string | null;
      /** The ledger had this review already: what it says, where it is past `open`. */
      readonly outcome: Outcome | null;
      /** The row was open already, opened by another run, and nothing was written now. */
      readonly reopened: boolean;
    }
  /** Nothing can be recorded of it: the id is taken by another proposal. */
  | { readonly kind: 'refused'; readonly reasonCode: 'review_id_taken' };

export interface PrepareRevisionInput {
  readonly previous: Material;
  readonly urgency?: Urgency | null | undefined;
  readonly attested: boolean;
  readonly arguments: JsonObject;
  readonly startedAt: number;
  /** Workflow's own arguments for in-flow questions are free-form. */
  readonly question: boolean;
}
export type PreparedRevision = { readonly ok: true; readonly revision: ClassifiedRevision } | { readonly ok: false };

export interface WithEvidence {
  readonly material: Material;
  readonly digest: string;
  /** Some may be in a currency that only the evidence knows. */
  readonly amounts: readonly WrittenAmount[];
  readonly sentence?: readonly SentencePart[];
  readonly previewError: PreviewError | null;
}

export const SIGNALS = ['decision', 'revision', 'withdrawal', 'reconciliation'] as const;
export type SignalKind = (typeof SIGNALS)[number];

export interface AdmitInput {
  readonly reviewId: string;
  readonly proposer: string;
  readonly items: readonly { readonly kind: SignalKind; readonly envelope: DsseEnvelope }[];
  /** The gate is open: objections that are stored are admitted too, whether their signal arrived or not. */
  readonly isOpen: boolean;
  /** Set where the only item is a decision: an accepted vote (not an edit) is recorded at once. Times in epoch ms. */
  readonly recordIfSingleVote?: Subject & { readonly arrivedAt: number; readonly now: number };
}

interface AdmittedBase {
  readonly decisionUlid: string;
  readonly envelopeDigest: string;
}
export type Admitted =
  /** No trusted key signed it, or it speaks of another review: as if it had never come. */
  | { readonly kind: 'refused' }
  | (AdmittedBase & {
      readonly kind: 'decision';
      readonly fact: DecisionFact;
      readonly channel: Review['revisions'][number]['decisions'][number]['channel'];
      readonly decidedAt: string;
      /** It was accepted, and this is what came of recording it. */
      readonly recorded?: RecordOutcome;
      /** It comes from the database, not from a signal; `at`: epoch ms. */
      readonly stored?: { readonly envelope: DsseEnvelope; readonly at: number };
    })
  | (AdmittedBase & { readonly kind: 'revision'; readonly fact: RevisionFact })
  | (AdmittedBase & { readonly kind: 'withdrawal'; readonly fact: WithdrawalFact })
  | (AdmittedBase & {
      readonly kind: 'reconciliation';
      readonly digest: string;
      readonly outcome: 'executed' | 'failed';
      readonly note: string;
      readonly by: string;
      /** Role and groups by the directory in force. */
      readonly groups: readonly string[];
    });

export interface RecordOutcome {
  /** False: the ledger row stood elsewhere; nothing was written and `outcome` tells where it stands. */
  readonly ok: boolean;
  readonly outcome: Outcome | null;
  /** Why an open question was not answered: a no was stored meanwhile, or one that cannot be read. */
  readonly why?: 'objected' | 'objection_unreadable';
}

/**
 * The envelopes that say what is to be previewed: a preview runs only what was signed, so being able to
 * schedule this activity gains nothing.
 */
export interface GatherEvidenceInput {
  readonly reviewId: string;
  readonly revision: number;
  readonly proposal: DsseEnvelope;
  readonly change: { readonly kind: 'revision' | 'decision'; readonly envelope: DsseEnvelope } | null;
}

export interface ExecuteCallInput {
  readonly reviewId: string;
  readonly material: Material;
  readonly previous: Material | null;
  readonly proposal: DsseEnvelope | null;
  readonly decisions: readonly DsseEnvelope[];
}

import { createExecuteActivities } from '../../src/activities/execute/index.ts';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { Admitted, PreparedRevision, SignalKind } from '../../src/activities/api.ts';
import type { ReceiptCode, ReceiptRefusal } from '../../src/contract/codes.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import { NOT_STARTED } from '../../src/contract/review.ts';
import type { LedgerTransition } from '../../src/domain/ledger.ts';
import { decideEdit, decideRevision, decideVote, decideWithdrawal, type Ruling } from '../../src/domain/gate/decide.ts';
import { entryOf } from '../../src/domain/gate/change.ts';
import { refusalOfReconcile } from '../../src/domain/eligibility.ts';
import { evolve, openGate, specOf } from '../../src/domain/gate/state.ts';
import { viewReview, type ReviewRecord } from '../../src/domain/gate/view.ts';
import type { GateClient, GateSignal, StartMemo, StartTexts } from '../../src/api/gate-client.ts';
import { ProblemError } from '../../src/api/problem.ts';
import type { GatedCallInput } from '../../src/workflows/messages.ts';
import type { GateFixture } from './gate-fixture.ts';

const KIND: Record<GateSignal, SignalKind> = {
  submitDecision: 'decision',
  submitRevision: 'revision',
  withdraw: 'withdrawal',
  reconcile: 'reconciliation',
};

interface Play {
  readonly input: GatedCallInput;
  readonly memo: StartMemo;
  readonly receipts: Map<string, ReceiptCode>;
  readonly carrying: DsseEnvelope[];
  record: ReviewRecord | undefined;
  open: boolean;
  /** What happens to a review happens one after the other. */
  queue: Promise<void>;
}

/**
 * Plays Temporal and the workflow for the api's tests: the gate's real activities and the real gate machine over a real
 * database, without a server in between. Only what a workflow does by itself over time (timers, retries) is left out.
 */
export class FakeGate implements GateClient {
  /** `idle`: Temporal is there and no worker is. `down`: Temporal is not there. */
  mode: 'working' | 'idle' | 'down' = 'working';
  /** While false, approved and free calls are not made. */
  executes = true;
  /** Answer of the next questions, instead of what really came of it. */
  forcedRefusal: ReceiptRefusal | undefined;
  polled = { gate: true, execute: true };
  readonly started: { readonly reviewId: string; readonly input: GatedCallInput; readonly texts: StartTexts }[] = [];
  readonly signals: { readonly reviewId: string; readonly name: GateSignal; readonly envelope: DsseEnvelope }[] = [];
  readonly #plays = new Map<string, Play>();
  readonly #fixture: GateFixture;

  constructor(fixture: GateFixture) {
    this.#fixture = fixture;
  }

  async start(reviewId: string, input: GatedCallInput, texts: StartTexts): Promise<'started' | 'existing'> {
    this.#mustBeUp();
    if (this.#plays.has(reviewId)) return 'existing';
    this.started.push({ reviewId, input, texts });
    const play: Play = {
      input,
      memo: texts.memo,
      receipts: new Map(),
      carrying: [],
      record: undefined,
      open: true,
      queue: Promise.resolve(),
    };
    this.#plays.set(reviewId, play);
    if (this.mode === 'working') void this.#enqueue(play, () => this.#open(reviewId, play));
    return 'started';
  }

  async signal(reviewId: string, name: GateSignal, envelope: DsseEnvelope): Promise<'delivered' | 'gone'> {
    this.#mustBeUp();
    const play = this.#plays.get(reviewId);
    if (play === undefined || !play.open) return 'gone';
    this.signals.push({ reviewId, name, envelope });
    if (this.mode === 'working') void this.#enqueue(play, () => this.#admit(reviewId, play, KIND[name], envelope));
    return 'delivered';
  }

  async refusal(reviewId: string, decisionUlid: string): Promise<ReceiptRefusal | undefined> {
    if (this.mode !== 'working') return undefined;
    const code = this.forcedRefusal ?? this.#plays.get(reviewId)?.receipts.get(decisionUlid);
    return code === 'accepted' ? undefined : code;
  }

  async describe(reviewId: string) {
    this.#mustBeUp();
    const play = this.#plays.get(reviewId);
    return play && { memo: play.memo, runId: 'run-1', open: play.open };
  }

  async ping(): Promise<void> {
    this.#mustBeUp();
  }

  async pollers() {
    this.#mustBeUp();
    return this.polled;
  }

  /** A worker appears and finds what was started meanwhile. */
  async wakeUp(): Promise<void> {
    this.mode = 'working';
    for (const [reviewId, play] of this.#plays) {
      if (play.record === undefined) await this.#enqueue(play, () => this.#open(reviewId, play));
    }
  }

  /** Ends a workflow from outside. */
  end(reviewId: string): void {
    const play = this.#plays.get(reviewId);
    if (play !== undefined) play.open = false;
  }

  async settled(reviewId: string): Promise<void> {
    await this.#plays.get(reviewId)?.queue;
  }

  #mustBeUp(): void {
    if (this.mode === 'down') throw new ProblemError('temporal_unavailable');
  }

  #enqueue(play: Play, work: () => Promise<void>): Promise<void> {
    play.queue = play.queue.then(work);
    return play.queue;
  }

  async #open(reviewId: string, play: Play): Promise<void> {
    const { gateDeps, executeDeps, clock } = this.#fixture;
    const gate = createGateActivities(gateDeps);
    const startedAt = clock.now();
    const opened = await gate.classifyCall({ reviewId, runId: 'run-1', startedAt, request: play.input });
    if (opened.kind === 'refused') return;
    let { version } = opened;
    let previewError: ReviewRecord['revisions'][number]['previewError'] = null;
    if (opened.kind === 'held' && version.wantsPreview && opened.proposal !== null) {
      const execute = createExecuteActivities(executeDeps());
      await execute.gatherEvidence({ reviewId, revision: 1, proposal: opened.proposal, change: null });
      const found = await gate.attachEvidence({ material: version.material });
      version = { ...version, material: found.material, digest: found.digest };
      previewError = found.previewError;
    }
    const digest = version.digest ?? '';
    const ended = opened.kind === 'free' ? 'not_required' : 'blocked';
    const record: ReviewRecord = {
      base: opened.base,
      revisions: [
        {
          ...version,
          previewError,
          submittedAt: opened.base.proposedAt,
          by: opened.base.proposer.id,
          decisions: [],
        },
      ],
      gate: opened.kind === 'held' ? openGate(specOf(version.material, digest, opened.allowed)) : null,
      ungated: opened.kind === 'held' ? null : { status: ended, at: new Date(startedAt).toISOString() },
      allowed: opened.allowed,
      execution: NOT_STARTED,
    };
    play.record = record;
    if (version !== opened.version) await this.#commit(play, record, [], `evidence:${reviewId}`, null);
    if (opened.kind === 'free') await this.#execute(reviewId, play);
    if (opened.kind === 'blocked') play.open = false;
  }

  async #execute(reviewId: string, play: Play): Promise<void> {
    const current = play.record?.revisions.at(-1);
    if (!this.executes || current === undefined) return;
    await createExecuteActivities(this.#fixture.executeDeps()).executeCall({
      reviewId,
      material: current.material,
      previous: null,
      proposal: play.input.proposal ?? null,
      decisions: play.carrying,
    });
    const row = await this.#fixture.store.readLedger(reviewId);
    play.open = row?.state === 'unknown';
  }

  async #admit(reviewId: string, play: Play, kind: SignalKind, envelope: DsseEnvelope): Promise<void> {
    const gate = createGateActivities(this.#fixture.gateDeps);
    const { record } = play;
    if (record === undefined) return;
    const proposer = record.base.proposer.id;
    const [fact] = await gate.admit({ reviewId, proposer, items: [{ kind, envelope }], isOpen: true });
    if (fact === undefined || fact.kind === 'refused') return;
    if (fact.kind === 'reconciliation') {
      await this.#reconcile(reviewId, play, fact);
      return;
    }
    if (record.gate === null) return void play.receipts.set(fact.decisionUlid, 'already_resolved');
    const { ruling, version } = await this.#rule(play, fact);
    if (!ruling.ok) return void play.receipts.set(fact.decisionUlid, ruling.code);
    const next = ruling.events.reduce(evolve, record.gate);
    const base = entryOf(record.base, new Date(this.#fixture.clock.now()).toISOString());
    const current = record.revisions.at(-1);
    const entries: AuditEntry[] = [];
    let revisions = record.revisions;
    if (fact.kind === 'decision') {
      const { decisionUlid, type, reviewer, level, revision, comment, digest } = fact.fact;
      const { channel, decidedAt, envelopeDigest } = fact;
      const view = { decisionUlid, type, reviewer, channel, decidedAt, level, revision, comment };
      revisions = revisions.map((item) =>
        item === current ? { ...item, decisions: [...item.decisions, view] } : item,
      );
      const status =
        next.tag === 'approved' || next.tag === 'rejected' || next.tag === 'changes_requested' ? next.tag : 'pending';
      entries.push({
        ...base,
        type: 'decided',
        decisionUlid,
        decision: type,
        reviewer,
        channel,
        revision,
        level,
        digest,
        envelopeDigest,
        status,
      });
      if (type === 'approve') play.carrying.push(envelope);
    }
    if (version !== undefined) {
      const by = fact.kind === 'decision' ? fact.fact.reviewer : proposer;
      revisions = [...revisions, { ...version, previewError: null, submittedAt: base.at, by, decisions: [] }];
      entries.push({ ...base, type: 'revised', revision: next.spec.revision, by, envelopeDigest: fact.envelopeDigest });
    }
    if (fact.kind === 'withdrawal') {
      entries.push({ ...base, type: 'withdrawn', by: proposer, envelopeDigest: fact.envelopeDigest });
    }
    const denied = next.tag === 'rejected' || next.tag === 'withdrawn' ? next.tag : null;
    play.record = { ...record, gate: next, revisions };
    await this.#commit(play, play.record, entries, `admitted:${fact.decisionUlid}`, denied, [{ kind, envelope }]);
    play.receipts.set(fact.decisionUlid, 'accepted');
    if (denied !== null) play.open = false;
    if (next.tag === 'approved') await this.#execute(reviewId, play);
  }

  async #rule(
    play: Play,
    fact: Exclude<Admitted, { kind: 'refused' | 'reconciliation' }>,
  ): Promise<{ readonly ruling: Ruling; readonly version?: Extract<PreparedRevision, { ok: true }>['version'] }> {
    const at = this.#fixture.clock.now();
    const record = play.record as ReviewRecord;
    const state = record.gate as NonNullable<ReviewRecord['gate']>;
    if (fact.kind === 'withdrawal') return { ruling: decideWithdrawal(state, fact.fact, at) };
    const args = fact.kind === 'decision' ? fact.fact.editedArguments : fact.fact.arguments;
    if (args === null) return { ruling: decideVote(state, fact.fact as never, at) };
    const prepared = await createGateActivities(this.#fixture.gateDeps).prepareRevision({
      previous: record.revisions.at(-1)?.material as never,
      attested: true,
      arguments: args,
      at,
      startedAt: Date.parse(record.base.proposedAt),
      question: false,
    });
    if (!prepared.ok) return { ruling: { ok: false, code: 'edit_invalid' } };
    const { version } = prepared;
    const spec = specOf(version.material, version.digest ?? '', record.allowed);
    const ready = { ok: true, spec, evidenceChanged: true } as const;
    const ruling =
      fact.kind === 'decision' ? decideEdit(state, fact.fact, ready, at) : decideRevision(state, fact.fact, ready, at);
    return { ruling, version };
  }

  async #reconcile(reviewId: string, play: Play, fact: Extract<Admitted, { kind: 'reconciliation' }>): Promise<void> {
    const { store, clock } = this.#fixture;
    const gate = createGateActivities(this.#fixture.gateDeps);
    const outcome = await gate.readOutcome({ reviewId });
    const record = play.record as ReviewRecord;
    const material = record.revisions.at(-1)?.material;
    const at = clock.now();
    const isUnknown = outcome.state === 'unknown' && outcome.execution.reconciled === undefined;
    const { levels, owner } = material ?? { levels: [], owner: null };
    const refusal =
      refusalOfReconcile(
        { isUnknown, settledBy: outcome.settledBy, levels, owner },
        { id: fact.by, groups: fact.groups },
        at,
      ) ?? (fact.digest === outcome.claimedDigest ? undefined : 'digest_mismatch');
    if (refusal !== undefined) return void play.receipts.set(fact.decisionUlid, refusal);
    const iso = new Date(at).toISOString();
    const { by, note, envelopeDigest } = fact;
    const ledger: LedgerTransition = { to: 'reconcile', reviewId, outcome: fact.outcome, by, note, at: iso };
    const reconciled = { outcome: fact.outcome, by, note, at: iso };
    await store.commit({
      ledger,
      entries: [{ ...entryOf(record.base, iso), type: 'reconciled', outcome: fact.outcome, by, envelopeDigest }],
      review: { kind: 'execution', reviewId, execution: { ...outcome.execution, status: fact.outcome, reconciled } },
    });
    play.receipts.set(fact.decisionUlid, 'accepted');
    play.open = false;
  }

  async #commit(
    play: Play,
    record: ReviewRecord,
    entries: readonly AuditEntry[],
    key: string,
    denied: string | null,
    envelopes: readonly { readonly kind: SignalKind; readonly envelope: DsseEnvelope }[] = [],
  ): Promise<void> {
    const { reviewId } = record.base;
    const at = new Date(this.#fixture.clock.now()).toISOString();
    const row = await this.#fixture.store.readLedger(reviewId);
    const proposalDigest = row?.proposalDigest ?? '';
    await createGateActivities(this.#fixture.gateDeps).record({
      key,
      entries,
      review: viewReview(record),
      envelopes,
      materials: record.revisions.slice(-1).map(({ material }) => material),
      ledger: denied === null ? null : { to: 'deny', reviewId, proposalDigest, reason: denied, at },
    });
    play.record = record;
  }
}

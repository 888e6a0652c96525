import { createExecuteActivities } from '../../src/activities/execute/index.ts';
import { createGateActivities } from '../../src/activities/gate/index.ts';
import type { GateClient, GateSignal, StartMemo, StartTexts } from '../../src/api/gate-client.ts';
import { ProblemError } from '../../src/api/problem.ts';
import type { ReceiptRefusal } from '../../src/contract/codes.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import { approvalGate } from '../../src/workflows/approval-gate.ts';
import { gatedCall } from '../../src/workflows/gated-call.ts';
import type { GatedCallInput, ReviewQueryResult } from '../../src/workflows/messages.ts';
import type { GateFixture } from './gate-fixture.ts';
import { deliver, startRun, untilIdle, type Run } from './workflow-runtime.ts';

interface Started {
  readonly play: () => Promise<unknown>;
  /** Undefined: it was not started for a call. */
  readonly memo: StartMemo | undefined;
  /** Undefined until a worker has taken it up. */
  run: Run | undefined;
  isOpen: boolean;
}

/**
 * Temporal for the api's tests, without a server: the real workflow with the real activities over a real database, in
 * this process. What happens by the passing of time alone (deadlines, retries) does not happen.
 */
export class FakeGate implements GateClient {
  /** `idle`: Temporal is there and no worker is. `down`: Temporal is not there. */
  mode: 'working' | 'idle' | 'down' = 'working';
  /** While false, approved and free calls are not made. */
  executes = true;
  /** Answer of the next questions, instead of what really came of it. */
  forcedRefusal: ReceiptRefusal | undefined;
  readonly started: { readonly reviewId: string; readonly input: GatedCallInput; readonly texts: StartTexts }[] = [];
  readonly signals: { readonly reviewId: string; readonly name: GateSignal; readonly envelope: DsseEnvelope }[] = [];
  readonly #workflows = new Map<string, Started>();
  readonly #fixture: GateFixture;

  constructor(fixture: GateFixture) {
    this.#fixture = fixture;
  }

  async start(reviewId: string, input: GatedCallInput, texts: StartTexts): Promise<'started' | 'existing'> {
    this.#mustBeUp();
    if (this.#workflows.has(reviewId)) return 'existing';
    this.started.push({ reviewId, input, texts });
    this.#begin(reviewId, () => gatedCall(input), texts.memo);
    return 'started';
  }

  async startDrill(reviewId: string, drill: DsseEnvelope): Promise<void> {
    this.#mustBeUp();
    this.#begin(reviewId, () => approvalGate({ drill }));
  }

  async signal(reviewId: string, name: GateSignal, envelope: DsseEnvelope): Promise<'delivered' | 'gone'> {
    this.#mustBeUp();
    const started = this.#workflows.get(reviewId);
    if (started === undefined || !started.isOpen) return 'gone';
    this.signals.push({ reviewId, name, envelope });
    if (this.mode === 'working' && started.run !== undefined) deliver(started.run, name, envelope);
    return 'delivered';
  }

  async refusal(reviewId: string, decisionUlid: string): Promise<ReceiptRefusal | undefined> {
    const run = this.#workflows.get(reviewId)?.run;
    if (this.mode !== 'working' || run === undefined) return undefined;
    const { receipts } = deliver(run, 'getReview') as ReviewQueryResult;
    const code = this.forcedRefusal ?? receipts[decisionUlid];
    return code === 'accepted' ? undefined : code;
  }

  async describe(reviewId: string) {
    this.#mustBeUp();
    const started = this.#workflows.get(reviewId);
    return started?.memo && { memo: started.memo, runId: 'run-1', open: started.isOpen };
  }

  async ping(): Promise<void> {
    this.#mustBeUp();
  }

  /** A worker appears and finds what was started meanwhile. */
  async wakeUp(): Promise<void> {
    this.mode = 'working';
    for (const [reviewId, started] of this.#workflows) {
      if (started.run === undefined) this.#takeUp(reviewId, started);
      await this.settled(reviewId);
    }
  }

  /** Ends a workflow from outside. */
  end(reviewId: string): void {
    const started = this.#workflows.get(reviewId);
    if (started !== undefined) started.isOpen = false;
  }

  /** Resolves once the workflow has done what it can for now. */
  async settled(reviewId: string): Promise<void> {
    const run = this.#workflows.get(reviewId)?.run;
    if (run !== undefined) await untilIdle(run);
  }

  #mustBeUp(): void {
    if (this.mode === 'down') throw new ProblemError('temporal_unavailable');
  }

  #begin(reviewId: string, play: Started['play'], memo?: StartMemo): void {
    const started: Started = { play, memo, run: undefined, isOpen: true };
    this.#workflows.set(reviewId, started);
    if (this.mode === 'working') this.#takeUp(reviewId, started);
  }

  #takeUp(workflowId: string, started: Started): void {
    const { gateDeps, executeDeps, clock } = this.#fixture;
    const execute = createExecuteActivities(executeDeps());
    const activities = {
      ...createGateActivities(gateDeps),
      ...execute,
      executeCall: async (input: Parameters<typeof execute.executeCall>[0]) => {
        // The runtime never tries again.
        if (!this.executes) throw new Error('later');
        return execute.executeCall(input);
      },
    };
    const end = (): void => void (started.isOpen = false);
    const { run, done } = startRun({ workflowId, now: clock.now, activities }, started.play);
    started.run = run;
    void done.then(end, end);
  }
}

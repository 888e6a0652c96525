import { AsyncLocalStorage } from 'node:async_hooks';
import * as sdk from '@temporalio/workflow/lib/index.js';

// Stands in for '@temporalio/workflow' where tests run workflows in their own process (see vitest.config.ts): the
// workflow's code is the real one, and so are its activities; what the SDK and a server do in between is played here.
// Workflow time is the clock of the test. Timers never fire, and an activity that asks to be tried again never is.

type Handler = (...args: unknown[]) => unknown;

export interface Run {
  readonly info: { readonly workflowId: string };
  readonly now: () => number;
  readonly activities: Readonly<Record<string, (input: never) => Promise<unknown>>>;
  readonly handlers: Map<string, Handler>;
  readonly waiting: Set<{ readonly holds: () => boolean; readonly go: () => void }>;
  /** Activities that are running. */
  readonly active: Set<Promise<unknown>>;
}

const runs = new AsyncLocalStorage<Run>();
const never = (): Promise<never> => new Promise(() => undefined);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function current(): Run {
  const run = runs.getStore();
  if (run === undefined) throw new Error('not inside a workflow');
  return run;
}

/** Begins a workflow; what it returns or throws is what `done` comes to. */
export function startRun<T>(
  { workflowId, now, activities }: { readonly workflowId: string } & Pick<Run, 'now' | 'activities'>,
  workflow: () => Promise<T>,
): { readonly run: Run; readonly done: Promise<T> } {
  const systemNow = Date.now;
  if (!patched) Date.now = () => (runs.getStore()?.now ?? systemNow)();
  patched = true;
  const info = {
    workflowId,
    runId: 'run-1',
    startTime: new Date(now()),
    historyLength: 0,
    continueAsNewSuggested: false,
    typedSearchAttributes: { get: () => undefined },
  };
  const run: Run = { info, now, activities, handlers: new Map(), waiting: new Set(), active: new Set() };
  return { run, done: runs.run(run, workflow) };
}
let patched = false;

/** Calls a signal's or a query's handler. */
export function deliver(run: Run, name: string, ...args: unknown[]): unknown {
  const answer = runs.run(run, () => run.handlers.get(name)?.(...args));
  unblock(run);
  return answer;
}

/** Resolves once nothing of the workflow is under way: it has ended, or waits for a signal or for time to pass. */
export async function untilIdle(run: Run): Promise<void> {
  do {
    await Promise.allSettled(run.active);
    await turn();
  } while (run.active.size > 0);
}

function unblock(run: Run): void {
  for (const blocked of run.waiting) {
    if (!blocked.holds()) continue;
    run.waiting.delete(blocked);
    blocked.go();
  }
}

/** What an activity answers has its effects first. */
async function finish(run: Run, activity: Promise<unknown>): Promise<void> {
  await turn();
  run.active.delete(activity);
  unblock(run);
}

async function runActivity(name: string, input: unknown): Promise<unknown> {
  const run = current();
  // Outside of the workflow's time.
  const running = runs.exit(async () => run.activities[name]?.(input as never));
  run.active.add(running);
  try {
    return await running;
  } catch (error) {
    throw error instanceof sdk.TemporalFailure ? error : sdk.ApplicationFailure.fromError(error as Error);
  } finally {
    void finish(run, running);
  }
}

const proxy = (call: (name: string, input: unknown) => Promise<unknown>) => () =>
  new Proxy({}, { get: (_, name) => (input: unknown) => call(String(name), input) });

export const proxyLocalActivities = proxy(runActivity);
export const proxyActivities = proxy(async (name, input) => {
  try {
    return await runActivity(name, input);
  } catch (error) {
    const cause = error as sdk.ApplicationFailure;
    if (cause.nonRetryable !== true) return never();
    throw new sdk.ActivityFailure('failed', name, undefined, 'NON_RETRYABLE_FAILURE', undefined, cause);
  }
});

export function condition(holds: () => boolean): Promise<true> {
  if (holds()) return Promise.resolve(true);
  const { waiting } = current();
  return new Promise((resolve) => void waiting.add({ holds, go: () => resolve(true) }));
}
export const sleep = never;
export const setHandler = ({ name }: { readonly name: string }, handler: Handler): void =>
  void current().handlers.set(name, handler);
export const workflowInfo = (): Run['info'] => current().info;
export const allHandlersFinished = (): boolean => true;
export const setCurrentDetails = (): void => undefined;
export const upsertSearchAttributes = (): void => undefined;
export const CancellationScope = {
  current: () => ({ cancelRequested: never() }),
  nonCancellable: <T>(run: () => Promise<T>): Promise<T> => run(),
};
export const {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  makeContinueAsNewFunc,
  ParentClosePolicy,
  startChild,
  TemporalFailure,
  uuid4,
  WorkflowIdReusePolicy,
} = sdk;

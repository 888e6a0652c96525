import { ToolMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { DynamicStructuredTool, type ToolSchemaBase } from '@langchain/core/tools';
import { interrupt, Command } from '@langchain/langgraph';
import {
  AWAIT_TOOL,
  keyOf,
  propose,
  requestOf,
  REVISE_TOOL,
  reviseOnce,
  type GatedTool,
  awaitOutcome,
} from './gate.ts';
import { readArguments, readAwaitInput, readCallId, readRevisionInput, readToolName } from './input.ts';
import { isFine, outcomeOf, type ToolOutcome } from './outcome.ts';
import { localError } from '../errors.ts';
import type { Holdpoint } from '../holdpoint.ts';
import { toMs, type Duration } from '../options.ts';
import { sleep } from '../retry.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';

/** LangGraph.js and LangChain: tools that interrupt while people look at a call, and resume when it has ended. */

export type { ToolOutcome } from './outcome.ts';
export {
  fromHITLResponse,
  fromHumanResponse,
  InboxError,
  listHumanInterrupts,
  toHumanInterrupt,
  type HITLDecision,
  type HITLResponse,
  type HumanInterrupt,
  type HumanResponse,
  type InboxFilter,
  type InboxItem,
  type InboxErrorCode,
} from './agent-inbox.ts';

export interface HoldpointToolOptions extends GatedTool {
  /** Name that the model sees; default: the tool's, with `_` for dots. */
  readonly name?: string;
  readonly description: string;
  /** Zod object or JSON Schema. */
  readonly schema: ToolSchemaBase;
}

/** What `interrupt()` carries: LangChain's `HITLRequest`, and which review it is about. */
export interface HoldpointInterrupt {
  readonly actionRequests: readonly {
    readonly name: string;
    readonly args: JsonObject;
    readonly description: string;
  }[];
  readonly reviewConfigs: readonly {
    readonly actionName: string;
    readonly allowedDecisions: readonly ('approve' | 'edit' | 'reject')[];
  }[];
  readonly holdpoint: { readonly reviewId: string; readonly status: string; readonly expiresAt: string | null };
}

/**
 * A tool for `ToolNode`, `createAgent` and nodes of one's own. It runs nothing here: Holdpoint makes the call. While
 * people look at it the graph is interrupted. What it is resumed with decides nothing: the tool asks Holdpoint about
 * its own review, and interrupts again while that waits. Needs a checkpointer and a `thread_id`.
 */
export function holdpointTool(options: HoldpointToolOptions): DynamicStructuredTool {
  const { description, schema } = options;
  const name = readToolName(options.name, options.tool);
  return outcomeTool({ name, description, schema }, async (input, config, toolCallId) => {
    const args = readArguments(input);
    const threadId = threadOf(config);
    // A node is run again from its start on every resume, so the key is made of what stays the same: thread, node
    // (its task within the thread) and tool call.
    const node = String(config.configurable?.['checkpoint_ns'] ?? '');
    const call = readCallId(toolCallId) ?? numberCall(config, options.tool, args);
    const idempotencyKey =
      call === undefined ? undefined : await keyOf('langgraph', threadId, node, call, options.tool);
    const outcome = await propose(options.client, await requestOf(options, args, threadId), { idempotencyKey });
    return interruptWhilePending(options.client, name, outcome);
  });
}

/**
 * {@link holdpointTool} under the name, description and schema of a tool that you have. What that tool does is never
 * called: Holdpoint makes the call.
 */
export function wrapTool(
  existing: Pick<HoldpointToolOptions, 'description' | 'schema'> & { readonly name: string },
  gated: GatedTool & Partial<HoldpointToolOptions>,
): DynamicStructuredTool {
  const { name, description, schema } = existing;
  return holdpointTool({ name, description, schema, ...gated });
}

/** Tools with which a model waits on and answers a request for changes. None of them lets it decide. */
export function holdpointReviewTools({ client }: { readonly client: Holdpoint }): DynamicStructuredTool[] {
  return [
    outcomeTool(AWAIT_TOOL, async (input) => {
      const { reviewId } = readAwaitInput(input);
      return interruptWhilePending(client, AWAIT_TOOL.name, outcomeOf(await client.reviews.get(reviewId)));
    }),
    outcomeTool(REVISE_TOOL, async (input) =>
      interruptWhilePending(client, REVISE_TOOL.name, await reviseOnce(client, readRevisionInput(input))),
    ),
  ];
}

/** Calls without an id, by the run of the node that makes them: LangGraph gives each run a scratchpad of its own. */
const counted = new WeakMap<object, Map<string, number>>();

/**
 * What tells a call without an id from others of its node: its arguments and, of equal ones, the how many-th it is. A node
 * that is run again counts the same way. Undefined outside a graph, where nothing is run again.
 */
function numberCall(config: RunnableConfig, tool: string, args: JsonObject): Json | undefined {
  const run: unknown = config.configurable?.['__pregel_scratchpad'];
  if (typeof run !== 'object' || run === null) return undefined;
  const numbers = counted.get(run) ?? new Map<string, number>();
  counted.set(run, numbers);
  const call = JSON.stringify([tool, args]);
  const number = numbers.get(call) ?? 0;
  numbers.set(call, number + 1);
  return [args, number];
}

async function interruptWhilePending(client: Holdpoint, name: string, first: ToolOutcome): Promise<ToolOutcome> {
  let outcome = first;
  while (outcome.status === 'pending') {
    const review = await client.reviews.get(outcome.reviewId);
    outcome = outcomeOf(review);
    // Returns at once for a resume that this run was given, and throws for the first it was not.
    if (outcome.status === 'pending') interrupt(interruptOf(name, review));
  }
  return outcome;
}

function interruptOf(name: string, review: Review): HoldpointInterrupt {
  const { reviewId, status, expiresAt, call } = review;
  const allowedDecisions = (['approve', 'edit', 'reject'] as const).filter((type) =>
    review.allowedDecisions.includes(type),
  );
  const description = `${call.tool}: decide it in Holdpoint, as ${reviewId}; without a decision it expires.`;
  return {
    actionRequests: [{ name, args: call.arguments ?? {}, description }],
    reviewConfigs: [{ actionName: name, allowedDecisions }],
    holdpoint: { reviewId, status, expiresAt },
  };
}

type Run = (input: unknown, config: RunnableConfig, toolCallId: unknown) => Promise<ToolOutcome>;

function outcomeTool(
  tool: { readonly name: string; readonly description: string; readonly schema: ToolSchemaBase },
  run: Run,
): DynamicStructuredTool {
  return new DynamicStructuredTool({
    name: tool.name,
    description: tool.description,
    schema: tool.schema,
    func: async (input: unknown, _manager: unknown, config?: RunnableConfig) => {
      const { toolCall } = (config ?? {}) as { readonly toolCall?: { readonly id?: string } };
      const outcome = await run(input, config ?? {}, toolCall?.id);
      const content = JSON.stringify(outcome);
      if (toolCall?.id === undefined) return content;
      // Never thrown: one call that was refused must not take the results of its siblings with it.
      return new ToolMessage({
        name: tool.name,
        tool_call_id: toolCall.id,
        content,
        artifact: outcome,
        status: isFine(outcome) ? 'success' : 'error',
      });
    },
  } as never) as DynamicStructuredTool;
}

function threadOf(config: RunnableConfig): string {
  const id: unknown = config.configurable?.['thread_id'];
  if (typeof id === 'string' && id !== '') return id;
  // Proposed without one, a call would wait for people and nobody could be told of the answer.
  throw localError(
    'not_configured',
    'a tool gated by Holdpoint needs a checkpointer and config.configurable.thread_id',
  );
}

/** What is used of a compiled graph. */
export interface ThreadGraph {
  invoke(input: Command, config: RunnableConfig): Promise<unknown>;
  getState(config: RunnableConfig, options?: { subgraphs?: boolean }): Promise<unknown>;
}

export interface ResumerOptions {
  /** Compiled with the checkpointer that holds the threads. */
  readonly graph: ThreadGraph;
  /** With the key of the agent that proposed. */
  readonly client: Holdpoint;
  /** Config of a thread's runs, merged with its `thread_id`. */
  readonly config?: RunnableConfig;
  /**
   * How long `resume` looks for the interrupt before it says `not_waiting`; default 5 s. An answer may come before the
   * run that it is for has written down that it waits.
   */
  readonly patience?: Duration;
}

/** `resumed: false`: the thread does not wait for this review (any more), or the review for people (still). */
export type Resumed =
  | { readonly resumed: true; readonly threadId: string; readonly output: unknown }
  | { readonly resumed: false; readonly reason: 'still_pending' | 'not_waiting' | 'no_thread' };

export interface Resumer {
  /**
   * Resumes the thread that waits for a review: what a callback calls, as often as it likes. Believes nothing but the
   * id: what became of the review is asked of Holdpoint.
   */
  resume(reviewId: string): Promise<Resumed>;
  /**
   * Waits for the reviews that a thread is interrupted for, resumes it after each, and resolves when it waits for none,
   * with the thread's state. For processes that no callback reaches, and after a restart. Aborting `signal` ends the
   * waiting and decides nothing.
   */
  follow(threadId: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
}

/** In ms. */
const LOOK_AGAIN = 250;

interface Waiting {
  readonly interruptId: string;
  readonly reviewId: string;
}

/**
 * Within one Resumer a thread is resumed by one at a time. LangGraph does not keep two processes from running one
 * thread at once, so let one process have its callbacks.
 */
export function createResumer({ graph, client, config = {}, patience = '5s' }: ResumerOptions): Resumer {
  const turns = new Map<string, Promise<unknown>>();

  const configOf = (threadId: string): RunnableConfig => ({
    ...config,
    configurable: { ...config.configurable, thread_id: threadId },
  });
  const waiting = async (threadId: string): Promise<readonly Waiting[]> =>
    waitingIn(await graph.getState(configOf(threadId), { subgraphs: true }));

  const inTurn = async <T>(threadId: string, run: () => Promise<T>): Promise<T> => {
    const turn = (turns.get(threadId) ?? Promise.resolve()).then(run, run);
    turns.set(threadId, turn);
    try {
      return await turn;
    } finally {
      if (turns.get(threadId) === turn) turns.delete(threadId);
    }
  };

  const resumeThread = (threadId: string, review: Review): Promise<Resumed> =>
    inTurn(threadId, async () => {
      const found = (await waiting(threadId)).find(({ reviewId }) => reviewId === review.reviewId);
      if (found === undefined) return { resumed: false, reason: 'not_waiting' };
      // By the interrupt's own id: several may wait, in any order.
      const resume = { [found.interruptId]: { holdpoint: { reviewId: review.reviewId, status: review.status } } };
      return { resumed: true, threadId, output: await graph.invoke(new Command({ resume }), configOf(threadId)) };
    });

  return {
    resume: async (reviewId) => {
      const review = await client.reviews.get(reviewId);
      if (outcomeOf(review).status === 'pending') return { resumed: false, reason: 'still_pending' };
      if (review.threadId === null) return { resumed: false, reason: 'no_thread' };
      const end = performance.now() + toMs(patience);
      for (;;) {
        const resumed = await resumeThread(review.threadId, review);
        if (resumed.resumed || performance.now() >= end) return resumed;
        await sleep(LOOK_AGAIN);
      }
    },
    follow: async (threadId, { signal } = {}) => {
      for (;;) {
        const reviews = await waiting(threadId);
        if (reviews.length === 0) return graph.getState(configOf(threadId));
        const reviewId = await firstOf(client, reviews, signal);
        await resumeThread(threadId, await client.reviews.get(reviewId));
      }
    },
  };
}

/** Id of the review that is the first to have an answer; the others are no longer waited for. */
async function firstOf(client: Holdpoint, reviews: readonly Waiting[], signal?: AbortSignal): Promise<string> {
  const done = new AbortController();
  const stop = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
  const wait = async ({ reviewId }: Waiting): Promise<string> => {
    for (;;) {
      const outcome = await awaitOutcome(client, reviewId, { wait: '1d', signal: stop });
      if (outcome.status !== 'pending') return reviewId;
    }
  };
  try {
    return await Promise.race(reviews.map(wait));
  } finally {
    done.abort();
  }
}

/** Holdpoint's interrupts, also those in subgraphs. A state may come from a server, so nothing of its shape is relied on. */
function waitingIn(state: unknown): readonly Waiting[] {
  const found = new Map<string, Waiting>();
  for (const task of listIn(state, 'tasks')) {
    for (const one of listIn(task, 'interrupts')) {
      const interruptId = propertyOf(one, 'id') ?? propertyOf(one, 'interruptId') ?? propertyOf(one, 'interrupt_id');
      const reviewId = propertyOf(propertyOf(propertyOf(one, 'value'), 'holdpoint'), 'reviewId');
      if (typeof interruptId === 'string' && typeof reviewId === 'string')
        found.set(interruptId, { interruptId, reviewId });
    }
    for (const one of waitingIn(propertyOf(task, 'state'))) found.set(one.interruptId, one);
  }
  return [...found.values()];
}

function listIn(value: unknown, name: string): readonly unknown[] {
  const list = propertyOf(value, name);
  return Array.isArray(list) ? list : [];
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

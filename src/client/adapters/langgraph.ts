/** LangGraph.js and LangChain: tools that interrupt while people look at a call, and resume when it has ended. */
import { ToolMessage } from '@langchain/core/messages';
import { DynamicStructuredTool, type ToolSchemaBase } from '@langchain/core/tools';
import type { RunnableConfig } from '@langchain/core/runnables';
import { interrupt } from '@langchain/langgraph';
import type { JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import type { Holdpoint } from '../holdpoint.ts';
import {
  AWAIT_TOOL,
  keyOf,
  propose,
  requestOf,
  REVISE_TOOL,
  reviseOnce,
  type AwaitInput,
  type GatedTool,
  type RevisionInput,
} from './gate.ts';
import { outcomeOf, type ToolOutcome } from './outcome.ts';

export type { ToolOutcome } from './outcome.ts';
export {
  createResumer,
  type Resumed,
  type Resumer,
  type ResumerOptions,
  type ThreadGraph,
} from './langgraph-resume.ts';
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
  const { name = options.tool.replaceAll('.', '_'), description, schema } = options;
  return outcomeTool({ name, description, schema }, async (args, config, toolCallId) => {
    const threadId = threadOf(config);
    // A node is run again from its start on every resume, so the key is made of what stays the same: thread, node
    // (its task within the thread) and tool call.
    const node = String(config.configurable?.['checkpoint_ns'] ?? '');
    const idempotencyKey = await keyOf('langgraph', threadId, node, toolCallId ?? args, options.tool);
    const outcome = await propose(options.client, requestOf(options, args, threadId), { idempotencyKey });
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
      const { reviewId } = input as unknown as AwaitInput;
      return interruptWhilePending(client, AWAIT_TOOL.name, outcomeOf(await client.reviews.get(reviewId)));
    }),
    outcomeTool(REVISE_TOOL, async (input) =>
      interruptWhilePending(client, REVISE_TOOL.name, await reviseOnce(client, input as unknown as RevisionInput)),
    ),
  ];
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
  const description = `${call.tool}: decide it in Holdpoint, as ${reviewId}; without a decision it ends as a no.`;
  return {
    actionRequests: [{ name, args: call.arguments ?? {}, description }],
    reviewConfigs: [{ actionName: name, allowedDecisions }],
    holdpoint: { reviewId, status, expiresAt },
  };
}

type Run = (args: JsonObject, config: RunnableConfig, toolCallId: string | undefined) => Promise<ToolOutcome>;

function outcomeTool(
  tool: { readonly name: string; readonly description: string; readonly schema: ToolSchemaBase },
  run: Run,
): DynamicStructuredTool {
  return new DynamicStructuredTool({
    name: tool.name,
    description: tool.description,
    schema: tool.schema,
    func: async (args: JsonObject, _manager: unknown, config?: RunnableConfig) => {
      const { toolCall } = (config ?? {}) as { readonly toolCall?: { readonly id?: string } };
      const outcome = await run(args, config ?? {}, toolCall?.id);
      const content = JSON.stringify(outcome);
      if (toolCall?.id === undefined) return content;
      // Never thrown: one call that was refused must not take the results of its siblings with it.
      return new ToolMessage({
        name: tool.name,
        tool_call_id: toolCall.id,
        content,
        artifact: outcome,
        status: FINE.has(outcome.status) ? 'success' : 'error',
      });
    },
  } as never) as DynamicStructuredTool;
}
const FINE: ReadonlySet<ToolOutcome['status']> = new Set(['executed', 'pending', 'changes_requested', 'answered']);

function threadOf(config: RunnableConfig): string {
  const id: unknown = config.configurable?.['thread_id'];
  if (typeof id === 'string' && id !== '') return id;
  // Proposed without one, a call would wait for people and nobody could be told of the answer.
  throw new TypeError('A tool gated by Holdpoint needs a checkpointer and config.configurable.thread_id');
}

/** Vercel AI SDK: tools whose calls Holdpoint makes. The gate sits in the tool itself, so sub-agents meet it too. */
import { jsonSchema, tool, type FlexibleSchema, type JSONValue, type Tool } from 'ai';
import type { Duration } from '../options.ts';
import type { Holdpoint } from '../holdpoint.ts';
import { AWAIT_TOOL, awaitOutcome, proposeAndWait, REVISE_TOOL, reviseOnce, type GatedTool } from './gate.ts';
import { readAwaitInput, readRevisionInput, type AwaitInput, type RevisionInput } from './input.ts';
import { isFine, type ToolOutcome } from './outcome.ts';

export type { ToolOutcome } from './outcome.ts';

export interface HoldpointToolOptions<INPUT> extends GatedTool {
  readonly description?: string;
  readonly inputSchema: FlexibleSchema<INPUT>;
  /** How long a call that people look at is waited for before the model gets a `pending` result; default 1 minute. */
  readonly wait?: Duration;
  /**
   * Names the conversation. With it the idempotency key is made of thread and tool-call id: a step that is run again
   * after a crash meets its own review instead of proposing twice.
   */
  readonly threadId?: string;
}

/**
 * A tool for `generateText`, `streamText` and agents. It runs nothing here: Holdpoint makes the call, after a yes where
 * policy demands one. Throws HoldpointError where there is no outcome (not authenticated, unavailable).
 */
export function holdpointTool<INPUT extends object>(options: HoldpointToolOptions<INPUT>): Tool<INPUT, ToolOutcome> {
  const { description, inputSchema, wait = '1m', threadId } = options;
  return outcomeTool<INPUT>(description, inputSchema, (input, { toolCallId, abortSignal }) =>
    proposeAndWait(options, input, { wait, threadId, toolCallId, signal: abortSignal }),
  );
}

/**
 * {@link holdpointTool} under the description and schema of a tool that you have. What that tool does is never called:
 * Holdpoint makes the call.
 */
export function wrapTool<INPUT extends object>(
  existing: { readonly description?: unknown; readonly inputSchema: FlexibleSchema<INPUT> },
  gated: Omit<HoldpointToolOptions<INPUT>, 'inputSchema'>,
): Tool<INPUT, ToolOutcome> {
  const { description, inputSchema } = existing;
  return holdpointTool<INPUT>({ ...(typeof description === 'string' ? { description } : {}), inputSchema, ...gated });
}

export interface ReviewToolsOptions {
  readonly client: Holdpoint;
  /** Default: 1 minute. */
  readonly wait?: Duration;
}

export interface ReviewTools {
  readonly holdpoint_await: Tool<AwaitInput, ToolOutcome>;
  readonly holdpoint_revise: Tool<RevisionInput, ToolOutcome>;
}

/** Tools with which a model waits on and answers a request for changes. None of them lets it decide. */
export function holdpointReviewTools({ client, wait = '1m' }: ReviewToolsOptions): ReviewTools {
  return {
    [AWAIT_TOOL.name]: outcomeTool(
      AWAIT_TOOL.description,
      jsonSchema<AwaitInput>(AWAIT_TOOL.schema as never),
      async (input, { abortSignal }) =>
        awaitOutcome(client, readAwaitInput(input).reviewId, { wait, signal: abortSignal }),
    ),
    [REVISE_TOOL.name]: outcomeTool(
      REVISE_TOOL.description,
      jsonSchema<RevisionInput>(REVISE_TOOL.schema as never),
      async (input, { abortSignal }) => {
        const outcome = await reviseOnce(client, readRevisionInput(input));
        if (outcome.status !== 'pending') return outcome;
        return awaitOutcome(client, outcome.reviewId, { wait, signal: abortSignal });
      },
    ),
  };
}

type Execute<INPUT> = (
  input: INPUT,
  options: { readonly toolCallId: string; readonly abortSignal?: AbortSignal | undefined },
) => Promise<ToolOutcome>;

function outcomeTool<INPUT>(
  description: string | undefined,
  inputSchema: FlexibleSchema<INPUT>,
  execute: Execute<INPUT>,
): Tool<INPUT, ToolOutcome> {
  return tool({
    ...(description === undefined ? {} : { description }),
    inputSchema,
    execute,
    toModelOutput: ({ output }: { readonly output: unknown }) => toModelOutput(output as ToolOutcome),
  } as Tool<INPUT, ToolOutcome>);
}

function toModelOutput(outcome: ToolOutcome): { type: 'json' | 'error-json'; value: JSONValue } {
  return { type: isFine(outcome) ? 'json' : 'error-json', value: outcome as unknown as JSONValue };
}

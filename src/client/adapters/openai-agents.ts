/** OpenAI Agents SDK: function tools whose calls Holdpoint makes, also in agents used as tools and after a handoff. */
import { tool, type FunctionTool, type RunContext } from '@openai/agents';
import type { Duration } from '../options.ts';
import type { Holdpoint } from '../holdpoint.ts';
import { AWAIT_TOOL, awaitOutcome, proposeAndWait, REVISE_TOOL, reviseOnce, type GatedTool } from './gate.ts';
import { readAwaitInput, readRevisionInput, readToolName } from './input.ts';
import type { ToolOutcome } from './outcome.ts';

export type { ToolOutcome } from './outcome.ts';

type Parameters = NonNullable<Exclude<globalThis.Parameters<typeof tool>[0]['parameters'], undefined>>;

export interface HoldpointToolOptions extends GatedTool {
  /** Name that the model sees; default: the tool's, with `_` for dots. */
  readonly name?: string;
  readonly description: string;
  /** A zod object (strict), or a JSON Schema with `strict` as it is meant. */
  readonly parameters: Parameters;
  /** Default true, as in the SDK. */
  readonly strict?: boolean;
  /** How long a call that people look at is waited for before the model gets a `pending` result; default 1 minute. */
  readonly wait?: Duration;
  /** Names the conversation; with it a run that is repeated after a crash meets its own reviews (see docs). */
  readonly threadId?: string | ((context: RunContext | undefined) => string | undefined);
}

/**
 * A function tool. It runs nothing here: Holdpoint makes the call, after a yes where policy demands one. `needsApproval`
 * stays off: that approval is the client's own, bound to no reviewer, and agents used as tools would skip it.
 */
export function holdpointTool(options: HoldpointToolOptions): FunctionTool<unknown, Parameters, ToolOutcome> {
  const { description, parameters, strict = true, wait = '1m', threadId } = options;
  return outcomeTool({
    name: readToolName(options.name, options.tool),
    description,
    parameters,
    strict,
    execute: (input, context, details) =>
      proposeAndWait(options, input, {
        wait,
        threadId: typeof threadId === 'function' ? threadId(context) : threadId,
        toolCallId: details?.toolCall?.callId,
        signal: details?.signal,
      }),
  });
}

/**
 * {@link holdpointTool} under the name, description and parameters of a function tool that you have. What that tool does
 * is never called: Holdpoint makes the call.
 */
export function wrapTool(
  existing: Pick<FunctionTool, 'name' | 'description' | 'strict'> & { readonly parameters: unknown },
  gated: GatedTool & Partial<HoldpointToolOptions>,
): FunctionTool<unknown, Parameters, ToolOutcome> {
  const { name, description, strict } = existing;
  return holdpointTool({ name, description, parameters: existing.parameters as Parameters, strict, ...gated });
}

/** Tools with which a model waits on and answers a request for changes. None of them lets it decide. */
export function holdpointReviewTools({
  client,
  wait = '1m',
}: {
  readonly client: Holdpoint;
  readonly wait?: Duration;
}): FunctionTool<unknown, Parameters, ToolOutcome>[] {
  return [
    outcomeTool({
      name: AWAIT_TOOL.name,
      description: AWAIT_TOOL.description,
      parameters: AWAIT_TOOL.schema as never,
      strict: true,
      execute: async (input, _context, details) =>
        awaitOutcome(client, readAwaitInput(input).reviewId, { wait, signal: details?.signal }),
    }),
    outcomeTool({
      name: REVISE_TOOL.name,
      description: REVISE_TOOL.description,
      parameters: REVISE_TOOL.schema as never,
      strict: false,
      execute: async (input, _context, details) => {
        const outcome = await reviseOnce(client, readRevisionInput(input));
        if (outcome.status !== 'pending') return outcome;
        return awaitOutcome(client, outcome.reviewId, { wait, signal: details?.signal });
      },
    }),
  ];
}

interface OutcomeTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Parameters;
  readonly strict: boolean;
  readonly execute: (
    input: unknown,
    context: RunContext | undefined,
    details: { readonly toolCall?: { readonly callId: string }; readonly signal?: AbortSignal } | undefined,
  ) => Promise<ToolOutcome>;
}

function outcomeTool(options: OutcomeTool): FunctionTool<unknown, Parameters, ToolOutcome> {
  // Strict and non-strict options are two types to the SDK and one to us.
  return tool(options as never) as unknown as FunctionTool<unknown, Parameters, ToolOutcome>;
}

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { Protocol } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CallToolRequestParamsSchema,
  CancelTaskRequestSchema,
  ErrorCode,
  GetTaskPayloadRequestSchema,
  GetTaskRequestSchema,
  ListTasksRequestSchema,
  ListToolsRequestSchema,
  McpError,
  type CallToolRequest,
  type Result,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { ProblemError } from '../api/index.ts';
import type { ExecuteResponse } from '../contract/execute.ts';
import { asProblem } from '../api/problem.ts';
import { visible } from '../domain/text/visible.ts';
import { answerOnce, callTool, propose, type Extra } from './call.ts';
import { LEFT_OUT, offeredTools, type OfferedTool } from './catalog.ts';
import { parseParams, TASKS_EXTENSION, type McpRequest } from './request.ts';
import { OWN_DEFINITIONS, runOwnTool } from './own-tools.ts';
import { problemResult, resultOf } from './result.ts';
import { cancelTask, detailedTaskOf, extensionTaskOf, listTasks, readTask, taskOf, taskResult } from './tasks.ts';

const INSTRUCTIONS =
  'Tools here run through Holdpoint: some calls wait for a human decision. A pending result is neither a success nor a failure: call holdpoint_await with its reviewId. After a rejection do not propose the same call again. After an edit, what ran is in the result.';

/** Missing Required Client Capability, of the revision 2026-07-28. */
const MISSING_CAPABILITY = -32_021;

/** What the extension answers where there is nothing to say. */
const ACKNOWLEDGED = { resultType: 'complete' } as const;

const updateTaskSchema = z.object({
  method: z.literal('tasks/update'),
  params: z.looseObject({ taskId: z.string() }),
});

const callSchema = z.object({ method: z.literal('tools/call'), params: z.looseObject({}) });

/** Some clients write null for the arguments of a tool that they call without any. */
function readCall({ arguments: args, ...params }: z.infer<typeof callSchema>['params']): CallToolRequest['params'] {
  return parseParams(CallToolRequestParamsSchema, { ...params, arguments: args ?? undefined });
}

/** The MCP server for one HTTP request: made for it, gone with it. */
export function createMcpServer(request: McpRequest): Server {
  const { context, deps, principal } = request;
  const server = new Server(
    { name: 'holdpoint', title: 'Holdpoint', version: deps.version },
    {
      capabilities: {
        tools: { listChanged: true },
        tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
        extensions: { [TASKS_EXTENSION]: {} },
      },
      instructions: INSTRUCTIONS,
    },
  );
  const guarded =
    <P, R>(handle: (params: P, extra: Extra) => Promise<R>) =>
    (message: { params?: P }, extra: unknown): Promise<R> =>
      handle(message.params as P, extra as Extra).catch((error: unknown) => {
        throw asMcpError(request, error);
      });
  server.setRequestHandler(ListToolsRequestSchema, () => {
    const { offered, leftOut } = offeredTools(context.settings.current(), principal.agent);
    const told = leftOut.map(({ tool, reason }) => ({ tool: visible(tool), reason, message: LEFT_OUT[reason] }));
    return {
      tools: [...OWN_DEFINITIONS, ...[...offered].map(describe)],
      ...(told.length === 0 ? {} : { _meta: { 'holdpoint/leftOut': told } }),
    };
  });
  // Past the SDK's own check of results, which knows nothing of handles that a server chose to give.
  Protocol.prototype.setRequestHandler.call(
    server,
    callSchema,
    guarded(async (params: z.infer<typeof callSchema>['params'], extra) =>
      answerCall(request, readCall(params), extra),
    ) as never,
  );
  server.setRequestHandler(
    GetTaskRequestSchema,
    guarded(async (params: { taskId: string }, extra) => {
      const review = await readTask(request, params.taskId);
      return declaresTasks(extra) ? detailedTaskOf(request, review) : taskOf(request, review);
    }),
  );
  server.setRequestHandler(
    GetTaskPayloadRequestSchema,
    guarded((params: { taskId: string }, extra) => taskResult(request, params.taskId, extra.signal)),
  );
  server.setRequestHandler(
    ListTasksRequestSchema,
    guarded((params: { cursor?: string | undefined } | undefined) => listTasks(request, params?.cursor)),
  );
  server.setRequestHandler(
    CancelTaskRequestSchema,
    guarded(async (params: { taskId: string }, extra) => {
      const review = await cancelTask(request, params.taskId);
      if (declaresTasks(extra)) return ACKNOWLEDGED;
      if (review === undefined) throw new McpError(ErrorCode.InvalidParams, 'The task has ended');
      return taskOf(request, review);
    }),
  );
  // Nothing is ever asked of the client, so there is nothing to update.
  server.setRequestHandler(
    updateTaskSchema,
    guarded(async (params: { taskId: string }, extra) => {
      if (!declaresTasks(extra)) throw missingTasks();
      await readTask(request, params.taskId);
      return ACKNOWLEDGED;
    }),
  );
  return server;
}

async function answerCall(request: McpRequest, params: CallToolRequest['params'], extra: Extra): Promise<Result> {
  try {
    const own = runOwnTool(request, params, extra);
    if (own !== undefined) return await own;
    return await answerOnce(request, params, extra.requestId, async (key): Promise<Result> => {
      if (params.task !== undefined) return callAsTask(request, params, key);
      if (declaresTasks(extra)) return callWithHandle(request, params, key);
      return callTool(request, params, key, extra);
    });
  } catch (error) {
    // A refusal is something to tell the model, not a fault of the protocol.
    if (params.task === undefined && error instanceof ProblemError && error.code !== 'internal') {
      return problemResult(error);
    }
    throw error;
  }
}

/** The client asked for a task (2025-11-25). */
async function callAsTask(
  request: McpRequest,
  params: CallToolRequest['params'],
  key: string | undefined,
): Promise<Result> {
  const { response, review } = await propose(request, params, key);
  if (review !== undefined) return { task: taskOf(request, review), ...attachedMeta(response) };
  const { structuredContent } = resultOf(response, undefined, '');
  throw new McpError(ErrorCode.InvalidParams, 'The call was blocked', structuredContent);
}

/** The client takes handles (the tasks extension): it gets one where people are waited for. */
async function callWithHandle(
  request: McpRequest,
  params: CallToolRequest['params'],
  key: string | undefined,
): Promise<Result> {
  const { response, review } = await propose(request, params, key);
  if (response.outcome === 'ESCALATE' && review !== undefined) {
    return { resultType: 'task', ...extensionTaskOf(request, review), ...attachedMeta(response) };
  }
  return resultOf(response, review, `${request.caller.baseUrl}/reviews`);
}

/** A handle has no place of its own for it. */
function attachedMeta({ attached }: ExecuteResponse): Pick<Result, '_meta'> {
  return attached === undefined ? {} : { _meta: { 'holdpoint/attached': true } };
}

/**
 * The client takes the extension's handles and answers, as far as this very request says: what it said before does not
 * count there. One that does not say so speaks of tasks as 2025-11-25 does, if at all.
 */
function declaresTasks({ _meta }: Extra): boolean {
  return extensionsOf(_meta?.['io.modelcontextprotocol/clientCapabilities'])?.[TASKS_EXTENSION] !== undefined;
}

/** `extensions` of a client's capabilities, whatever came. */
function extensionsOf(capabilities: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof capabilities !== 'object' || capabilities === null || !('extensions' in capabilities)) return undefined;
  const { extensions } = capabilities;
  return typeof extensions === 'object' && extensions !== null ? (extensions as Record<string, unknown>) : undefined;
}

/** Only the extension knows this method. */
function missingTasks(): McpError {
  const requiredCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };
  return new McpError(MISSING_CAPABILITY, 'Missing required client capability', { requiredCapabilities });
}

function describe([name, { title, description, inputSchema, annotations }]: [string, OfferedTool]): Tool {
  return {
    name,
    title,
    description,
    inputSchema: inputSchema as Tool['inputSchema'],
    annotations,
    execution: { taskSupport: 'optional' },
  };
}

/** Errors from outside are never passed on. */
function asMcpError({ context }: McpRequest, error: unknown): McpError {
  if (error instanceof McpError) return error;
  const problem = asProblem(error);
  if (problem.code === 'internal') context.log.error({ err: problem.cause ?? problem }, 'an MCP request failed');
  const rpcCode = problem.code === 'internal' ? ErrorCode.InternalError : ErrorCode.InvalidRequest;
  return new McpError(rpcCode, problem.detail, { code: problem.code });
}

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { JsonObject } from '../../contract/json.ts';
import { toolNameSchema } from '../../contract/call.ts';
import { placeOfHost } from '../../domain/addresses.ts';
import { matchesPattern } from '../../domain/policy/settings.ts';
import type { ListedTool } from '../../domain/upstream.ts';
import { readProxyFrom } from '../compose/proxy.ts';
import { CliError } from '../ui/exit.ts';
import type { Io } from '../ui/io.ts';
import {
  connectorNameOf,
  parseOpenApi,
  planHttpConnector,
  securitySchemeOf,
  serverOf,
  type Server,
} from './openapi-connector.ts';
import { listOperations, type Operation } from './openapi-operations.ts';
import { proposeTools } from './openapi-tools.ts';
import {
  HELD_NOTE,
  variableName,
  type LeftOut,
  type PlannedConnector,
  type ProposedTool,
  type Proposal,
} from './plan.ts';
import { proposeTitle } from './words.ts';

/** GitHub's own is 12 MB. */
const LARGEST = 32 * 1024 * 1024;
const WAIT_MS = 30_000;
/** Most tools that one description becomes: nobody looks through more, and a policy file has its limit. */
const MOST_TOOLS = 200;

/** An OpenAPI description that was read, before anything was chosen. */
export interface Description {
  readonly document: JsonObject;
  readonly place: string;
  readonly name: string;
  readonly server: Server;
  readonly operations: readonly Operation[];
}

/** Reads the description at a URL or in a file. */
export async function readDescription(io: Io, place: string): Promise<Description> {
  const found = isUrl(place) ? await download(place) : { place, text: readDescriptionFile(io, place) };
  const document = parseOpenApi(found.text, place);
  const operations = listOperations(document);
  if (operations.length === 0) {
    throw new CliError('usage', 'openapi_invalid', `${place} describes no operation that could be called.`);
  }
  return {
    document,
    place,
    name: connectorNameOf(document),
    server: serverOf(document, found.place),
    operations,
  };
}

function readDescriptionFile(io: Io, file: string): string {
  const path = resolve(io.cwd, file);
  try {
    if (statSync(path).size > LARGEST) throw new RangeError('too large');
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof RangeError ? 'is larger than 32 MiB' : 'cannot be read';
    throw new CliError(
      'notFound',
      'openapi_unreadable',
      `${path} ${why}.`,
      'Pass the file or the URL of a description.',
    );
  }
}

async function download(url: string): Promise<{ readonly place: string; readonly text: string }> {
  const fail = (why: string): CliError =>
    new CliError('unavailable', 'openapi_unreadable', `${url} ${why}.`, 'Is the service running? A file works, too.');
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { accept: 'application/yaml, application/json;q=0.9, */*;q=0.1' },
      signal: AbortSignal.timeout(WAIT_MS),
    });
    if (!response.ok) throw fail(`answered ${response.status}`);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of response.body ?? []) {
      size += piece.byteLength;
      if (size > LARGEST) throw fail('is larger than 32 MiB');
      pieces.push(piece as Uint8Array);
    }
    return { place: response.url, text: Buffer.concat(pieces).toString('utf8') };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw fail('does not answer');
  }
}

/** Patterns are `operationId`s or paths; a `*` at the end stands for any ending. */
export function chooseOperations(
  { place, operations }: Description,
  patterns: readonly string[],
): readonly Operation[] {
  const fits = (pattern: string, { id, path }: Operation): boolean =>
    matchesPattern(pattern, id) || matchesPattern(pattern, path);
  const idle = patterns.find((pattern) => !operations.some((operation) => fits(pattern, operation)));
  if (idle !== undefined) {
    throw new CliError('usage', 'no_operation', `No operation or path of ${place} is called ${idle}.`);
  }
  const chosen =
    patterns.length === 0
      ? operations
      : operations.filter((operation) => patterns.some((pattern) => fits(pattern, operation)));
  if (chosen.length <= MOST_TOOLS) return chosen;
  throw new CliError(
    'usage',
    'too_many_operations',
    `${place} has ${chosen.length} operations; init writes at most ${MOST_TOOLS} tools.`,
    'Choose with --operations: ids or paths, a * at the end stands for the rest, e.g. "repos/*,/user".',
  );
}

/** Connector and tools of a description. */
export function proposeFromDescription(
  { document }: Description,
  name: string,
  baseUrl: string,
  operations: readonly Operation[],
): Proposal {
  const connector = planHttpConnector(name, baseUrl, securitySchemeOf(document, operations));
  return { connector, ...proposeTools(document, operations, name) };
}

/** Connector and tools of an MCP server, which is started or connected to. Its annotations are its own word and decide nothing. */
export async function proposeFromMcp(io: Io, name: string, place: string): Promise<Proposal> {
  const connector = planMcpConnector(io, name, place);
  const [{ createConnector }, { resolveReference }] = await Promise.all([
    import('../../connectors/index.ts'),
    import('../../storage/keys/index.ts'),
  ]);
  const resolve = (reference: string): string => resolveReference(reference, io.cwd, io.env);
  const upstream = createConnector(name, connector.config, resolve, readProxyFrom(io.env));
  try {
    const listing = await upstream.listTools?.();
    const listed = (listing?.tools ?? []).map((tool) => proposeUpstream(name, tool));
    return {
      connector,
      tools: listed.flatMap((one) => ('why' in one ? [] : [one])),
      leftOut: [
        ...listed.flatMap((one) => ('why' in one ? [one] : [])),
        ...(listing?.leftOut ?? []).map((one) => ({ name: one.name, why: one.reason })),
      ],
    };
  } catch {
    const hint = isUrl(place)
      ? `If it wants a token, set ${variableName(name, 'TOKEN')} for this command.`
      : 'Does the command work here? It must speak MCP on standard input and output.';
    throw new CliError('unavailable', 'mcp_unavailable', `The MCP server ${place} does not list its tools.`, hint);
  } finally {
    await upstream.close();
  }
}

/** With a credential where one is set for this command: the server has then been asked with it. */
function planMcpConnector(io: Io, name: string, place: string): PlannedConnector {
  const token = variableName(name, 'TOKEN');
  if (!isUrl(place)) {
    const notes = [
      'The execute worker starts it. It gets PATH and HOME, and of other variables only those under env:',
      `  env: { ${token}: 'env:${token}' }`,
    ];
    return { name, config: { type: 'mcp', command: splitWords(place) }, notes, variables: [] };
  }
  if (!URL.canParse(place)) throw new CliError('usage', 'url_invalid', `${place} is not a URL.`);
  const hasToken = (io.env[token] ?? '') !== '';
  return {
    name,
    config: {
      type: 'mcp',
      url: place,
      ...(hasToken ? { credential: `env:${token}` } : {}),
      ...(placeOfHost(place) === 'unknown' ? {} : { allowPrivateAddresses: true }),
    },
    notes: hasToken
      ? ['The credential is sent as Authorization: Bearer.']
      : [`It listed its tools without a credential. To send one as Authorization: Bearer: credential: env:${token}`],
    variables: hasToken ? [{ name: token, meaning: `the token for ${place}` }] : [],
  };
}

function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** A command line as a shell would split it, without its other powers. */
function splitWords(line: string): string[] {
  const words = line.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
  return words.map((word) => word.replaceAll(/^["']|["']$/g, ''));
}

function proposeUpstream(connector: string, tool: ListedTool): ProposedTool | LeftOut {
  const name = `mcp.${connector}.${tool.name}`;
  if (!toolNameSchema.safeParse(name).success) {
    return { name: tool.name, why: 'its name cannot stand in a policy' };
  }
  return {
    definition: {
      name,
      title: proposeTitle(undefined, `${connector} ${tool.name}`, tool.definition.inputSchema),
      class: 'irreversible',
      connector,
    },
    note: HELD_NOTE,
  };
}

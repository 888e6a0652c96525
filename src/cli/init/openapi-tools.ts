import type { Json, JsonObject } from '../../contract/json.ts';
import { toolSchema, type HttpRequestTemplate, type ToolDefinition } from '../../contract/policy.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { createSchemaCompiler } from '../../domain/policy/argument-schema.ts';
import { proposeMoney } from '../../domain/policy/check-money.ts';
import { findTelling } from '../../domain/policy/check-tool.ts';
import { parseTemplate } from '../../domain/render/http.ts';
import { visible } from '../../domain/text/visible.ts';
import type { Operation, Parameter } from './openapi-operations.ts';
import { createConverter, describe, isArgumentName, textOf, type ConvertSchema } from './openapi-schema.ts';
import { HELD_NOTE, type LeftOut, type ProposedTool } from './plan.ts';
import { proposeTitle, toolNames } from './words.ts';

/**
 * Proposes a tool of the policy for each operation. All that may write is irreversible; only a `GET` whose name does not
 * tell of an effect runs at once.
 */
export function proposeTools(
  document: JsonObject,
  operations: readonly Operation[],
  connector: string,
): { readonly tools: readonly ProposedTool[]; readonly leftOut: readonly LeftOut[] } {
  const tools: ProposedTool[] = [];
  const leftOut: LeftOut[] = [];
  const build = { document, connector, nameFor: toolNames(connector), compile: createSchemaCompiler() };
  for (const operation of operations) {
    const proposed = proposeTool(operation, build);
    if ('why' in proposed) leftOut.push(proposed);
    else tools.push(proposed);
  }
  return { tools, leftOut };
}

interface Build {
  readonly document: JsonObject;
  readonly connector: string;
  readonly nameFor: (id: string) => string;
  readonly compile: ReturnType<typeof createSchemaCompiler>;
}

function proposeTool(operation: Operation, { document, connector, nameFor, compile }: Build): ProposedTool | LeftOut {
  const { method, path, summary, description } = operation;
  const refuse = (why: string): LeftOut => ({ name: visible(`${method} ${path}`), why });
  const call = proposeCall(operation, createConverter(document));
  if (typeof call === 'string') return refuse(call);
  const { request, schema } = call;
  const compiled = compile(schema, []);
  if (!compiled.ok) return refuse(`its schema is not accepted: ${compiled.findings[0]?.message ?? ''}`);
  const name = nameFor(operation.id);
  const telling = findTelling({ name, request });
  const reads = method === 'GET' && telling === undefined;
  const words = description ?? summary;
  const draft: ToolDefinition = {
    name,
    title: proposeTitle(summary, operation.id, schema),
    ...(words === undefined ? {} : { description: words }),
    class: reads ? 'reversible' : 'irreversible',
    ...(reads ? { effects: ['read'] } : method === 'DELETE' ? { effects: ['destroy'] } : {}),
    connector,
    request,
    arguments: schema,
  };
  const money = proposeMoney(draft);
  const definition: ToolDefinition = money === undefined ? draft : { ...draft, money };
  const parsed = toolSchema.safeParse(definition);
  if (!parsed.success) return refuse(parsed.error.issues[0]?.message ?? 'it cannot be written as a tool');
  if (reads) return { definition, note: 'a read: runs at once' };
  return { definition, note: telling === undefined || method !== 'GET' ? HELD_NOTE : `${HELD_NOTE}: ${telling}` };
}

/** Request and schema of the arguments, or why the operation cannot be called through an HTTP connector. */
function proposeCall(
  operation: Operation,
  convert: ConvertSchema,
): { readonly request: HttpRequestTemplate; readonly schema: JsonObject } | string {
  const { method, parameters } = operation;
  if (operation.hasOwnServer) return 'it has a server of its own, and a connector calls one';
  const styled = parameters.find(({ in: place, style }) => place === 'path' && (style ?? 'simple') !== 'simple');
  if (styled !== undefined)
    return `the path parameter ${visible(styled.name)} has the style ${visible(textOf(styled.style))}`;
  const properties: Record<string, Json> = {};
  const required: string[] = [];
  const body = method === 'GET' || operation.body === undefined ? undefined : readBody(operation.body, convert);
  if (typeof body === 'string') return body;
  const taken = new Set(Object.keys(body?.properties ?? {}));
  const nameOf = (name: string, place: string): string => {
    const plain = name.replaceAll(/[^A-Za-z0-9_]+/g, '_').replace(/^(?=[0-9])/, '_');
    const free = [plain, `${place}_${plain}`].find((one) => !taken.has(one)) ?? `${place}_${plain}_${taken.size}`;
    taken.add(free);
    return free;
  };

  let path = operation.path;
  for (const parameter of parameters.filter(({ in: place }) => place === 'path')) {
    if (!path.includes(`{${parameter.name}}`)) continue;
    const name = nameOf(parameter.name, 'path');
    path = path.replaceAll(`{${parameter.name}}`, `{${name}}`);
    properties[name] = { ...asPathValue(convert(parameter.schema)), ...describe(parameter) };
    required.push(name);
  }
  const template = parseTemplate(path);
  const used = template?.path.flatMap((part) => ('argument' in part ? [part.argument] : [])) ?? [];
  if (template === undefined || used.some((name) => !Object.hasOwn(properties, name))) {
    return 'its path cannot be written as a template';
  }

  const pairs: string[] = [];
  for (const parameter of parameters.filter(({ in: place }) => place === 'query')) {
    const schema = convert(parameter.schema);
    if (!isScalar(schema) || !isArgumentName(parameter.name)) {
      if (parameter.required) return `the query parameter ${visible(parameter.name)} takes a list or an object`;
      continue;
    }
    const name = nameOf(parameter.name, 'query');
    properties[name] = { ...schema, ...describe(parameter) };
    if (parameter.required) required.push(name);
    // A closed schema puts what the path does not use into the query, under its own name.
    if (body !== undefined || name !== parameter.name) pairs.push(`${encodeURIComponent(parameter.name)}={${name}}`);
  }
  const header = parameters.find((one) => one.required && ['header', 'cookie'].includes(one.in) && !isOfConnector(one));
  if (header !== undefined) return `it needs the ${header.in} ${visible(header.name)}; headers of a tool are static`;

  const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  const schema: JsonObject = {
    type: 'object',
    ...(required.length + (body?.required.length ?? 0) === 0
      ? {}
      : { required: [...required, ...(body?.required ?? [])] }),
    additionalProperties: body?.additionalProperties ?? false,
    properties: { ...properties, ...body?.properties },
  };
  const request: HttpRequestTemplate = {
    method,
    path: path + query,
    ...(body === undefined ? {} : { body: 'arguments' as const }),
    ...(body?.isForm === true ? { bodyFormat: 'form' as const } : {}),
  };
  return { request, schema };
}

/** The connector sets the credential, and Holdpoint the media types. */
function isOfConnector({ name }: Parameter): boolean {
  return ['accept', 'content-type', 'authorization'].includes(name.toLowerCase());
}

interface BodyArguments {
  readonly properties: JsonObject;
  readonly required: readonly string[];
  readonly additionalProperties: Json;
  readonly isForm: boolean;
}

const FORM = 'application/x-www-form-urlencoded';

function readBody(body: NonNullable<Operation['body']>, convert: ConvertSchema): BodyArguments | string {
  const types = Object.keys(body.content);
  const type = types.find((one) => /^application\/([a-z.-]+\+)?json$/.test(one)) ?? types.find((one) => one === FORM);
  if (type === undefined) return `its body is ${visible(types.join(', ')) || 'of no known type'}, not JSON`;
  const schema = asObject(convert(body.content[type]));
  if (schema === undefined) return 'its body is not an object';
  const { properties, required, additionalProperties } = schema;
  return {
    properties: isJsonObject(properties) ? properties : {},
    required: body.required && Array.isArray(required) ? (required as string[]) : [],
    additionalProperties: additionalProperties ?? true,
    isForm: type === FORM,
  };
}

/** One object of several alternatives: what any of them names, and what all of them require. */
function asObject(schema: JsonObject): JsonObject | undefined {
  if (Object.keys(schema).length === 0) return { type: 'object' };
  const { type, anyOf } = schema;
  if (type === 'object' || (Array.isArray(type) && type.includes('object'))) return schema;
  if (!Array.isArray(anyOf)) return undefined;
  const objects = anyOf.filter((option: JsonObject) => option['type'] !== 'null').map(asObject);
  if (!objects.every((option) => option !== undefined)) return undefined;
  const properties = new Map<string, Json[]>();
  for (const option of objects) {
    for (const [name, part] of Object.entries((option['properties'] ?? {}) as JsonObject)) {
      const known = properties.get(name) ?? [];
      const isKnown = known.some((other) => JSON.stringify(other) === JSON.stringify(part));
      properties.set(name, isKnown ? known : [...known, part as Json]);
    }
  }
  const requirements = objects.map((option) => (option['required'] ?? []) as readonly string[]);
  const required = [...properties.keys()].filter((name) => requirements.every((names) => names.includes(name)));
  const isClosed = objects.every((option) => option['additionalProperties'] === false);
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: !isClosed,
    properties: Object.fromEntries(
      [...properties].map(([name, parts]) => [name, parts.length === 1 ? (parts[0] as Json) : { anyOf: parts }]),
    ),
  };
}

/** A query carries texts, numbers, true and false. */
function isScalar({ type, anyOf }: JsonObject): boolean {
  if (Array.isArray(anyOf)) return anyOf.every((option: JsonObject) => isScalar(option));
  const types = Array.isArray(type) ? (type as readonly Json[]) : [type];
  return types.every((one) => typeof one === 'string' && ['string', 'integer', 'number', 'boolean'].includes(one));
}

/** A path carries texts and integers. */
function asPathValue(schema: JsonObject): JsonObject {
  const { type, anyOf } = schema;
  return anyOf === undefined && (type === 'string' || type === 'integer') ? schema : { type: ['string', 'integer'] };
}

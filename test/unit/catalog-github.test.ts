import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import { CATALOGS } from '../support/catalogs.ts';

/** The parts of an OpenAPI 3.0 schema that are compared. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
}
interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

/** GitHub's own description of its API, as Octokit publishes it. */
const require = createRequire(import.meta.url);
const file = require.resolve('@octokit/openapi/generated/api.github.com.deref.json');
const { paths } = JSON.parse(readFileSync(file, 'utf8')) as {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

const tools = CATALOGS.get('github')?.tools ?? [];

/** Our path, where a part of theirs is fixed in ours. */
const THEIR_PATH: Readonly<Record<string, string>> = {
  '/repos/{owner}/{repo}/git/refs/heads/{branch}': '/repos/{owner}/{repo}/git/refs/{ref}',
};

function operationOf(method: string, path: string): Operation {
  const [bare = ''] = path.split('?');
  const operation = paths[THEIR_PATH[bare] ?? bare]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`GitHub has no ${method} ${bare}`);
  return operation;
}

const bodyOf = (operation: Operation): Schema => operation.requestBody?.content['application/json']?.schema ?? {};

/** Every type a schema accepts. */
function typesOf(schema: Schema): ReadonlySet<string> {
  const own =
    schema.type === undefined ? [] : Array.isArray(schema.type) ? (schema.type as string[]) : [schema.type as string];
  const inner = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap((part) => [...typesOf(part)]);
  return new Set([...own, ...inner, ...(schema.nullable === true ? ['null'] : [])]);
}

function enumOf(schema: Schema): readonly unknown[] | undefined {
  return schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
}

/** Why a value that fits ours might not fit theirs; empty: it does. */
function findMismatch(ours: Schema, theirs: Schema, at: string): readonly string[] {
  const accepted = typesOf(theirs);
  // Integers are numbers; some of GitHub's fields have no type at all.
  const takes = (type: string): boolean =>
    accepted.size === 0 || accepted.has(type) || (type === 'integer' && accepted.has('number'));
  const wrong = [...typesOf(ours)].filter((type) => !takes(type));
  const problems = wrong.map((type) => `${at}: ${type} is not ${[...accepted].join('/')}`);
  const values = enumOf(ours);
  if (theirs.enum !== undefined && values !== undefined) {
    problems.push(
      ...values.filter((value) => !theirs.enum?.includes(value)).map((value) => `${at}: no ${String(value)}`),
    );
  }
  if (ours.items !== undefined && theirs.items !== undefined)
    problems.push(...findMismatch(ours.items, theirs.items, `${at}[]`));
  for (const [name, schema] of Object.entries(ours.properties ?? {})) {
    const counterpart = propertyOf(theirs, name);
    if (counterpart === undefined) problems.push(`${at}: no property ${name}`);
    else problems.push(...findMismatch(schema, counterpart, `${at}/${name}`));
  }
  return problems;
}

function propertyOf(schema: Schema, name: string): Schema | undefined {
  const parts = [...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  const own = schema.properties?.[name];
  if (own !== undefined) return own;
  return parts.map((part) => propertyOf(part, name)).find((found) => found !== undefined);
}

function checkTool(tool: ToolDefinition): readonly string[] {
  const { method, path, body } = tool.request!;
  const operation = operationOf(method, path);
  const schema = tool.arguments as Schema;
  const required = schema.required ?? [];
  const inPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
  const query = new Map(
    (operation.parameters ?? [])
      .filter((parameter) => parameter.in === 'query')
      .map((parameter) => [parameter.name, parameter]),
  );
  const problems: string[] = [];
  for (const [name, ours] of Object.entries(schema.properties ?? {})) {
    if (inPath.has(name)) {
      const theirs = operation.parameters?.find((parameter) => parameter.in === 'path' && parameter.name === name);
      if (theirs !== undefined) problems.push(...findMismatch(ours, theirs.schema, name));
      else if (!Object.hasOwn(THEIR_PATH, path)) problems.push(`no path parameter ${name}`);
      continue;
    }
    const theirs = body === undefined ? query.get(name)?.schema : propertyOf(bodyOf(operation), name);
    if (theirs === undefined) problems.push(`GitHub does not know ${name}`);
    else problems.push(...findMismatch(ours, theirs, name));
  }
  const wanted = [
    ...(body === undefined ? [] : (bodyOf(operation).required ?? [])),
    ...[...query.values()].filter((parameter) => parameter.required === true).map(({ name }) => name),
  ];
  problems.push(...wanted.filter((name) => !required.includes(name)).map((name) => `GitHub requires ${name}`));
  return problems;
}

/** Follows a JSON Pointer through a response schema. */
function schemaAt(schema: Schema | undefined, pointer: string): Schema | undefined {
  return pointer
    .split('/')
    .slice(1)
    .reduce<Schema | undefined>((at, key) => (at === undefined ? undefined : propertyOf(at, key)), schema);
}

describe('GitHub catalog against GitHub’s OpenAPI description', () => {
  it('the check itself finds what is wrong', () => {
    const tool = tools.find(({ name }) => name === 'github.issues.create');
    const broken = (change: (schema: Record<string, never>) => void): readonly string[] => {
      const copy = structuredClone(tool!) as ToolDefinition & { arguments: Record<string, never> };
      change(copy.arguments);
      return checkTool(copy);
    };
    expect(checkTool(tool!)).toEqual([]);
    expect(broken((schema) => Object.assign(schema, { required: ['owner', 'repo'] }))).toEqual([
      'GitHub requires title',
    ]);
    expect(broken((schema) => Object.assign(schema['properties']!, { boddy: { type: 'string' } }))).toEqual([
      'GitHub does not know boddy',
    ]);
    expect(broken((schema) => Object.assign(schema['properties']!, { body: { type: 'integer' } }))).toHaveLength(1);
    expect(() => operationOf('DELETE', '/repos/{owner}')).toThrow(/has no/);
  });

  it.each(tools.map((tool) => [tool.name, tool] as const))('%s', (_, tool) => {
    expect(checkTool(tool)).toEqual([]);
  });

  const facts = tools.flatMap((tool) =>
    tool.preview !== undefined && 'requests' in tool.preview
      ? tool.preview.requests.flatMap(({ path, facts }) =>
          facts.map((fact) => [tool.name, fact.name, path, fact] as const),
        )
      : [],
  );
  it.each(facts)('preview of %s: %s is in the answer', (_, __, path, fact) => {
    const answer = operationOf('GET', path).responses['200']?.content?.['application/json']?.schema;
    const found = schemaAt(answer, fact.pointer);
    expect(found).toBeDefined();
    if (fact.count === true) expect([...typesOf(found!)]).toContain('array');
  });
});

import { configFileSchema, type ConfigFile } from '../../contract/config.ts';
import {
  deferOnSchema,
  movedSchema,
  policyFileSchema,
  toolSchema,
  type PolicyFile,
  type ToolDefinition,
} from '../../contract/policy.ts';
import { z } from 'zod';
import { parseTemplate } from '../render/http.ts';
import { explainIssues } from './explain-issue.ts';
import type { FileProblem } from './problem.ts';
import { sortProblems } from './problem.ts';
import { readWhenAsked, readYaml, type YamlSource } from './yaml-source.ts';

/** A file of the documented shape, with the places of its parts, for further checks. */
export interface ParsedFile<T> {
  readonly value: T;
  readonly source: YamlSource;
}

export type ParseResult<T> =
  | { readonly ok: true; readonly file: ParsedFile<T> }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** A hash of digits only (or with one `e`) is a number to YAML. */
const TEXT_KEYS: ReadonlySet<string> = new Set(['keySha256', 'tokenSha256']);

/** Checks the shape of a policy file. All problems are collected. */
export function parsePolicyFile(text: string, fileName: string): ParseResult<PolicyFile> {
  return parseFile(policyFileSchema, text, fileName);
}

/**
 * Checks the shape of a built-in catalog, which leaves out what is the same for all of its tools: the connector is the one
 * of the catalog's name, arguments are an object that takes no other keys, those that the path of the request names are
 * required, and `deferOn` and `moved` of the file are those of every tool with a request. All problems are collected. One
 * that was parsed before is taken at its word.
 */
export function parseCatalog(
  name: string,
  text: string,
  fileName: string,
  before?: PolicyFile,
): ParseResult<PolicyFile> {
  if (before !== undefined) return { ok: true, file: { value: before, source: readWhenAsked(text, fileName) } };
  const tool = toolSchema.extend({ connector: z.string().default(name) }).transform(completeArguments);
  const common = { deferOn: deferOnSchema.optional(), moved: movedSchema.optional() };
  const file = policyFileSchema.extend({ tools: z.array(tool).optional(), ...common });
  const parsed = parseFile(file, text, fileName);
  if (!parsed.ok) return parsed;
  const { deferOn, moved, tools = [], ...rest } = parsed.file.value;
  const shared = { ...(deferOn === undefined ? {} : { deferOn }), ...(moved === undefined ? {} : { moved }) };
  const completed = tools.map((one) => (one.request === undefined ? one : { ...shared, ...one }));
  return { ok: true, file: { ...parsed.file, value: { ...rest, tools: completed } } };
}

function completeArguments(tool: ToolDefinition): ToolDefinition {
  if (tool.arguments === undefined) return tool;
  const path = parseTemplate(tool.request?.path ?? '')?.path ?? [];
  const required = path.flatMap((part) => ('argument' in part ? [part.argument] : []));
  const common = { type: 'object', additionalProperties: false, ...(required.length === 0 ? {} : { required }) };
  return { ...tool, arguments: { ...common, ...tool.arguments } };
}

/** Checks the shape of a configuration file. All problems are collected. */
export function parseConfigFile(text: string, fileName: string): ParseResult<ConfigFile> {
  return parseFile(configFileSchema, text, fileName);
}

function parseFile<T>(schema: z.ZodType<T>, text: string, fileName: string): ParseResult<T> {
  const read = readYaml(text, fileName, TEXT_KEYS);
  if (!read.ok) return { ok: false, problems: sortProblems(read.problems) };
  const { source } = read;
  if (source.value === null) {
    const problem = source.problem([], 'the file is empty', 'Start from the example in the documentation');
    return { ok: false, problems: [problem] };
  }
  const parsed = schema.safeParse(source.value);
  if (parsed.success) return { ok: true, file: { value: parsed.data, source } };
  const problems = explainIssues(parsed.error, schema, source.value).map(({ path, message, fix, part }) =>
    source.problem(path, message, fix, part),
  );
  return { ok: false, problems: sortProblems(problems) };
}

import { Ajv2020, str, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import type { SchemaValidateFunction } from 'ajv/dist/types/index.js';
import { RE2JS } from '@bufbuild/re2';
import addFormats from 'ajv-formats';
import type { Json, JsonObject } from '../../contract/json.ts';
import { isMultipleOf } from '../decimal.ts';
import { JSON_TYPES } from '../files/explain-issue.ts';
import { listWords, suggest } from '../files/nearest.ts';
import { MAX_ARGUMENT_ERRORS, type ArgumentError } from '../../contract/exact.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { valueAt, isJsonObject } from '../json/pointer.ts';
import { sealSchema } from '../seal-binding.ts';
import { findUnboundedSchemas, type SchemaFinding } from './schema.ts';

type ArgumentValidator = (args: JsonObject, options: { readonly sealed: boolean }) => readonly ArgumentError[];

export type SchemaResult =
  | { readonly ok: true; readonly validate: ArgumentValidator }
  | { readonly ok: false; readonly findings: readonly SchemaFinding[] };

/** Beyond this many values only the first thing wrong is named: every error costs memory, and the proposer decides. */
const MAX_FOR_ALL_ERRORS = 2_000;
/** The standard formats are patterns of the JavaScript engine, which can be made to backtrack. */
const MAX_FORMATTED = 2_048;
/** Longest text that a `pattern` without a `maxLength` beside it is tried on, in characters. */
const MAX_MATCHED = 8_192;
/** Longest key of an object: patterns are tried on keys too, and every error repeats the keys above it. */
const MAX_KEY = 1_024;

export interface SchemaCompiler {
  /** With `trusted` nothing is checked, and the schema is compiled when first used: a test has checked the catalogs'. */
  (schema: JsonObject | undefined, seal: readonly string[], options?: { readonly trusted: boolean }): SchemaResult;
}

/** Compiles JSON Schemas (2020-12, strict: unknown keywords and formats are errors) of tools' arguments. */
export function createSchemaCompiler(): SchemaCompiler {
  const every = createAjv({ allErrors: true });
  const first = createAjv({ allErrors: false });
  return (schema, seal, { trusted } = { trusted: false }) => {
    if (schema === undefined) return { ok: true, validate: () => [] };
    const findings = trusted ? [] : [...findInvalid(schema), ...findUnboundedSchemas(schema)];
    if (findings.length > 0) return { ok: false, findings };
    const sealedSchema = seal.length === 0 ? schema : sealSchema(schema, seal);
    const compileWith = (ajv: Ajv2020) => onceEach((sealed) => ajv.compile(sealed ? sealedSchema : schema));
    const compileThorough = compileWith(every);
    const compileQuick = compileWith(first);
    try {
      if (!trusted) for (const sealed of [false, true]) compileThorough(sealed);
      return {
        ok: true,
        validate(args, { sealed }) {
          const pointer = findLongKey(args);
          if (pointer !== undefined) return [{ pointer, message: `a key has more than ${MAX_KEY} characters` }];
          const large = countValues(args, MAX_FOR_ALL_ERRORS) >= MAX_FOR_ALL_ERRORS;
          return runValidator((large ? compileQuick : compileThorough)(sealed), args);
        },
      };
    } catch (error) {
      return { ok: false, findings: [explainRefusal(error, schema)] };
    }
  };
}

function createAjv(options: Options): Ajv2020 {
  const ajv = new Ajv2020({
    ...options,
    strict: true,
    strictRequired: false,
    strictTypes: true,
    allowUnionTypes: true,
    logger: false,
    // Compiled once and called: a definition that is used in many places would be written out in each.
    inlineRefs: false,
    validateSchema: false,
    // An argument may be called `constructor`, which every object inherits.
    ownProperties: true,
    code: { regExp: Object.assign((pattern: string) => RE2JS.compile(pattern), { code: 're2' }) },
  });
  // Says how conditions compare the text; any text that fits the rest of the schema is valid.
  ajv.addKeyword({ keyword: 'fold', type: 'string', metaSchema: { const: 'ascii' } });
  addFormats.default(ajv);
  // Looking for all errors, ajv would try a pattern on a text that is known to be too long already.
  ajv.removeKeyword('pattern').addKeyword({
    keyword: 'pattern',
    type: 'string',
    schemaType: 'string',
    compile: (pattern: string, beside) =>
      matchAfterLength(pattern, (beside as { readonly maxLength?: number }).maxLength),
  });
  // ajv divides doubles, by which 19.99 is no multiple of 0.01.
  ajv.removeKeyword('multipleOf').addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    error: { message: ({ schemaCode }) => str`must be a multiple of ${schemaCode}` },
    compile: (divisor: number) => (value: number) => isMultipleOf(value, divisor),
  });
  for (const [name, format] of Object.entries(ajv.formats)) {
    const check = checkOf(format);
    if (check !== undefined && name !== 'byte') {
      ajv.addFormat(name, (text: string) => text.length <= MAX_FORMATTED && check(text));
    }
  }
  return ajv;
}

/** A text over `maxLength` is refused by that keyword; without one, Holdpoint's own bound comes first. */
function matchAfterLength(pattern: string, maxLength: number | undefined): SchemaValidateFunction {
  const expression = RE2JS.compile(pattern);
  const limit = maxLength ?? MAX_MATCHED;
  const check: SchemaValidateFunction = (text: string) => {
    // `maxLength` counts characters, not UTF-16 code units.
    const isLonger = text.length > 2 * limit || (text.length > limit && Array.from(text).length > limit);
    if (isLonger ? maxLength !== undefined : expression.test(text)) return true;
    const message = isLonger ? `must have at most ${limit} characters` : `must match the pattern ${pattern}`;
    check.errors = [{ keyword: 'pattern', message, params: { pattern } }];
    return false;
  };
  return check;
}

/** Pointer of an object that has too long a key. */
function findLongKey(value: Json, pointer = ''): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, part] of Object.entries(value)) {
    if (key.length > MAX_KEY) return pointer;
    const found = findLongKey(part as Json, pointer + pointerStep(key));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The test of a text format; undefined for formats of numbers and those that accept anything. */
function checkOf(format: unknown): ((text: string) => boolean) | undefined {
  if (format instanceof RegExp) return (text) => format.test(text);
  if (typeof format === 'function') return format as (text: string) => boolean;
  const { type, validate } = (format ?? {}) as { type?: string; validate?: unknown };
  return type === 'number' || validate === undefined ? undefined : checkOf(validate);
}

function runValidator(validate: ValidateFunction, args: JsonObject): readonly ArgumentError[] {
  if (validate(args)) return [];
  const found = (validate.errors ?? []).slice(0, MAX_ARGUMENT_ERRORS);
  const nulls = new Set(found.map(({ instancePath }) => instancePath).filter((at) => valueAt(args, at) === null));
  const optional = nulls.size === 0 ? nulls : findOptional(validate, args, nulls);
  const errors = found.map((error): ArgumentError => {
    const { pointer, message } = explainError(error);
    return { pointer, message: optional.has(pointer) ? `${message}: leave it out instead of null` : message };
  });
  const seen = new Set<string>();
  return errors.filter(({ pointer, message }) => {
    const text = `${pointer} ${message}`;
    return seen.has(text) ? false : seen.add(text);
  });
}

/** Of members that are null, those that nothing requires: frameworks in strict mode write null for what a model left out. */
function findOptional(validate: ValidateFunction, args: JsonObject, nulls: ReadonlySet<string>): ReadonlySet<string> {
  const left = new Set<string>();
  const leaveOut = (value: Json, at: string): Json => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item: Json, index) => leaveOut(item, `${at}/${index}`));
    const members = Object.entries(value).map(([key, part]) => [key, part, at + pointerStep(key)] as const);
    for (const [, , pointer] of members) if (nulls.has(pointer)) left.add(pointer);
    const kept = members.filter(([, , pointer]) => !nulls.has(pointer));
    return Object.fromEntries(kept.map(([key, part, pointer]) => [key, leaveOut(part, pointer)]));
  };
  if (validate(leaveOut(args, ''))) return left;
  for (const { instancePath, keyword, params } of validate.errors ?? []) {
    if (keyword !== 'required') continue;
    left.delete(instancePath + pointerStep(String((params as { readonly missingProperty?: string }).missingProperty)));
  }
  return left;
}

function explainError({ instancePath, keyword, params, message }: ErrorObject): ArgumentError {
  const values = params as Readonly<Record<string, unknown>>;
  switch (keyword) {
    case 'required':
      return { pointer: instancePath, message: `"${String(values['missingProperty'])}" is missing` };
    case 'additionalProperties':
      return {
        pointer: instancePath,
        message: `there is no argument "${String(values['additionalProperty']).slice(0, 100)}"`,
      };
    default:
      return { pointer: instancePath, message: wordsOf(keyword, values) ?? message ?? 'is not valid' };
  }
}

/** What a value must be, in the words that Holdpoint has for its own requests; undefined: a keyword that few schemas use. */
function wordsOf(keyword: string, { limit, ...values }: Readonly<Record<string, unknown>>): string | undefined {
  const size = (bound: string, one: string, many: string): string =>
    `must have ${bound} ${String(limit)} ${limit === 1 ? one : many}`;
  switch (keyword) {
    case 'type':
      return `must be ${listWords([values['type']].flat().map((type) => JSON_TYPES[String(type)] ?? String(type)))}`;
    case 'enum':
      return `must be one of ${JSON.stringify(values['allowedValues'])}`;
    case 'const':
      return `must be ${JSON.stringify(values['allowedValue'])}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : size('at least', 'character', 'characters');
    case 'maxLength':
      return size('at most', 'character', 'characters');
    case 'minItems':
      return size('at least', 'entry', 'entries');
    case 'maxItems':
      return size('at most', 'entry', 'entries');
    case 'minimum':
      return `must be at least ${String(limit)}`;
    case 'maximum':
      return `must be at most ${String(limit)}`;
    case 'exclusiveMinimum':
      return `must be more than ${String(limit)}`;
    case 'exclusiveMaximum':
      return `must be less than ${String(limit)}`;
    case 'format':
      return `must have the format ${String(values['format'])}`;
    default:
      return undefined;
  }
}

/** Checks schemas themselves; compiling the standard's own schema takes longer than any of a tool. */
const META = createAjv({ allErrors: true });

function findInvalid(schema: JsonObject): readonly SchemaFinding[] {
  if (META.validateSchema(schema) === true) return [];
  return (META.errors ?? [])
    .filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'allOf')
    .map((error) => ({
      path: error.instancePath.split('/').slice(1),
      message: `this is not JSON Schema (2020-12): ${explainError(error).message}`,
      fix: 'Correct the schema',
    }));
}

/** Strict mode refuses with a sentence; a keyword named in it is looked up in the schema for its place. */
function explainRefusal(error: unknown, schema: JsonObject): SchemaFinding {
  const message = (error instanceof Error ? error.message : 'unreadable').replace(/^strict mode: /, '');
  const keyword = /unknown keyword: "([^"]+)"/.exec(message)?.[1];
  return {
    path: keyword === undefined ? [] : (findKey(schema, keyword) ?? []),
    message: `the schema of arguments is not accepted: ${message}`,
    fix: suggest(keyword ?? '', KEYWORDS, 'Correct the schema'),
  };
}

const KEYWORDS =
  'type properties required additionalProperties items prefixItems enum const pattern fold format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems maxItems uniqueItems minProperties maxProperties description title default examples allOf anyOf oneOf not'.split(
    ' ',
  );

function findKey(value: Json | undefined, key: string): readonly (string | number)[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isJsonObject(value) && value[key] !== undefined) return [key];
  for (const [name, part] of Object.entries(value)) {
    const found = findKey(part as Json, key);
    if (found !== undefined) return [name, ...found];
  }
  return undefined;
}

function countValues(value: Json, limit: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const part of Object.values(value)) {
    count += countValues(part as Json, limit - count);
    if (count >= limit) return count;
  }
  return count;
}

function onceEach<T>(make: (flag: boolean) => T): (flag: boolean) => T {
  const made = new Map<boolean, T>();
  return (flag) => {
    const known = made.get(flag) ?? make(flag);
    made.set(flag, known);
    return known;
  };
}

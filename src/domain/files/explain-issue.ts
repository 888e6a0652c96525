import type { z } from 'zod';
import type { Json } from '../../contract/json.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { findNearest, listWords } from './nearest.ts';
import type { Path } from './yaml-source.ts';
import { valueAtPath } from '../json/pointer.ts';

type Issue = z.core.$ZodIssue;

/** A schema's complaint in plain words. */
export interface Explained {
  /** Where a file shows it: of a missing key, what lacks it. */
  readonly path: Path;
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly fix: string;
  /** The same for a reader who has the pointer of the field: without its name, and with what is expected. */
  readonly field: { readonly path: Path; readonly message: string };
  /** JSON text of the path of a key that is missing, or that an unknown key was probably meant to be. */
  readonly missingKey?: string;
  readonly meantKey?: string;
}

/** What the words of a format are called. */
interface Vocabulary {
  readonly types: Readonly<Record<string, string>>;
  /** A value of another type than was wanted. */
  readonly typeOf: (value: Json) => string;
  /** `, not …`, of a value that is wrong in another way. */
  readonly instead: (value: Json) => string;
}

const YAML: Vocabulary = {
  types: {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a block of keys',
    record: 'a block of keys',
  },
  typeOf: describeValue,
  instead: (value) => `, not ${describeValue(value)}`,
};

/** JSON's types by the names of zod and of JSON Schema. */
export const JSON_TYPES: Readonly<Record<string, string>> = {
  ...YAML.types,
  string: 'a string',
  integer: 'a whole number',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};

/** Of a request no value is told: it is the caller's own, and may be long or secret. */
const JSON_WORDS: Vocabulary = {
  types: JSON_TYPES,
  typeOf(value) {
    if (value === null) return 'null';
    if (Array.isArray(value)) return 'an array';
    return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  },
  instead: () => '',
};

/** Explains every issue of a refused file. `schema` and `value` are the whole file's. */
export function explainIssues(error: z.ZodError, schema: z.ZodType, value: Json): readonly Explained[] {
  return explainAll(error, schema, value, YAML);
}

/** Explains every issue of refused JSON, by the pointer of each field. */
export function explainFields(error: z.ZodError, schema: z.ZodType, value: Json): readonly ArgumentError[] {
  return explainAll(error, schema, value, JSON_WORDS).map(({ field: { path, message } }) => ({
    pointer: path.map((step) => pointerStep(String(step))).join(''),
    message,
  }));
}

function explainAll(error: z.ZodError, schema: z.ZodType, value: Json, words: Vocabulary): readonly Explained[] {
  const explained = error.issues.flatMap((issue) => explainIssue(issue, { schema, value, words }, []));
  // A misspelt key is both unknown and missing; saying it once is enough.
  const meant = new Set(explained.flatMap(({ meantKey }) => meantKey ?? []));
  return explained.filter(({ missingKey }) => missingKey === undefined || !meant.has(missingKey));
}

/** What is refused, and by which schema. */
interface Refused {
  readonly schema: z.ZodType;
  readonly value: Json;
  readonly words: Vocabulary;
}

/** Tells of a value: `predicate` finishes a sentence that begins with its name. */
type Explain = (predicate: string, fix: string, advice?: string) => readonly Explained[];

function explainAt(path: Path): Explain {
  const name = nameOf(path);
  return (predicate, fix, advice = '') => [
    { path, part: 'value', message: `${name} ${predicate}`, fix, field: { path, message: `${predicate}${advice}` } },
  ];
}

function explainIssue(issue: Issue, refused: Refused, above: Path): readonly Explained[] {
  const { schema, value, words } = refused;
  const path = [...above, ...(issue.path as (string | number)[])];
  const name = nameOf(path);
  const found = valueAtPath(value, path);
  const explain = explainAt(path);

  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => explainUnknownKey(schema, path, key));
  if (found === undefined && path.length > 0) {
    const missingKey = JSON.stringify(path);
    const wanted = wantedBy(issue, words);
    const field = { path, message: `is missing: expected ${wanted}` };
    const fix = `Add ${name}: ${issue.code === 'invalid_value' ? wanted : `<${wanted}>`}`;
    return [{ path: path.slice(0, -1), part: 'key', message: `${name} is missing`, fix, field, missingKey }];
  }
  const given = found ?? null;
  switch (issue.code) {
    case 'invalid_type': {
      const isScalar = typeof given === 'number' || typeof given === 'boolean';
      const form = issue.expected === 'string' && isScalar ? missedForm(schema, path, String(given)) : undefined;
      const wanted = form ?? words.types[issue.expected] ?? issue.expected;
      const fix =
        issue.expected === 'string' && isScalar && form === undefined
          ? `Put it in quotes: "${String(given)}"`
          : `Write ${wanted} here${given === null ? `, or delete ${name}` : bracketsIn(issue.expected, given)}`;
      return explain(`must be ${wanted}, not ${words.typeOf(given)}`, fix);
    }
    case 'invalid_value':
      return explainOneOf(explain, given, issue.values.map(String), words);
    case 'invalid_format':
      return explain(`must be ${formOf(issue)}${words.instead(given)}`, `Write ${formOf(issue)}`);
    case 'too_small':
      return explain(...sizeWords(issue.origin, 'at least', Number(issue.minimum)));
    case 'too_big':
      return explain(...sizeWords(issue.origin, 'at most', Number(issue.maximum)));
    case 'invalid_key': {
      const form = issue.issues.map(formOf)[0] ?? 'a name';
      const field = { path, message: `this key must be ${form}` };
      return [{ path, part: 'key', message: `the key ${name} must be ${form}`, fix: 'Rename it', field }];
    }
    case 'invalid_union':
      return explainUnion(issue, refused, path);
    case 'not_multiple_of':
    case 'custom':
      return explain(`must be ${issue.message}${words.instead(given)}`, `Write ${issue.message}`);
    case 'invalid_element':
      return explain(`is not valid: ${issue.message}`, 'Correct it');
  }
}

/** What a text must look like that stands at a path; undefined: this one would do. */
function missedForm(schema: z.ZodType, path: Path, text: string): string | undefined {
  const tried = schemasAt(schema, path).map((one) => one.safeParse(text));
  if (tried.some(({ success }) => success)) return undefined;
  const [first] = tried.flatMap(({ error }) => error?.issues ?? []);
  return first?.code === 'invalid_format' ? formOf(first) : undefined;
}

/** `title: {name}` is a block to YAML. */
function bracketsIn(expected: string, given: Json): string {
  return expected === 'string' && typeof given === 'object'
    ? '; text that begins with { or [ must stand in quotes'
    : '';
}

function explainUnknownKey(schema: z.ZodType, path: Path, key: string): Explained {
  // Of several shapes another may have the very key.
  const known = knownKeysAt(schema, path).filter((name) => name !== key);
  const nearest = findNearest(key, known);
  const where = path.length === 0 ? 'here' : `in ${nameOf(path)}`;
  const fix = nearest !== undefined ? `Did you mean "${nearest}"?` : `Delete it; known keys: ${known.join(', ')}`;
  const advice = nearest !== undefined ? `did you mean "${nearest}"?` : `known keys: ${known.join(', ') || 'none'}`;
  return {
    path: [...path, key],
    part: 'key',
    message: `unknown key "${key}" ${where}`,
    fix,
    field: { path: [...path, key], message: `unknown key; ${advice}` },
    ...(nearest === undefined ? {} : { meantKey: JSON.stringify([...path, nearest]) }),
  };
}

function explainOneOf(
  explain: Explain,
  found: Json,
  allowed: readonly string[],
  words: Vocabulary,
): readonly Explained[] {
  // Of two as near ("ireversible"), the later, which is the stricter: classes and gates are listed weakest first.
  const nearest = typeof found === 'string' ? findNearest(found, allowed.toReversed()) : undefined;
  const fix = nearest !== undefined ? `Did you mean "${nearest}"?` : `Write ${listWords(allowed)}`;
  const advice = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  return explain(`must be ${listWords(allowed)}${words.instead(found)}`, fix, advice);
}

/** Of several possible shapes, explains the one that was most likely meant: the one with the least wrong. */
function explainUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  refused: Refused,
  path: Path,
): readonly Explained[] {
  const branches = issue.errors.map((issues) => ({
    explained: issues.flatMap((inner) => explainIssue(inner, refused, path)),
    // A `type:` that names another shape settles which one is not meant.
    weight: issues.reduce((sum, inner) => sum + (inner.code === 'invalid_value' ? 100 : weightOf(inner)), 0),
  }));
  const best = branches.toSorted((a, b) => a.weight - b.weight)[0];
  if (best === undefined || best.weight >= 100) return explainTypes(issue, refused, path);
  return best.explained;
}

/** Every shape asks for another value of the same key: name the values. */
function explainTypes(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  { value, words }: Refused,
  path: Path,
): readonly Explained[] {
  const wanted = issue.errors.flat().filter((inner) => inner.code === 'invalid_value');
  const below = [...path, ...((wanted[0]?.path ?? []) as (string | number)[])];
  const allowed = [...new Set(wanted.flatMap((inner) => inner.values.map(String)))];
  return explainOneOf(explainAt(below), valueAtPath(value, below) ?? null, allowed, words);
}

function weightOf(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
}

/** The schema's own words for its form, where it has any. */
function formOf(issue: Issue): string {
  if (issue.code !== 'invalid_format') return issue.message;
  if (issue.format === 'email') return 'an e-mail address';
  if (issue.format === 'url') return 'a URL such as https://example.com';
  if (issue.format === 'datetime') return 'a time such as 2026-01-31T12:00:00.000Z';
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  const pattern = (issue as { pattern?: string }).pattern ?? '';
  return `text of the form ${pattern.replace(/^\/|\/[a-z]*$/g, '')}`;
}

/** What a field that is missing would have to be. */
function wantedBy(issue: Issue, { types }: Vocabulary): string {
  if (issue.code === 'invalid_value') return listWords(issue.values.map(String));
  if (issue.code === 'invalid_type') return types[issue.expected] ?? issue.expected;
  return issue.code === 'custom' ? issue.message : 'a value';
}

function sizeWords(origin: string, bound: 'at least' | 'at most', limit: number): [string, string] {
  const more = bound === 'at least';
  if (more && limit === 1 && origin === 'string') return ['must not be empty', 'Write something, or leave it out'];
  if (origin === 'array') {
    const count = `${limit} ${limit === 1 ? 'entry' : 'entries'}`;
    return [`must have ${bound} ${count}`, more ? 'Add what is missing' : 'Remove some'];
  }
  if (origin === 'string') {
    const count = `${limit} ${limit === 1 ? 'character' : 'characters'}`;
    return [`must have ${bound} ${count}`, more ? 'Write more' : 'Make it shorter'];
  }
  return [`must be ${bound} ${limit}`, `Write ${limit} or ${more ? 'more' : 'less'}`];
}

/** `quorum`, or `entry 2 of levels`, counted from 1 as people do. */
function nameOf(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'the file';
  if (typeof last === 'string') return last;
  const list = path.at(-2);
  return `entry ${last + 1}${typeof list === 'string' ? ` of ${list}` : ''}`;
}

function describeValue(value: Json): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') return value.length > 60 ? `"${value.slice(0, 57)}…"` : `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'a block of keys';
}

/** What of zod's own description of a schema is looked at here. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}
const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition;

/** Keys that the schema allows in the object at a path. Empty: any. */
export function knownKeysAt(schema: z.ZodType, path: Path): readonly string[] {
  const keys = schemasAt(schema, path).flatMap((found) => Object.keys(definitionOf(found).shape ?? {}));
  return [...new Set(keys)];
}

/** The schemas that may apply at a path (several where a union stands on the way). */
function schemasAt(schema: z.ZodType, path: Path): readonly z.ZodType[] {
  const { type, shape, element, valueType, innerType, options } = definitionOf(schema);
  if (type === 'optional' && innerType !== undefined) return schemasAt(innerType, path);
  if (type === 'union' && options !== undefined) return options.flatMap((option) => schemasAt(option, path));
  const [step, ...rest] = path;
  if (step === undefined) return [schema];
  const next = shape !== undefined ? shape[String(step)] : (element ?? valueType);
  return next === undefined ? [] : schemasAt(next, rest);
}

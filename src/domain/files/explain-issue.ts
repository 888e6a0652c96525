import type { z } from 'zod';
import type { Json } from '../../contract/json.ts';
import { findNearest, listWords } from './nearest.ts';
import type { Path } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

/** A schema's complaint in plain words. */
export interface Explained {
  readonly path: Path;
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly fix: string;
  /** JSON text of the path of a key that is missing, or that an unknown key was probably meant to be. */
  readonly missingKey?: string;
  readonly meantKey?: string;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of keys',
  record: 'a block of keys',
};

/** Explains every issue of a refused value. `schema` and `value` are the whole file's. */
export function explainIssues(error: z.ZodError, schema: z.ZodType, value: Json): readonly Explained[] {
  const explained = error.issues.flatMap((issue) => explainIssue(issue, schema, value, []));
  // A misspelt key is both unknown and missing; saying it once is enough.
  const meant = new Set(explained.flatMap(({ meantKey }) => meantKey ?? []));
  return explained.filter(({ missingKey }) => missingKey === undefined || !meant.has(missingKey));
}

function explainIssue(issue: Issue, schema: z.ZodType, value: Json, above: Path): readonly Explained[] {
  const path = [...above, ...(issue.path as (string | number)[])];
  const name = nameOf(path);
  const found = valueAt(value, path);
  const explain = (message: string, fix: string): readonly Explained[] => [{ path, part: 'value', message, fix }];

  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => explainUnknownKey(schema, path, key));
  if (found === undefined) {
    const missingKey = JSON.stringify(path);
    const fix = `Add ${name}: ${hintOf(issue)}`;
    return [{ path: path.slice(0, -1), part: 'key', message: `${name} is missing`, fix, missingKey }];
  }
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = TYPES[issue.expected] ?? issue.expected;
      const fix =
        issue.expected === 'string' && (typeof found === 'number' || typeof found === 'boolean')
          ? `Put it in quotes: "${String(found)}"`
          : `Write ${wanted} here${found === null ? `, or delete ${name}` : ''}`;
      return explain(`${name} must be ${wanted}, not ${describe(found)}`, fix);
    }
    case 'invalid_value':
      return explainOneOf(explain, name, found, issue.values.map(String));
    case 'invalid_format':
      return explain(`${name} cannot be ${describe(found)}`, `Write ${formOf(issue)}`);
    case 'too_small':
      return explain(...sizeWords(name, issue.origin, 'at least', Number(issue.minimum)));
    case 'too_big':
      return explain(...sizeWords(name, issue.origin, 'at most', Number(issue.maximum)));
    case 'invalid_key': {
      const form = issue.issues.map(formOf)[0] ?? 'a name';
      return [{ path, part: 'key', message: `the key ${name} must be ${form}`, fix: 'Rename it' }];
    }
    case 'invalid_union':
      return explainUnion(issue, schema, value, path);
    case 'not_multiple_of':
    case 'custom':
      return explain(`${name} must be ${issue.message}, not ${describe(found)}`, `Write ${issue.message}`);
    case 'invalid_element':
      return explain(`${name} is not valid: ${issue.message}`, 'Correct it');
  }
}

function explainUnknownKey(schema: z.ZodType, path: Path, key: string): Explained {
  const known = knownKeysAt(schema, path);
  const nearest = findNearest(key, known);
  const where = path.length === 0 ? 'here' : `in ${nameOf(path)}`;
  return {
    path: [...path, key],
    part: 'key',
    message: `unknown key "${key}" ${where}`,
    fix: nearest !== undefined ? `Did you mean "${nearest}"?` : `Delete it; known keys: ${known.join(', ')}`,
    ...(nearest === undefined ? {} : { meantKey: JSON.stringify([...path, nearest]) }),
  };
}

function explainOneOf(
  explain: (message: string, fix: string) => readonly Explained[],
  name: string,
  found: Json,
  allowed: readonly string[],
): readonly Explained[] {
  // Of two as near ("ireversible"), the later, which is the stricter: classes and gates are listed weakest first.
  const nearest = typeof found === 'string' ? findNearest(found, allowed.toReversed()) : undefined;
  const fix = nearest !== undefined ? `Did you mean "${nearest}"?` : `Write ${listWords(allowed)}`;
  return explain(`${name} must be ${listWords(allowed)}, not ${describe(found)}`, fix);
}

/** Of several possible shapes, explains the one that was most likely meant: the one with the least wrong. */
function explainUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  schema: z.ZodType,
  value: Json,
  path: Path,
): readonly Explained[] {
  const branches = issue.errors.map((issues) => ({
    explained: issues.flatMap((inner) => explainIssue(inner, schema, value, path)),
    // A `type:` that names another shape settles which one is not meant.
    weight: issues.reduce((sum, inner) => sum + (inner.code === 'invalid_value' ? 100 : weightOf(inner)), 0),
  }));
  const best = branches.toSorted((a, b) => a.weight - b.weight)[0];
  if (best === undefined || best.weight >= 100) return explainTypes(issue, value, path);
  return best.explained;
}

/** Every shape asks for another value of the same key: name the values. */
function explainTypes(issue: Extract<Issue, { code: 'invalid_union' }>, value: Json, path: Path): readonly Explained[] {
  const wanted = issue.errors.flat().filter((inner) => inner.code === 'invalid_value');
  const below = [...path, ...((wanted[0]?.path ?? []) as (string | number)[])];
  const allowed = [...new Set(wanted.flatMap((inner) => inner.values.map(String)))];
  const explain = (message: string, fix: string): readonly Explained[] => [
    { path: below, part: 'value', message, fix },
  ];
  return explainOneOf(explain, nameOf(below), valueAt(value, below) ?? null, allowed);
}

function weightOf(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
}

/** The schema's own words for its form, where it has any. */
function formOf(issue: Issue): string {
  if (issue.code !== 'invalid_format') return issue.message;
  if (issue.format === 'email') return 'an e-mail address';
  if (issue.format === 'url') return 'a URL such as https://example.com';
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  const pattern = (issue as { pattern?: string }).pattern ?? '';
  return `text of the form ${pattern.replace(/^\/|\/[a-z]*$/g, '')}`;
}

function hintOf(issue: Issue): string {
  if (issue.code === 'invalid_value') return listWords(issue.values.map(String));
  if (issue.code === 'invalid_type') return `<${TYPES[issue.expected] ?? issue.expected}>`;
  return '<value>';
}

function sizeWords(name: string, origin: string, bound: 'at least' | 'at most', limit: number): [string, string] {
  const more = bound === 'at least';
  if (origin === 'array') {
    const count = `${limit} ${limit === 1 ? 'entry' : 'entries'}`;
    return [`${name} must have ${bound} ${count}`, more ? 'Add what is missing' : 'Remove some'];
  }
  if (origin === 'string') {
    const count = `${limit} ${limit === 1 ? 'character' : 'characters'}`;
    return [`${name} must have ${bound} ${count}`, more ? 'Write more' : 'Make it shorter'];
  }
  return [`${name} must be ${bound} ${limit}`, `Write ${limit} or ${more ? 'more' : 'less'}`];
}

/** `quorum`, or `entry 2 of levels`, counted from 1 as people do. */
function nameOf(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'the file';
  if (typeof last === 'string') return last;
  const list = path.at(-2);
  return `entry ${last + 1}${typeof list === 'string' ? ` of ${list}` : ''}`;
}

function describe(value: Json): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') return value.length > 60 ? `"${value.slice(0, 57)}…"` : `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'a block of keys';
}

function valueAt(value: Json, path: Path): Json | undefined {
  let at: Json | undefined = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, Json>)[step];
  }
  return at;
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

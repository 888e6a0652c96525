import type { Json, JsonObject } from '../../contract/json.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { changeKind, draftOf, type Draft, type Kind, type ObjectDraft } from './draft.ts';

/**
 * What a form takes from a JSON Schema to help with: kinds of values, choices, members that are not there. It decides
 * nothing. A schema may be an upstream server's, so references may go in circles, and keywords may hold anything.
 */
export interface Hints {
  /** All of them where the schema does not say. */
  readonly kinds: readonly Kind[];
  /** The values that it may have; undefined: any. */
  readonly choices: readonly Json[] | undefined;
  readonly description: string | undefined;
  /** Names of members that it knows, in its order. */
  readonly names: readonly string[];
  readonly required: ReadonlySet<string>;
  /** Members of other names may be there. */
  readonly isOpen: boolean;
  member(name: string): Hints;
  item(index: number): Hints;
}

const EVERY: readonly Kind[] = ['text', 'number', 'boolean', 'null', 'list', 'object'];
const KIND_OF_TYPE: Readonly<Record<string, Kind>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
  array: 'list',
  object: 'object',
};

export function hintsOf(schema: JsonObject | null): Hints {
  return hintsAt(schema ?? {}, schema ?? {});
}

function hintsAt(schema: Json | undefined, root: JsonObject): Hints {
  const parts = partsOf(schema, root, new Set());
  const propertiesOf = (part: JsonObject): JsonObject => objectAt(part, 'properties');
  const choices = choicesOf(schema, root, 0);
  return {
    kinds: kindsOf(schema, root, 0),
    choices: choices !== undefined && choices.length > 0 ? choices : undefined,
    description: parts.map((part) => part['description']).find((text) => typeof text === 'string'),
    names: [...new Set(parts.flatMap((part) => Object.keys(propertiesOf(part))))],
    required: new Set(partsOf(schema, root, new Set(), ['allOf']).flatMap((part) => textsAt(part, 'required'))),
    isOpen: !parts.some((part) => part['additionalProperties'] === false),
    member: (name) => {
      const named = parts.find((part) => Object.hasOwn(propertiesOf(part), name));
      const others = parts.find((part) => isJsonObject(part['additionalProperties']));
      return hintsAt(named === undefined ? others?.['additionalProperties'] : propertiesOf(named)[name], root);
    },
    item: (index) => {
      const first = parts.map((part) => listAt(part, 'prefixItems')[index]).find((part) => part !== undefined);
      return hintsAt(first ?? parts.find((part) => isJsonObject(part['items']))?.['items'], root);
    },
  };
}

/** A new value: the first that it may have, or an empty one of its first kind. */
export function emptyDraft({ choices, kinds }: Hints): Draft {
  const first = choices?.[0];
  return first === undefined ? changeKind({ kind: 'null' }, kinds[0] ?? 'text') : draftOf(first);
}

/** With the members that it must have. Theirs are not filled: a schema may require itself. */
export function emptyObject(hints: Hints): ObjectDraft {
  const names = hints.names.filter((name) => hints.required.has(name));
  return { kind: 'object', members: names.map((name) => ({ name, draft: emptyDraft(hints.member(name)) })) };
}

const ALTERNATIVES = ['anyOf', 'oneOf'] as const;

/** The schema itself, what it refers to, and what it is made of. */
function partsOf(
  schema: Json | undefined,
  root: JsonObject,
  seen: Set<Json>,
  keywords: readonly string[] = ['allOf', ...ALTERNATIVES],
): readonly JsonObject[] {
  if (!isJsonObject(schema) || seen.has(schema)) return [];
  seen.add(schema);
  const inner = [...referred(schema, root), ...keywords.flatMap((keyword) => listAt(schema, keyword))];
  return [schema, ...inner.flatMap((part) => partsOf(part, root, seen, keywords))];
}

/** Further than this no hint is looked for. */
const DEEPEST = 8;

function kindsOf(schema: Json | undefined, root: JsonObject, depth: number): readonly Kind[] {
  if (!isJsonObject(schema) || depth > DEEPEST) return EVERY;
  const types = typeof schema['type'] === 'string' ? [schema['type']] : textsAt(schema, 'type');
  const own = types.flatMap((type) => (Object.hasOwn(KIND_OF_TYPE, type) ? (KIND_OF_TYPE[type] ?? []) : []));
  if (own.length > 0) return [...new Set(own)];
  for (const keyword of ALTERNATIVES) {
    const kinds = new Set(listAt(schema, keyword).flatMap((part) => kindsOf(part, root, depth + 1)));
    if (kinds.size > 0 && kinds.size < EVERY.length) return [...kinds];
  }
  const others = [...referred(schema, root), ...listAt(schema, 'allOf')];
  return others.map((part) => kindsOf(part, root, depth + 1)).find((kinds) => kinds.length < EVERY.length) ?? EVERY;
}

function choicesOf(schema: Json | undefined, root: JsonObject, depth: number): readonly Json[] | undefined {
  if (!isJsonObject(schema) || depth > DEEPEST) return undefined;
  if (schema['const'] !== undefined) return [schema['const']];
  if (Array.isArray(schema['enum'])) return schema['enum'] as readonly Json[];
  for (const keyword of ALTERNATIVES) {
    const choices = listAt(schema, keyword).map((part) => choicesOf(part, root, depth + 1));
    if (choices.length > 0 && !choices.includes(undefined)) return choices.flatMap((some) => some ?? []);
  }
  const others = [...referred(schema, root), ...listAt(schema, 'allOf')];
  return others.map((part) => choicesOf(part, root, depth + 1)).find((choices) => choices !== undefined);
}

function referred(schema: JsonObject, root: JsonObject): readonly Json[] {
  const { $ref: reference } = schema;
  if (typeof reference !== 'string') return [];
  const [, keyword = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) ?? [];
  const definition = objectAt(root, keyword)[name];
  return definition === undefined ? [] : [definition];
}

function objectAt(schema: JsonObject, keyword: string): JsonObject {
  const value = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
  return isJsonObject(value) ? value : {};
}

function listAt(schema: JsonObject, keyword: string): readonly Json[] {
  const value = schema[keyword];
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function textsAt(schema: JsonObject, keyword: string): readonly string[] {
  return listAt(schema, keyword).filter((part): part is string => typeof part === 'string');
}

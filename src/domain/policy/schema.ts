import type { Json, JsonObject } from '../../contract/json.ts';
import { refusePattern } from './cel-check.ts';
import { isJsonObject, parsePointer } from '../json/pointer.ts';

/** What is wrong at a place in a JSON Schema. */
export interface SchemaFinding {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly fix: string;
}
type At = readonly (string | number)[];

/** Keywords that hold data, not schemas. */
export const DATA = new Set(['const', 'enum', 'default', 'examples']);
const MAX_UNIQUE_ITEMS = 1_000;

/**
 * What the standard allows and a gate must not: the proposer chooses the values, so nothing may take more than linear
 * time. Patterns are RE2, `uniqueItems` (quadratic) is bounded, references stay inside `$defs` and do not recurse.
 */
export function findUnboundedSchemas(schema: JsonObject): readonly SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  visitSchemas(schema, [], (part, at) => findings.push(...findInPart(part, at, schema)));
  return findings;
}

function findInPart(part: JsonObject, at: At, root: JsonObject): readonly SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  const find = (keyword: string, message: string, fix: string): void => {
    findings.push({ path: [...at, keyword], message, fix });
  };
  const patterns = [
    part['pattern'],
    ...Object.keys(isJsonObject(part['patternProperties']) ? part['patternProperties'] : {}),
  ];
  for (const pattern of patterns) {
    const refusal = typeof pattern === 'string' ? refusePattern(pattern) : undefined;
    if (refusal === undefined) continue;
    const keyword = pattern === part['pattern'] ? 'pattern' : 'patternProperties';
    find(keyword, `invalid pattern: ${refusal}`, 'Use RE2 syntax: no look-around, no back-references');
  }
  const { uniqueItems, maxItems } = part;
  if (uniqueItems === true && !(typeof maxItems === 'number' && maxItems <= MAX_UNIQUE_ITEMS)) {
    find(
      'uniqueItems',
      'uniqueItems compares every item with every other',
      `Add maxItems: ${MAX_UNIQUE_ITEMS} or less`,
    );
  }
  for (const keyword of ['$dynamicRef', '$dynamicAnchor', '$anchor', '$id']) {
    if (part[keyword] !== undefined) find(keyword, `${keyword} is not supported`, 'Refer to #/$defs/… with $ref');
  }
  const { $ref: reference } = part;
  if (typeof reference === 'string' && definitionNamed(reference, root) === undefined) {
    find('$ref', `unknown definition ${reference}`, 'Define it under $defs of the same schema: #/$defs/name');
  } else if (typeof reference === 'string' && recurs(reference, root, new Set(), new Set())) {
    find('$ref', `the definition ${reference} contains itself`, 'Write out as many levels as you need');
  }
  return findings;
}

function recurs(reference: string, root: JsonObject, above: ReadonlySet<string>, cleared: Set<string>): boolean {
  if (above.has(reference)) return true;
  if (cleared.has(reference)) return false;
  const definition = definitionNamed(reference, root);
  let found = false;
  visitSchemas(definition ?? {}, [], ({ $ref }) => {
    found ||= typeof $ref === 'string' && recurs($ref, root, new Set([...above, reference]), cleared);
  });
  cleared.add(reference);
  return found;
}

export function definitionNamed(reference: string, root: JsonObject): JsonObject | undefined {
  const { $defs: definitions } = root;
  const name = /^#\/\$defs\/([^/~%]+)$/.exec(reference)?.[1];
  const found = name === undefined || !isJsonObject(definitions) ? undefined : definitions[name];
  return isJsonObject(found) ? found : undefined;
}

/** Keywords whose value maps names to schemas. */
export const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

function visitSchemas(part: Json | undefined, at: At, visit: (part: JsonObject, at: At) => void): void {
  if (Array.isArray(part)) part.forEach((item: Json, index) => visitSchemas(item, [...at, index], visit));
  if (!isJsonObject(part)) return;
  visit(part, at);
  for (const [keyword, value] of Object.entries(part)) {
    if (NAMED.has(keyword) && isJsonObject(value)) {
      for (const [name, named] of Object.entries(value)) visitSchemas(named, [...at, keyword, name], visit);
    } else if (!DATA.has(keyword)) visitSchemas(value, [...at, keyword], visit);
  }
}

/** Keywords through which another schema would look at the value from above and refuse its sealed form. */
const LOOKING = ['$ref', 'anyOf', 'oneOf', 'not', 'if', 'const', 'enum', 'patternProperties', 'dependentSchemas'];

/** Why a `seal` pointer cannot be honoured by a schema; undefined where it can. */
export function refuseSealPointer(schema: JsonObject | undefined, pointer: string): string | undefined {
  if (schema === undefined) return 'the tool has no schema of arguments that declares it';
  const found = resolve(schema, parsePointer(pointer));
  if (found === 'missing') return 'the schema of arguments does not declare it under properties';
  return found === 'declared' ? undefined : `${found} above it would read the sealed form`;
}

type Resolution = 'declared' | 'missing' | (typeof LOOKING)[number];

function resolve(schema: JsonObject, [step, ...rest]: readonly string[]): Resolution {
  if (step === undefined) return 'declared';
  const looking = LOOKING.find((keyword) => schema[keyword] !== undefined);
  if (looking !== undefined) return looking;
  const { properties, allOf } = schema;
  const next = isJsonObject(properties) ? properties[step] : undefined;
  const branches = [
    ...(isJsonObject(next) ? [resolve(next, rest)] : []),
    ...(Array.isArray(allOf) ? allOf.filter(isJsonObject).map((part) => resolve(part, [step, ...rest])) : []),
  ];
  return (
    branches.find((found) => found !== 'declared' && found !== 'missing') ??
    branches.find((found) => found === 'declared') ??
    'missing'
  );
}

/** Where a schema says `fold: ascii`. */
export interface Folds {
  /** The value itself, if it is text. */
  readonly text: boolean;
  readonly properties: ReadonlyMap<string, Folds>;
  /** Any other key. */
  readonly others: Folds | undefined;
  readonly items: Folds | undefined;
}

/** Undefined where nothing in it is folded. */
export function foldsOf(schema: Json | undefined, root = schema): Folds | undefined {
  if (!isJsonObject(schema) || !isJsonObject(root)) return undefined;
  const { $ref: reference, properties, patternProperties, additionalProperties, items, prefixItems } = schema;
  const within = (part: Json | undefined): Folds | undefined => foldsOf(part, root);
  const named = Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([name, part]) => {
    const folds = within(part);
    return folds === undefined ? [] : [[name, folds] as const];
  });
  const others = [
    additionalProperties,
    schema['unevaluatedProperties'],
    ...Object.values(isJsonObject(patternProperties) ? patternProperties : {}),
  ];
  const elements = [
    items,
    schema['unevaluatedItems'],
    schema['contains'],
    ...(Array.isArray(prefixItems) ? prefixItems : []),
  ];
  const own: Folds = {
    text: schema['fold'] === 'ascii',
    properties: new Map(named),
    others: merge(others.map(within)),
    items: merge(elements.map(within)),
  };
  const besides = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) => {
    const parts = schema[keyword];
    return Array.isArray(parts) ? parts.map(within) : [];
  });
  const dependent = schema['dependentSchemas'];
  besides.push(...Object.values(isJsonObject(dependent) ? dependent : {}).map(within));
  // A reference never recurs: the schema was refused if it does.
  const referred = typeof reference === 'string' ? within(definitionNamed(reference, root)) : undefined;
  const all = merge([own, referred, ...['if', 'then', 'else'].map((keyword) => within(schema[keyword])), ...besides]);
  return all === undefined || !foldsAnything(all) ? undefined : all;
}

function foldsAnything({ text, properties, others, items }: Folds): boolean {
  return text || properties.size > 0 || others !== undefined || items !== undefined;
}

function merge(all: readonly (Folds | undefined)[]): Folds | undefined {
  return all.reduce((a, b) => {
    if (a === undefined || b === undefined) return a ?? b;
    const names = new Set([...a.properties.keys(), ...b.properties.keys()]);
    const properties = [...names].flatMap((name) => {
      const both = merge([a.properties.get(name), b.properties.get(name)]);
      return both === undefined ? [] : [[name, both] as const];
    });
    return {
      text: a.text || b.text,
      properties: new Map(properties),
      others: merge([a.others, b.others]),
      items: merge([a.items, b.items]),
    };
  }, undefined);
}

/** A schema as it is told to models: some of their APIs refuse keywords that they do not know. */
export function withoutFolds(schema: JsonObject): JsonObject {
  const strip = (value: Json, isSchema: boolean): Json => {
    if (Array.isArray(value)) return value.map((part) => strip(part, isSchema));
    if (!isJsonObject(value)) return value;
    const kept = Object.entries(value).filter(([key]) => !(isSchema && key === 'fold'));
    // Below `properties` and its like the keys are names of arguments, which may well be "fold".
    return Object.fromEntries(
      kept.map(([key, part]) => [key, DATA.has(key) && isSchema ? part : strip(part, !(isSchema && NAMED.has(key)))]),
    );
  };
  return strip(schema, true) as JsonObject;
}

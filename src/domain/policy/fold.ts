import type { Json, JsonObject } from '../../contract/json.ts';
import { EvaluationError } from './cel-cost.ts';
import { isObject } from './is-object.ts';
import { DATA, definitionNamed, NAMED } from './schema-rules.ts';

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
  if (!isObject(schema) || !isObject(root)) return undefined;
  const { $ref: reference, properties, patternProperties, additionalProperties, items, prefixItems } = schema;
  const within = (part: Json | undefined): Folds | undefined => foldsOf(part, root);
  const named = Object.entries(isObject(properties) ? properties : {}).flatMap(([name, part]) => {
    const folds = within(part);
    return folds === undefined ? [] : [[name, folds] as const];
  });
  const others = [
    additionalProperties,
    schema['unevaluatedProperties'],
    ...Object.values(isObject(patternProperties) ? patternProperties : {}),
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
  besides.push(...Object.values(isObject(dependent) ? dependent : {}).map(within));
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
    if (!isObject(value)) return value;
    const kept = Object.entries(value).filter(([key]) => !(isSchema && key === 'fold'));
    // Below `properties` and its like the keys are names of arguments, which may well be "fold".
    return Object.fromEntries(
      kept.map(([key, part]) => [key, DATA.has(key) && isSchema ? part : strip(part, !(isSchema && NAMED.has(key)))]),
    );
  };
  return strip(schema, true) as JsonObject;
}

/**
 * A text as it is compared where letter case does not count. What is not ASCII has no agreed folding, and could be drawn
 * like what is.
 */
export function foldAscii(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new EvaluationError('a value that is compared with fold: ascii is not ASCII');
  return text.toLowerCase();
}

/** A whole value that is compared; targets differ in whether `production ` is `production`. */
export function foldValue(text: string): string {
  if (text.startsWith(' ') || text.endsWith(' ')) {
    throw new EvaluationError('a value that is compared with fold: ascii begins or ends with a blank');
  }
  return foldAscii(text);
}

import type { Json, JsonObject } from '../../contract/json.ts';
import { matchesPatternOf } from './cel-check.ts';
import { definitionNamed } from './schema.ts';
import { isJsonObject } from '../json/pointer.ts';

/**
 * What a schema says of a value that a condition reads there. `open`: it lets in other keys, or values of any type, so a
 * caller can write the same thing in a way that the condition does not know.
 */
export type ReadFinding = 'closed' | 'open' | 'unknown' | 'free_text';

/** What is known of `arguments.a.b` under the schema of a tool. */
export function judgeRead(
  schema: JsonObject | undefined,
  path: readonly string[],
  looksAt: 'presence' | 'size' | 'value',
): ReadFinding {
  let at: Json | undefined = schema;
  const root = schema ?? {};
  for (const key of path) {
    // `"a" in arguments.list` looks at elements, not for a key.
    if (typesOf(at, root)?.includes('array') === true) return judgeValue(at, root);
    if (!isClosed(at, root)) return 'open';
    if (!allowsKey(at, key, root)) return 'unknown';
    at = propertyOf(at, key, root);
  }
  if (looksAt === 'presence') return 'closed';
  if (looksAt === 'size') return typesOf(at, root) === undefined ? 'open' : 'closed';
  return judgeValue(at, root);
}

function judgeValue(schema: Json | undefined, root: JsonObject): ReadFinding {
  if (!isTyped(schema, root)) return 'open';
  return isFreeText(schema, root) ? 'free_text' : 'closed';
}

/** Schemas that all apply to the same value. */
function layersOf(schema: Json | undefined, root: JsonObject): readonly JsonObject[] {
  if (!isJsonObject(schema)) return [];
  const { $ref: reference, allOf } = schema;
  const referred = typeof reference === 'string' ? definitionNamed(reference, root) : undefined;
  const parts = [...(Array.isArray(allOf) ? allOf : []), ...(referred === undefined ? [] : [referred])];
  return [schema, ...parts.flatMap((part) => layersOf(part, root))];
}

/** The schemas of which one applies, by keyword. */
function choicesOf(layer: JsonObject): readonly (readonly Json[])[] {
  return ['anyOf', 'oneOf'].flatMap((keyword) => {
    const choices = layer[keyword];
    return Array.isArray(choices) ? [choices as readonly Json[]] : [];
  });
}

function someLayer(schema: Json | undefined, root: JsonObject, test: (layer: JsonObject) => boolean): boolean {
  const holds = (layer: JsonObject): boolean =>
    test(layer) || choicesOf(layer).some((choices) => choices.every((choice) => someLayer(choice, root, test)));
  return layersOf(schema, root).some(holds);
}

function isClosed(schema: Json | undefined, root: JsonObject): boolean {
  return someLayer(
    schema,
    root,
    ({ additionalProperties, unevaluatedProperties }) =>
      additionalProperties === false || unevaluatedProperties === false,
  );
}

function allowsKey(schema: Json | undefined, key: string, root: JsonObject): boolean {
  const layers = layersOf(schema, root);
  const refused = layers.some((layer) => layer['additionalProperties'] === false && !names(layer, key));
  return !refused && propertyOf(schema, key, root) !== undefined;
}

function names({ properties, patternProperties }: JsonObject, key: string): boolean {
  const patterns = isJsonObject(patternProperties) ? Object.keys(patternProperties) : [];
  return (
    (isJsonObject(properties) && Object.hasOwn(properties, key)) || patterns.some((one) => matchesPatternOf(one, key))
  );
}

/** All that a schema says of one of its keys, as a schema. */
function propertyOf(schema: Json | undefined, key: string, root: JsonObject): Json | undefined {
  const found = layersOf(schema, root).flatMap((layer): readonly Json[] => {
    const { properties, patternProperties } = layer;
    const own = isJsonObject(properties) && Object.hasOwn(properties, key) ? [properties[key] as Json] : [];
    const patterns = Object.entries(isJsonObject(patternProperties) ? patternProperties : {})
      .filter(([pattern]) => matchesPatternOf(pattern, key))
      .map(([, part]) => part);
    const chosen = choicesOf(layer).flatMap((choices) => {
      const parts = choices.flatMap((choice) => propertyOf(choice, key, root) ?? []);
      return parts.length === 0 ? [] : [{ anyOf: parts }];
    });
    return [...own, ...patterns, ...chosen];
  });
  return found.length === 0 ? undefined : { allOf: found };
}

/** All arguments that a schema names at one place, each with all that is said of it, as a schema. */
export function propertiesOf(schema: Json | undefined, root: JsonObject): ReadonlyMap<string, Json> {
  const named = (part: Json): readonly string[] =>
    layersOf(part, root).flatMap((layer) => [
      ...Object.keys(isJsonObject(layer['properties']) ? layer['properties'] : {}),
      ...choicesOf(layer).flat().flatMap(named),
    ]);
  return new Map(named(schema ?? {}).map((name) => [name, propertyOf(schema, name, root) ?? {}]));
}

/** Types that a value may have; undefined: any. */
export function typesOf(schema: Json | undefined, root: JsonObject): readonly string[] | undefined {
  for (const layer of layersOf(schema, root)) {
    const { type, enum: values } = layer;
    const listed = 'const' in layer ? [layer['const'] as Json] : Array.isArray(values) ? (values as Json[]) : undefined;
    if (typeof type === 'string') return [type];
    if (Array.isArray(type)) return type as readonly string[];
    if (listed !== undefined) return listed.some((value) => typeof value === 'object') ? undefined : ['scalar'];
    for (const choices of choicesOf(layer)) {
      const types = choices.map((choice) => typesOf(choice, root));
      if (types.every((one) => one !== undefined)) return types.flat();
    }
  }
  return undefined;
}

/** Whether every value in it has a type, and every object names its keys. */
function isTyped(schema: Json | undefined, root: JsonObject): boolean {
  if (someLayer(schema, root, (layer) => 'const' in layer || 'enum' in layer)) return true;
  const types = typesOf(schema, root);
  if (types === undefined) return false;
  const layers = [...layersOf(schema, root)];
  if (types.includes('array') && !someLayer(schema, root, ({ items }) => items === false || isTyped(items, root))) {
    return false;
  }
  if (types.includes('array') && layers.some((layer) => !firstItemsOf(layer).every((item) => isTyped(item, root)))) {
    return false;
  }
  if (!types.includes('object')) return true;
  const keys = layers.flatMap(({ properties }) => (isJsonObject(properties) ? Object.keys(properties) : []));
  return isClosed(schema, root) && keys.every((key) => isTyped(propertyOf(schema, key, root), root));
}

function firstItemsOf({ prefixItems }: JsonObject): readonly Json[] {
  return Array.isArray(prefixItems) ? (prefixItems as readonly Json[]) : [];
}

function elementsOf(layer: JsonObject): readonly (Json | undefined)[] {
  return [layer['items'], ...firstItemsOf(layer)];
}

const NARROWS = ['enum', 'const', 'pattern', 'fold'];

/** Text of any spelling, or something that holds such. */
function isFreeText(schema: Json | undefined, root: JsonObject): boolean {
  const types = typesOf(schema, root) ?? [];
  if (types.includes('string')) return !someLayer(schema, root, (layer) => NARROWS.some((keyword) => keyword in layer));
  const layers = layersOf(schema, root);
  if (types.includes('array') && layers.some((layer) => elementsOf(layer).some((item) => isFreeText(item, root))))
    return true;
  const keys = layers.flatMap(({ properties }) => (isJsonObject(properties) ? Object.keys(properties) : []));
  return keys.some((key) => isFreeText(propertyOf(schema, key, root), root));
}

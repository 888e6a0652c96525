import type { Json, JsonObject } from '../../contract/json.ts';

/** Where a value stands that cannot be read here, by keys from the top. */
export type SealedPath = readonly string[];

/**
 * Sealed values, each by the way to it. One inside a list stands for its list: elements that move or go would take the
 * wrong one with them.
 */
export function sealedPaths(value: Json, path: SealedPath = []): readonly SealedPath[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.some((item) => sealedPaths(item, path).length > 0) ? [path] : [];
  if (Object.hasOwn(value, '$sealed')) return [path];
  return Object.entries(value).flatMap(([key, inner]) => sealedPaths(inner, [...path, key]));
}

/** The arguments without what is sealed: what a person can edit. */
export function withoutSealed(args: JsonObject, paths: readonly SealedPath[]): JsonObject {
  return paths.reduce<JsonObject>((rest, path) => removeAt(rest, path), args);
}

/** What was sealed put back, each at its own place, whatever was written there meanwhile. */
export function withSealed(edited: JsonObject, args: JsonObject, paths: readonly SealedPath[]): JsonObject {
  return paths.reduce<JsonObject>((whole, path) => {
    const value = path.reduce<Json | undefined>((inner, key) => member(inner, key), args);
    return value === undefined ? whole : putAt(whole, path, value);
  }, edited);
}

/** A schema that asks for nothing at the places that are sealed. What it does not follow, the server checks. */
export function schemaWithoutSealed(schema: JsonObject, paths: readonly SealedPath[]): JsonObject {
  return paths.reduce<JsonObject>((rest, path) => forget(rest, path, rest, 0), schema);
}

/** A schema may refer to itself, more than once. */
const DEEPEST = 10;
const IN_LISTS = ['allOf', 'anyOf', 'oneOf'] as const;
const ALONE = ['if', 'then', 'else'] as const;

function forget(schema: JsonObject, path: SealedPath, root: JsonObject, depth: number): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined || depth > DEEPEST) return schema;
  const again = (inner: Json, way: SealedPath): Json => (isObject(inner) ? forget(inner, way, root, depth + 1) : inner);
  const { $ref, ...own } = schema;
  const referred = typeof $ref === 'string' ? lookUp(root, $ref) : undefined;
  const result: Record<string, Json> = { ...(referred === undefined ? schema : { ...referred, ...own }) };
  // It counts members, of which one is not in the form.
  delete result['minProperties'];
  const { properties, required } = result;
  if (isObject(properties) && Object.hasOwn(properties, key)) {
    const { [key]: inner, ...others } = properties;
    result['properties'] = rest.length === 0 ? others : { ...others, [key]: again(inner ?? {}, rest) };
  }
  if (rest.length === 0 && Array.isArray(required)) result['required'] = required.filter((name) => name !== key);
  for (const name of IN_LISTS) {
    const list = result[name];
    if (Array.isArray(list)) result[name] = list.map((inner) => again(inner, path));
  }
  for (const name of ALONE) {
    const inner = result[name];
    if (inner !== undefined) result[name] = again(inner, path);
  }
  return result;
}

/** `#/$defs/name`; other references stay as they are. */
function lookUp(root: JsonObject, ref: string): JsonObject | undefined {
  if (!ref.startsWith('#/')) return undefined;
  const keys = ref
    .slice(2)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const found = keys.reduce<Json | undefined>((inner, key) => member(inner, key), root);
  return isObject(found) ? found : undefined;
}

function removeAt(value: JsonObject, [key, ...rest]: SealedPath): JsonObject {
  if (key === undefined || !Object.hasOwn(value, key)) return value;
  const { [key]: inner, ...others } = value;
  if (rest.length === 0) return others;
  return isObject(inner) ? { ...value, [key]: removeAt(inner, rest) } : value;
}

function putAt(value: JsonObject, [key, ...rest]: SealedPath, put: Json): JsonObject {
  if (key === undefined) return value;
  const inner = member(value, key);
  return { ...value, [key]: rest.length === 0 ? put : putAt(isObject(inner) ? inner : {}, rest, put) };
}

function member(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Json, JsonObject } from '../../contract/json.ts';
import { isJsonObject, valueAt } from '../../domain/json/pointer.ts';
import { refusePattern } from '../../domain/policy/cel-check.ts';
import { clip, visible } from '../../domain/text/visible.ts';

/** Bounds of one tool's schema: the description is untrusted. Beyond them a value may be anything. */
const LIMITS = { depth: 12, schemas: 500, alternatives: 20, values: 200, valueLength: 200, pattern: 500, text: 200 };

/** Formats that the compiler of arguments knows (ajv-formats). */
const FORMATS = new Set(
  'date date-time time duration email hostname ipv4 ipv6 uri uri-reference uuid int32 int64 float double byte binary password'.split(
    ' ',
  ),
);

/** A Schema Object of OpenAPI 3.0 or 3.1 as JSON Schema that a policy file takes. */
export type ConvertSchema = (schema: Json | undefined) => JsonObject;

interface Place {
  readonly depth: number;
  /** References that lead here. */
  readonly above: readonly string[];
}

/**
 * Converts the schemas of one operation. References are followed inside the document only; a schema that contains itself,
 * and what JSON Schema here cannot say, becomes `{}`: any value, which the target judges. Objects are closed, because
 * rules may only read arguments that a schema names.
 */
export function createConverter(document: JsonObject): ConvertSchema {
  let left = LIMITS.schemas;

  function convert(schema: Json | undefined, place: Place): JsonObject {
    if (schema === false) return { not: {} };
    if (!isJsonObject(schema) || left <= 0 || place.depth > LIMITS.depth) return {};
    left -= 1;
    if (typeof schema['$ref'] === 'string') return convertReference(schema, schema['$ref'], place);
    const within = (part: Json | undefined): JsonObject => convert(part, { ...place, depth: place.depth + 1 });
    const { allOf, anyOf, oneOf, nullable } = schema;
    let result = convertOwn(schema, within);
    for (const part of listOf(allOf)) result = merge(result, within(part));
    // The target knows which alternative applies; `anyOf` admits all of them, and never refuses what two of them describe.
    for (const options of [anyOf, oneOf]) {
      if (Array.isArray(options)) result = merge(result, alternatives(options.map((option: Json) => within(option))));
    }
    return nullable === true ? withNull(result) : result;
  }

  function convertReference(schema: JsonObject, reference: string, place: Place): JsonObject {
    const target = place.above.includes(reference) ? undefined : resolveReference(document, reference);
    const found = convert(target, { depth: place.depth + 1, above: [...place.above, reference] });
    return { ...found, ...describe(schema) };
  }

  return (schema) => close(convert(schema, { depth: 0, above: [] }));
}

/** The value that a reference such as `#/components/schemas/Pet` names; undefined outside the document, or where it leads nowhere. */
export function resolveReference(document: JsonObject, reference: string): Json | undefined {
  if (!reference.startsWith('#/')) return undefined;
  try {
    return valueAt(document, decodeURIComponent(reference.slice(1)));
  } catch {
    return undefined;
  }
}

function convertOwn(schema: JsonObject, within: ConvertSchema): JsonObject {
  const types = typesOf(schema);
  const has = (...wanted: readonly string[]): boolean =>
    types.length === 0 || wanted.some((type) => types.includes(type));
  return {
    ...(types.length === 0 ? {} : { type: types.length === 1 ? (types[0] as string) : types }),
    ...convertValues(schema),
    ...(has('string') ? convertText(schema) : {}),
    ...(has('integer', 'number') ? convertNumber(schema) : {}),
    ...(types.includes('array') ? convertList(schema, within) : {}),
    ...(types.includes('object') ? convertObject(schema, within) : {}),
    ...describe(schema),
  };
}

const TYPES: ReadonlySet<Json> = new Set(['string', 'integer', 'number', 'boolean', 'array', 'object', 'null']);

/** As stated, or as the keywords beside it say. */
function typesOf(schema: JsonObject): string[] {
  const stated = listOf(schema['type'] ?? null).filter((type) => TYPES.has(type));
  if (stated.length > 0) return stated as string[];
  const isObject = isJsonObject(schema['properties']) || Array.isArray(schema['required']);
  if (isObject || schema['additionalProperties'] !== undefined) return ['object'];
  if (schema['items'] !== undefined) return ['array'];
  const values = schema['const'] === undefined ? listOf(schema['enum'] ?? null) : [schema['const']];
  if (values.length > 0 && values.every((value) => typeof value === 'string')) return ['string'];
  if (['pattern', 'minLength', 'maxLength'].some((keyword) => schema[keyword] !== undefined)) return ['string'];
  return ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].some(
    (keyword) => schema[keyword] !== undefined,
  )
    ? ['number']
    : [];
}

/** A list of values to choose from, unless some of it could not be written or read. */
function convertValues(schema: JsonObject): JsonObject {
  const values = schema['const'] === undefined ? schema['enum'] : [schema['const']];
  if (!Array.isArray(values) || values.length === 0 || values.length > LIMITS.values) return {};
  const isPlain = (value: Json): boolean =>
    value === null ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && isExact(value)) ||
    (typeof value === 'string' && value.length <= LIMITS.valueLength && visible(value) === value);
  if (!values.every(isPlain)) return {};
  return { enum: [...new Set(values as readonly Json[])] };
}

function convertText(schema: JsonObject): JsonObject {
  const { pattern, format } = schema;
  const isUsable =
    typeof pattern === 'string' &&
    pattern.length <= LIMITS.pattern &&
    visible(pattern) === pattern &&
    refusePattern(pattern) === undefined;
  return {
    ...(isUsable ? { pattern } : {}),
    ...counts(schema, 'minLength', 'maxLength'),
    ...(typeof format === 'string' && FORMATS.has(format) && typesOf(schema).length > 0 ? { format } : {}),
  };
}

function convertNumber(schema: JsonObject): JsonObject {
  const { multipleOf } = schema;
  const bounds = (['minimum', 'maximum'] as const).flatMap((keyword): readonly (readonly [string, number])[] => {
    const exclusive = keyword === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum';
    // In 3.0 `exclusiveMinimum` is true or false, beside `minimum`.
    const [inner, outer] = [schema[keyword], schema[exclusive]];
    return [
      ...(isExact(inner) ? [[outer === true ? exclusive : keyword, inner] as const] : []),
      ...(isExact(outer) ? [[exclusive, outer] as const] : []),
    ];
  });
  return { ...Object.fromEntries(bounds), ...(isExact(multipleOf) && multipleOf > 0 ? { multipleOf } : {}) };
}

function convertList(schema: JsonObject, within: ConvertSchema): JsonObject {
  const { items, maxItems, uniqueItems } = schema;
  const isBounded = typeof maxItems === 'number' && maxItems <= 1_000;
  return {
    ...(items === undefined ? {} : { items: within(items) }),
    ...counts(schema, 'minItems', 'maxItems'),
    ...(uniqueItems === true && isBounded ? { uniqueItems } : {}),
  };
}

function convertObject(schema: JsonObject, within: ConvertSchema): JsonObject {
  const { additionalProperties: others, required } = schema;
  const stated = isJsonObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  const properties = stated.filter(([name, part]) => isArgumentName(name) && !isReadOnly(part as Json));
  const needed = [...new Set(listOf(required ?? null))].filter((name) => typeof name === 'string');
  return {
    ...(needed.length === 0 ? {} : { required: needed }),
    ...(isJsonObject(others) ? { additionalProperties: within(others) } : {}),
    ...(typeof others === 'boolean' ? { additionalProperties: others } : {}),
    ...counts(schema, 'minProperties', 'maxProperties'),
    ...(properties.length === 0
      ? {}
      : { properties: Object.fromEntries(properties.map(([name, part]) => [name, within(part as Json)])) }),
  };
}

/** A name that reads as what it is. */
export function isArgumentName(name: string): boolean {
  return name !== '' && name.length <= 100 && name !== '__proto__' && visible(name) === name;
}

function isReadOnly(schema: Json): boolean {
  return isJsonObject(schema) && schema['readOnly'] === true;
}

/**
 * Closes every object that names its properties. What names none stays open, as it was described. Required is only what
 * can be given: one part of an object may require what another names, or what is read only.
 */
function close(schema: JsonObject): JsonObject {
  const { properties, items, anyOf, additionalProperties, description, required, ...rest } = schema;
  const needed = listOf(required ?? null).filter(
    (name) => typeof name === 'string' && isJsonObject(properties) && Object.hasOwn(properties, name),
  );
  const closeIn = (part: Json): Json => (isJsonObject(part) ? close(part) : part);
  const others =
    additionalProperties === undefined ? (isJsonObject(properties) ? false : undefined) : closeIn(additionalProperties);
  return {
    ...rest,
    ...(needed.length === 0 ? {} : { required: needed }),
    ...(others === undefined ? {} : { additionalProperties: others }),
    ...(isJsonObject(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, part]) => [name, closeIn(part as Json)]),
          ),
        }
      : {}),
    ...(items === undefined ? {} : { items: closeIn(items) }),
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.map(closeIn) } : {}),
    ...(description === undefined ? {} : { description }),
  };
}

function alternatives(options: readonly JsonObject[]): JsonObject {
  const distinct = [...new Map(options.map((option) => [JSON.stringify(option), option])).values()];
  const flat = distinct.flatMap((option) =>
    Array.isArray(option['anyOf']) ? (option['anyOf'] as JsonObject[]) : [option],
  );
  const isOpen = flat.some(({ type, properties, required, description: _, ...others }) => {
    const isOnlyRequired = type === 'object' && properties === undefined && required !== undefined;
    return Object.keys(others).length === 0 && (isOnlyRequired || (type ?? properties ?? required) === undefined);
  });
  if (flat.length === 0 || flat.length > LIMITS.alternatives || isOpen) return {};
  return flat.length === 1 ? (flat[0] as JsonObject) : { anyOf: flat };
}

/** What fits both. Objects are joined, so that they can be closed as one; elsewhere the second says more. */
function merge(one: JsonObject, other: JsonObject): JsonObject {
  const [first, second] = [one, other].map((schema) => schema['anyOf']);
  if (Array.isArray(first)) return alternatives(first.map((option: JsonObject) => merge(option, other)));
  if (Array.isArray(second)) return alternatives(second.map((option: JsonObject) => merge(one, option as JsonObject)));
  const types = [one, other].map(({ type }) => listOf(type ?? null));
  if (!types.every((stated) => stated.includes('object'))) return { ...one, ...other };
  const type = types.every((stated) => stated.includes('null')) ? ['object', 'null'] : 'object';
  const [mine, theirs] = [one, other].map((schema) => schema['properties'] as JsonObject | undefined);
  const properties: Record<string, Json> = { ...mine };
  for (const [name, part] of Object.entries(theirs ?? {})) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    properties[name] = isJsonObject(known) && isJsonObject(part) ? merge(known, part) : (part as Json);
  }
  const required = [...new Set([...listOf(one['required'] ?? null), ...listOf(other['required'] ?? null)])];
  return {
    ...one,
    ...other,
    type,
    ...(required.length === 0 ? {} : { required }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  };
}

function withNull(schema: JsonObject): JsonObject {
  const { type, anyOf, enum: values } = schema;
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: 'null' }] };
  return {
    ...schema,
    ...(type === undefined ? {} : { type: [...new Set([...listOf(type), 'null'])] }),
    ...(Array.isArray(values) ? { enum: [...new Set([...(values as readonly Json[]), null])] } : {}),
  };
}

/** The description of a part of the document, for the schema that stands for it. */
export function describe({ description }: { readonly description?: Json | undefined }): JsonObject {
  const text = cleanText(description, LIMITS.text);
  return text === undefined ? {} : { description: text };
}

/** A text, or a number as text (`openapi: 3.0`); empty for anything else. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

const MARKDOWN_LINK = /\[([^[\]]*)\]\([^()]*\)/g;
const HTML_TAG = /<\/?[a-z][^<>]*>/gi;

/** Untrusted text on one line, bounded; undefined where there is none. */
export function cleanText(text: Json | undefined, length: number): string | undefined {
  if (typeof text !== 'string') return undefined;
  const words = text
    .slice(0, 10 * length)
    .replaceAll(MARKDOWN_LINK, '$1')
    .replaceAll(HTML_TAG, ' ');
  const line = clip(visible(words.replaceAll(/\s+/g, ' ').trim()), length);
  return line === '' ? undefined : line;
}

function counts(schema: JsonObject, ...keywords: readonly string[]): JsonObject {
  const found = keywords.flatMap((keyword) => {
    const value = schema[keyword];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? [[keyword, value] as const] : [];
  });
  return Object.fromEntries(found);
}

/** A number that reads in YAML as it is written. */
function isExact(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function listOf(value: Json | undefined): readonly Json[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as readonly Json[]) : [value];
}

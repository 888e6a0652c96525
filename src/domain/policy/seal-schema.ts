import type { Json, JsonObject } from '../../contract/json.ts';
import { parsePointer } from '../seal-binding.ts';
import { isObject } from './is-object.ts';

/** What stands for a sealed value, as JSON Schema. */
const SEALED: JsonObject = {
  type: 'object',
  required: ['$sealed'],
  additionalProperties: false,
  properties: { $sealed: { type: 'string' } },
};

/** Keywords through which another schema would look at the value from above and refuse its sealed form. */
const LOOKING = ['$ref', 'anyOf', 'oneOf', 'not', 'if', 'const', 'enum', 'patternProperties', 'dependentSchemas'];

/** Why a `seal` pointer cannot be honoured by a schema; undefined where it can. */
export function refuseSealPointer(schema: JsonObject | undefined, pointer: string): string | undefined {
  if (schema === undefined) return 'the tool has no schema of arguments that declares it';
  const found = resolve(schema, parsePointer(pointer));
  if (found === 'missing') return 'the schema of arguments does not declare it under properties';
  return found === 'declared' ? undefined : `${found} above it would look at the sealed form`;
}

type Resolution = 'declared' | 'missing' | (typeof LOOKING)[number];

function resolve(schema: JsonObject, [step, ...rest]: readonly string[]): Resolution {
  if (step === undefined) return 'declared';
  const looking = LOOKING.find((keyword) => schema[keyword] !== undefined);
  if (looking !== undefined) return looking;
  const { properties, allOf } = schema;
  const next = isObject(properties) ? properties[step] : undefined;
  const branches = [
    ...(isObject(next) ? [resolve(next, rest)] : []),
    ...(Array.isArray(allOf) ? allOf.filter(isObject).map((part) => resolve(part, [step, ...rest])) : []),
  ];
  return (
    branches.find((found) => found !== 'declared' && found !== 'missing') ??
    branches.find((found) => found === 'declared') ??
    'missing'
  );
}

/** The schema of arguments whose values at the pointers are sealed: nothing but the sealed form is accepted there. */
export function sealSchema(schema: JsonObject, pointers: readonly string[]): JsonObject {
  return pointers.map(parsePointer).reduce(replaceAt, schema);
}

function replaceAt(schema: JsonObject, [step, ...rest]: readonly string[]): JsonObject {
  if (step === undefined) return SEALED;
  const { properties, allOf } = schema;
  const next = isObject(properties) ? properties[step] : undefined;
  return {
    ...schema,
    ...(isObject(properties) && isObject(next) ? { properties: { ...properties, [step]: replaceAt(next, rest) } } : {}),
    ...(Array.isArray(allOf)
      ? { allOf: allOf.map((part: Json) => (isObject(part) ? replaceAt(part, [step, ...rest]) : part)) }
      : {}),
  };
}

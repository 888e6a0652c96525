import type { Json } from '../../contract/json.ts';
import { MAX_ARGUMENT_ERRORS, type ArgumentError } from '../../contract/exact.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { JSON_TYPES } from '../files/explain-issue.ts';
import { listWords } from '../files/nearest.ts';
import { isJsonObject, own } from '../json/pointer.ts';

/**
 * Members that are null where the schema that an upstream server lists says plainly (by `type`) that they are something else.
 * The upstream judges the rest: its schema is only read, never compiled. Frameworks in strict mode write null for what a
 * model left out, and people would be asked about a call that the upstream then refuses.
 */
export function findUnwantedNulls(schema: Json | undefined, args: Json): readonly ArgumentError[] {
  const errors: ArgumentError[] = [];
  visit(schema, args, '', errors);
  return errors;
}

function visit(schema: Json | undefined, value: Json, pointer: string, errors: ArgumentError[]): void {
  if (!isJsonObject(schema) || typeof value !== 'object' || value === null) return;
  const { properties, items, required } = schema;
  for (const [key, part] of Object.entries(value) as [string, Json][]) {
    if (errors.length >= MAX_ARGUMENT_ERRORS) return;
    const at = pointer + pointerStep(key);
    const inner = Array.isArray(value) ? items : isJsonObject(properties) ? own(properties, key) : undefined;
    if (part !== null) visit(inner, part, at, errors);
    else if (isJsonObject(inner) && !Array.isArray(value)) {
      const types = [inner['type']].flat();
      if (inner['nullable'] === true || !types.every(isOtherType)) continue;
      const isRequired = Array.isArray(required) && required.includes(key);
      const words = `must be ${listWords(types.map((type) => JSON_TYPES[type] ?? type))}`;
      errors.push({ pointer: at, message: isRequired ? words : `${words}: leave it out instead of null` });
    }
  }
}

function isOtherType(type: Json | undefined): type is string {
  return typeof type === 'string' && type !== 'null';
}

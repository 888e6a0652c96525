import { format, Validator, type Schema } from '@cfworker/json-schema';
import { RE2JS } from '@bufbuild/re2';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { words } from '../words.ts';

/**
 * What does not fit a tool's JSON Schema, interpreted: the page's CSP forbids the generated code that ajv works with. It
 * helps while typing; the server checks again with the schema in force.
 */
export function findSchemaErrors(schema: JsonObject, value: Json): readonly ArgumentError[] {
  const { errors } = new Validator(linearSchema(schema) as Schema, '2020-12', false).validate(value);
  // Of an error and its causes, the innermost says what to do.
  const leaves = errors.filter(
    ({ instanceLocation }) => !errors.some((other) => other.instanceLocation.startsWith(`${instanceLocation}/`)),
  );
  const found = leaves.map(({ instanceLocation, error }) =>
    placeError(decodeURIComponent(instanceLocation).slice(1), error),
  );
  return found.filter(
    ({ pointer, message }, index) =>
      found.findIndex((other) => other.pointer === pointer && other.message === message) === index,
  );
}

const MISSING = 'Instance does not have required property "';

/** An error of what is missing belongs to its own place. */
function placeError(pointer: string, error: string): ArgumentError {
  // A pattern was made a format, which the words then name.
  if (!error.startsWith(MISSING)) return { pointer, message: error.replace(`format "${PREFIX}`, 'pattern "') };
  const name = error.slice(MISSING.length, error.lastIndexOf('"'));
  return { pointer: pointer + pointerStep(name), message: words.form.required };
}

/** Longest text that a pattern or a format is tried on; as in the gate, which refuses what is longer. */
const LONGEST = { pattern: 8_192, format: 2_048 };

for (const [name, check] of Object.entries(format)) {
  format[name] = (text) => text.length > LONGEST.format || check(text);
}
// The library's own takes time exponential in the text.
format['url'] = (text) => URL.canParse(text);

/** Keywords whose value maps names to schemas. */
const NAMED = new Set(['properties', '$defs', 'definitions', 'dependentSchemas']);
/** Keywords that hold data, not schemas. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required']);
const PREFIX = 'pattern:';

/**
 * The schema with patterns that this page can run. The library would run them by the browser's engine, which backtracks;
 * a schema may be an upstream server's and the text an agent's, and together they could hold the page for hours. Here a
 * pattern becomes a format of that name, which RE2 checks. Patterns of keys are left to the gate, which checks all again.
 */
function linearSchema(schema: JsonObject): JsonObject {
  const { pattern, format: own, patternProperties, ...others } = schema;
  const rest: Record<string, Json> = { ...others };
  // They count what patterns of keys let through.
  if (patternProperties !== undefined) delete rest['additionalProperties'];
  if (patternProperties !== undefined) delete rest['unevaluatedProperties'];
  const result: Record<string, Json> = {};
  for (const [keyword, value] of Object.entries(rest)) {
    result[keyword] = NAMED.has(keyword) && isJsonObject(value) ? mapValues(value) : linearPart(keyword, value);
  }
  if (typeof pattern !== 'string') return own === undefined ? result : { ...result, format: own };
  registerPattern(pattern);
  const both =
    own === undefined ? {} : { allOf: [...(Array.isArray(result['allOf']) ? result['allOf'] : []), { format: own }] };
  return { ...result, ...both, format: `${PREFIX}${pattern}` };
}

function linearPart(keyword: string, value: Json): Json {
  if (DATA.has(keyword)) return value;
  if (Array.isArray(value)) return value.map((part: Json) => (isJsonObject(part) ? linearSchema(part) : part));
  return isJsonObject(value) ? linearSchema(value) : value;
}

function mapValues(schemas: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, isJsonObject(schema) ? linearSchema(schema) : schema]),
  );
}

function registerPattern(pattern: string): void {
  const name = `${PREFIX}${pattern}`;
  if (Object.hasOwn(format, name)) return;
  let expression: RE2JS | undefined;
  try {
    expression = RE2JS.compile(pattern);
  } catch {
    // An upstream's pattern may be of another dialect; the upstream checks it.
  }
  format[name] = (text) => expression === undefined || text.length > LONGEST.pattern || expression.test(text);
}

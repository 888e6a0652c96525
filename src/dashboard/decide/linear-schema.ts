import { format } from '@cfworker/json-schema';
import { RE2JS } from '@bufbuild/re2';
import type { Json, JsonObject } from '../../contract/json.ts';

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
export function linearSchema(schema: JsonObject): JsonObject {
  const { pattern, format: own, patternProperties, ...others } = schema;
  const rest: Record<string, Json> = { ...others };
  // They count what patterns of keys let through.
  if (patternProperties !== undefined) delete rest['additionalProperties'];
  if (patternProperties !== undefined) delete rest['unevaluatedProperties'];
  const result: Record<string, Json> = {};
  for (const [keyword, value] of Object.entries(rest)) {
    result[keyword] = NAMED.has(keyword) && isObject(value) ? mapValues(value) : linearPart(keyword, value);
  }
  if (typeof pattern !== 'string') return own === undefined ? result : { ...result, format: own };
  registerPattern(pattern);
  const both =
    own === undefined ? {} : { allOf: [...(Array.isArray(result['allOf']) ? result['allOf'] : []), { format: own }] };
  return { ...result, ...both, format: `${PREFIX}${pattern}` };
}

/** A pattern, in words made of its format's name. */
export function namePattern(error: string): string {
  return error.replace(`format "${PREFIX}`, 'pattern "');
}

function linearPart(keyword: string, value: Json): Json {
  if (DATA.has(keyword)) return value;
  if (Array.isArray(value)) return value.map((part: Json) => (isObject(part) ? linearSchema(part) : part));
  return isObject(value) ? linearSchema(value) : value;
}

function mapValues(schemas: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, isObject(schema) ? linearSchema(schema) : schema]),
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

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Json, JsonObject } from '../../contract/json.ts';
import { refusePattern } from './cel-check.ts';
import { isObject } from './is-object.ts';

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
    ...Object.keys(isObject(part['patternProperties']) ? part['patternProperties'] : {}),
  ];
  for (const pattern of patterns) {
    const refusal = typeof pattern === 'string' ? refusePattern(pattern) : undefined;
    if (refusal === undefined) continue;
    const keyword = pattern === part['pattern'] ? 'pattern' : 'patternProperties';
    find(keyword, `the pattern is not valid: ${refusal}`, 'Use RE2 syntax: no look-around, no back-references');
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
    find('$ref', `there is no definition ${reference}`, 'Define it under $defs of the same schema: #/$defs/name');
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
  const found = name === undefined || !isObject(definitions) ? undefined : definitions[name];
  return isObject(found) ? found : undefined;
}

/** Keywords whose value maps names to schemas. */
export const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

function visitSchemas(part: Json | undefined, at: At, visit: (part: JsonObject, at: At) => void): void {
  if (Array.isArray(part)) part.forEach((item: Json, index) => visitSchemas(item, [...at, index], visit));
  if (!isObject(part)) return;
  visit(part, at);
  for (const [keyword, value] of Object.entries(part)) {
    if (NAMED.has(keyword) && isObject(value)) {
      for (const [name, named] of Object.entries(value)) visitSchemas(named, [...at, keyword, name], visit);
    } else if (!DATA.has(keyword)) visitSchemas(value, [...at, keyword], visit);
  }
}

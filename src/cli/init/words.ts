import type { Json, JsonObject } from '../../contract/json.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { capitalize } from '../../domain/lifecycle.ts';
import { wordsOf } from '../../domain/policy/check-tool.ts';
import { cleanText, textOf } from './openapi-schema.ts';

/** Longest name of a tool: what the models' APIs take. */
const LONGEST_NAME = 64;

/** Names of a service's tools, each given once: `listPets` → `petstore.listPets`, `repos/delete` → `github.repos.delete`. */
export function toolNames(service: string): (id: string) => string {
  const given = new Set<string>();
  return (id) => {
    const parts = id
      .split(/[/.]+/)
      .map(camelCase)
      .filter((part) => part !== '');
    const own = parts.length > 1 && parts[0] === service ? parts.slice(1) : parts;
    const name = [service, ...(own.length === 0 ? ['call'] : own)].join('.').slice(0, LONGEST_NAME).replace(/\.$/, '');
    let free = name;
    for (let n = 2; given.has(free); n += 1) free = `${name.slice(0, LONGEST_NAME - 1 - String(n).length)}-${n}`;
    given.add(free);
    return free;
  };
}

/** `get pets by-id` → `getPetsById`; letters and digits that are not ASCII are dropped. */
function camelCase(text: string): string {
  const [first = '', ...others] = text.split(/[^A-Za-z0-9_]+/).filter((word) => word !== '');
  return first + others.map(capitalize).join('');
}

/** Most arguments that a title names. */
const MOST_NAMED = 3;

/** What people read of a call: the summary, and the arguments that tell most. A proposal, for a person to better. */
export function proposeTitle(summary: string | undefined, id: string, schema: JsonObject): string {
  const text = cleanText((summary ?? capitalize(wordsOf(id).join(' '))).replaceAll(/[{}]/g, ''), 80) ?? id;
  const { properties, required } = schema;
  const all = Object.entries(isJsonObject(properties) ? properties : {});
  const scalars = all.filter(([name, part]) => /^[A-Za-z0-9_]{1,40}$/.test(name) && isShortScalar(part as Json));
  const needed = new Set(Array.isArray(required) ? (required as readonly Json[]) : []);
  const named = scalars.filter(([name]) => needed.has(name)).slice(0, MOST_NAMED);
  const sentence = text.replace(/[.:;,]$/, '');
  return named.length === 0 ? sentence : `${sentence}: ${named.map(([name]) => `{${name}}`).join(', ')}`;
}

/** A value that fits into a sentence. */
function isShortScalar(schema: Json): boolean {
  if (!isJsonObject(schema) || (typeof schema['maxLength'] === 'number' && schema['maxLength'] > 200)) return false;
  return ['string', 'integer', 'number', 'boolean'].includes(textOf(schema['type']));
}

import type { Json, JsonObject } from '../../contract/json.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { cleanText, resolveReference } from './openapi-schema.ts';

/** One operation of an OpenAPI description, its own references resolved; schemas are as they stand there. */
export interface Operation {
  readonly method: Method;
  readonly path: string;
  /** Its `operationId`, or one made of method and path. */
  readonly id: string;
  readonly summary: string | undefined;
  readonly description: string | undefined;
  readonly parameters: readonly Parameter[];
  /** Undefined: it takes none. */
  readonly body: Body | undefined;
  readonly security: Json | undefined;
  /** Its first server is another than that of the document, which the connector calls. */
  readonly hasOwnServer: boolean;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly description: Json | undefined;
  readonly schema: Json | undefined;
  /** Undefined: the usual one of its place. */
  readonly style: Json | undefined;
}

interface Body {
  readonly required: boolean;
  /** Schema by media type. */
  readonly content: Readonly<Record<string, Json | undefined>>;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** All operations that an HTTP connector can make, in the order of the document. `HEAD`, `OPTIONS` and `TRACE` are no calls. */
export function listOperations(document: JsonObject): readonly Operation[] {
  const follow = (value: Json | undefined): Json | undefined => followReference(document, value);
  const paths = document['paths'];
  return Object.entries(isJsonObject(paths) ? paths : {}).flatMap(([path, stated]) => {
    const item = follow(stated as Json);
    if (!path.startsWith('/') || !isJsonObject(item)) return [];
    return METHODS.flatMap((key): readonly Operation[] => {
      const operation = item[key];
      if (!isJsonObject(operation)) return [];
      const method = key.toUpperCase() as Method;
      return [
        {
          method,
          path,
          id: typeof operation['operationId'] === 'string' ? operation['operationId'] : idOf(method, path),
          summary: cleanText(operation['summary'], 120),
          description: cleanText(operation['description'], 300),
          parameters: readParameters([item['parameters'], operation['parameters']], follow),
          body: readBody(follow(operation['requestBody']), follow),
          security: operation['security'] ?? document['security'],
          hasOwnServer: isOther(operation['servers'] ?? item['servers'], document['servers']),
        },
      ];
    });
  });
}

function isOther(servers: Json | undefined, ofDocument: Json | undefined): boolean {
  const [own, usual] = [servers, ofDocument].map((list) => {
    const [first] = Array.isArray(list) ? (list as readonly Json[]) : [];
    return isJsonObject(first) ? first['url'] : undefined;
  });
  return own !== undefined && usual !== undefined && own !== usual;
}

/** `GET /pets/{id}` → `get pets id`. */
function idOf(method: Method, path: string): string {
  return `${method.toLowerCase()} ${path.replaceAll(/[^A-Za-z0-9]+/g, ' ').trim()}`;
}

const LONGEST_CHAIN = 10;

/** Undefined where a reference leads nowhere, out of the document, or in circles. */
export function followReference(document: JsonObject, value: Json | undefined): Json | undefined {
  let current = value;
  for (let step = 0; step < LONGEST_CHAIN; step += 1) {
    if (!isJsonObject(current) || typeof current['$ref'] !== 'string') return current;
    current = resolveReference(document, current['$ref']);
  }
  return undefined;
}

/** Those of the operation replace those of the path. */
function readParameters(
  lists: readonly (Json | undefined)[],
  follow: (value: Json | undefined) => Json | undefined,
): readonly Parameter[] {
  const found = new Map<string, Parameter>();
  for (const list of lists) {
    for (const stated of Array.isArray(list) ? (list as readonly Json[]) : []) {
      const parameter = follow(stated);
      if (!isJsonObject(parameter)) continue;
      const { name, in: place, required, description, schema, style } = parameter;
      if (typeof name !== 'string' || typeof place !== 'string') continue;
      found.set(`${place} ${name}`, { name, in: place, required: required === true, description, schema, style });
    }
  }
  return [...found.values()];
}

function readBody(body: Json | undefined, follow: (value: Json | undefined) => Json | undefined): Body | undefined {
  if (!isJsonObject(body) || !isJsonObject(body['content'])) return undefined;
  const content = Object.entries(body['content']).map(([type, media]) => {
    const found = follow(media as Json);
    return [
      (type.split(';')[0] ?? '').trim().toLowerCase(),
      isJsonObject(found) ? found['schema'] : undefined,
    ] as const;
  });
  return { required: body['required'] === true, content: Object.fromEntries(content) };
}

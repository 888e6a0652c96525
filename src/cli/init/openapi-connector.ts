import { parse } from 'yaml';
import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { placeOfHost } from '../../domain/addresses.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { visible } from '../../domain/text/visible.ts';
import { CliError } from '../ui/exit.ts';
import { followReference, type Operation } from './openapi-operations.ts';
import { textOf } from './openapi-schema.ts';
import { variableName, type PlannedConnector } from './plan.ts';

/**
 * Parses an OpenAPI 3 description.
 *
 * @throws CliError `openapi_invalid`, `openapi_unsupported`
 */
export function parseOpenApi(text: string, place: string): JsonObject {
  const invalid = (why: string): CliError =>
    new CliError('usage', 'openapi_invalid', `${place} is not an OpenAPI description: ${why}.`);
  let document: unknown;
  try {
    // JSON is YAML, but its own parser is faster by far.
    document = /^\s*\{/.test(text) ? JSON.parse(text) : parse(text, { prettyErrors: false, logLevel: 'silent' });
  } catch (error) {
    throw invalid(visible(error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it cannot be read'));
  }
  if (!isJsonObject(document as Json)) throw invalid('it is not an object');
  const { openapi, swagger, paths } = document as JsonObject;
  if (swagger !== undefined) {
    throw new CliError(
      'usage',
      'openapi_unsupported',
      `${place} is a Swagger ${visible(textOf(swagger))} description; init reads OpenAPI 3.0 and later.`,
      'Convert it, for example with `npx swagger2openapi`.',
    );
  }
  if (!/^3\.\d/.test(textOf(openapi))) throw invalid('it has no `openapi: 3.…`');
  if (!isJsonObject(paths)) throw invalid('it has no `paths`');
  return document as JsonObject;
}

/** A connector's name from the description's title: `Deploy Service API` → `deploy-service`. */
export function connectorNameOf(document: JsonObject): string {
  const { info } = document;
  const title = isJsonObject(info) && typeof info['title'] === 'string' ? info['title'] : '';
  const all = title
    .toLowerCase()
    .replaceAll(/['’]s /g, ' ')
    .split(/[^a-z0-9]+/);
  const words = all.filter((word) => !['', 'api', 'rest', 'service'].includes(word));
  const name = words.slice(0, 2).join('-').slice(0, 30).replace(/-$/, '');
  return /^[a-z]/.test(name) && name !== 'mcp' ? name : 'service';
}

export interface Server {
  /** Undefined: the description names none that could be called. */
  readonly baseUrl: string | undefined;
  /** A private address that only the description names: a person has to say that calls may go there. */
  readonly needsConsent: boolean;
}

/** The first server, relative to the place of the description; `place` is a URL or a file's path. */
export function serverOf(document: JsonObject, place: string): Server {
  const { servers } = document;
  const [first] = Array.isArray(servers) ? (servers as readonly Json[]) : [];
  const { url = '/', variables } = isJsonObject(first) ? first : {};
  const filled = textOf(url).replaceAll(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = isJsonObject(variables) && Object.hasOwn(variables, name) ? variables[name] : undefined;
    return isJsonObject(variable) ? textOf(variable['default']) : whole;
  });
  const base = /^https?:/.test(place) ? place : undefined;
  if (/[{}]/.test(filled) || !URL.canParse(filled, base)) return { baseUrl: undefined, needsConsent: false };
  const found = new URL(filled, base);
  if (!/^https?:$/.test(found.protocol) || found.username !== '' || found.search !== '' || found.hash !== '') {
    return { baseUrl: undefined, needsConsent: false };
  }
  const isOwnHost = base !== undefined && new URL(base).host === found.host;
  const baseUrl = found.href.replace(/\/$/, '');
  return { baseUrl, needsConsent: !isOwnHost && placeOfHost(baseUrl) !== 'unknown' };
}

/** The connector of a description: its base URL, and how its first security scheme wants the credential. */
export function planHttpConnector(
  name: string,
  place: string,
  scheme: JsonObject | undefined,
  hasDescription = true,
): PlannedConnector {
  const baseUrl = place.replace(/\/$/, '');
  const { settings, what, variable, notes } = credentialOf(scheme, hasDescription);
  const isPrivate = placeOfHost(baseUrl) !== 'unknown';
  const id = variableName(name, variable);
  const config: HttpConnectorConfig = {
    type: 'http',
    baseUrl,
    ...(what === undefined ? {} : { credential: `env:${id}` }),
    ...settings,
    ...(isPrivate ? { allowPrivateAddresses: true } : {}),
  };
  return {
    name,
    config,
    notes: [
      ...notes,
      ...(isPrivate
        ? ['Private addresses are refused unless allowPrivateAddresses: true, for this host and port alone.']
        : []),
    ],
    variables: what === undefined ? [] : [{ name: id, meaning: `${what} for ${baseUrl}` }],
  };
}

interface Credential {
  readonly settings: Pick<HttpConnectorConfig, 'credentialHeader' | 'credentialScheme'>;
  /** Undefined: none is sent. */
  readonly what: string | undefined;
  readonly variable: string;
  readonly notes: readonly string[];
}

const SENT_AS_BEARER =
  'The credential is sent as Authorization: Bearer; credentialHeader and credentialScheme change that.';

function credentialOf(scheme: JsonObject | undefined, hasDescription: boolean): Credential {
  const bearer: Credential = { settings: {}, what: 'the token', variable: 'TOKEN', notes: [SENT_AS_BEARER] };
  if (scheme === undefined) {
    if (!hasDescription) return bearer;
    const note =
      'The description asks for no credential. To send one: credential: env:NAME (as Authorization: Bearer).';
    return { settings: {}, what: undefined, variable: '', notes: [note] };
  }
  const kind = `${textOf(scheme['type'])} ${textOf(scheme['scheme'] ?? scheme['in'])}`.trim().toLowerCase();
  if (kind === 'http basic') {
    const notes = ['Sent as Authorization: Basic. The value is base64 of user:password.'];
    return { settings: { credentialScheme: 'Basic' }, what: 'base64 of user:password', variable: 'BASIC', notes };
  }
  const { name } = scheme;
  if (kind === 'apikey header' && typeof name === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(name)) {
    const notes = ['The key is sent in the header that the description names.'];
    return { settings: { credentialHeader: name }, what: 'the API key', variable: 'API_KEY', notes };
  }
  if (kind.startsWith('apikey')) {
    const note =
      'The description wants its key in a query or a cookie, which Holdpoint does not send: ask for a header.';
    return { settings: {}, what: undefined, variable: '', notes: [note] };
  }
  if (kind.startsWith('http bearer')) return bearer;
  const note =
    'An access token (OAuth). Holdpoint does not renew it: for one that expires, use file:PATH and replace the file.';
  return { ...bearer, notes: [SENT_AS_BEARER, note] };
}

/** The first scheme that the document or one of the operations asks for, else the first that is defined. */
export function securitySchemeOf(document: JsonObject, operations: readonly Operation[]): JsonObject | undefined {
  const { components } = document;
  const schemes =
    isJsonObject(components) && isJsonObject(components['securitySchemes']) ? components['securitySchemes'] : {};
  const asked = [document['security'], ...operations.map(({ security }) => security)].flatMap((requirements) =>
    (Array.isArray(requirements) ? (requirements as readonly Json[]) : []).flatMap((requirement) =>
      isJsonObject(requirement) ? Object.keys(requirement) : [],
    ),
  );
  const name = [...asked, ...Object.keys(schemes)].find((one) => Object.hasOwn(schemes, one));
  const found = name === undefined ? undefined : followReference(document, schemes[name]);
  return isJsonObject(found) ? found : undefined;
}

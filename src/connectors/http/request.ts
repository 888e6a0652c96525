import type { HttpConnectorConfig } from '../../contract/config.ts';
import type { JsonObject } from '../../contract/json.ts';
import { encodeForm, type HttpTargetRequest } from '../../domain/render/http.ts';
import type { ExchangeRequest } from './exchange.ts';

export interface Credential {
  /** Lower case. */
  readonly header: string;
  readonly value: string;
}

/** `Authorization: Bearer …` unless the connector names another header (then without a scheme) or scheme. */
export function credentialOf(config: HttpConnectorConfig, secret: string): Credential {
  const header = (config.credentialHeader ?? 'Authorization').toLowerCase();
  const scheme = config.credentialScheme ?? (config.credentialHeader === undefined ? 'Bearer' : '');
  return { header, value: scheme === '' ? secret : `${scheme} ${secret}` };
}

const USER_AGENT = 'holdpoint';

/** What goes over the wire. The credential is set last: nothing a tool or a caller says can stand in its place. */
export function wireRequest(
  request: HttpTargetRequest,
  credential: Credential | null,
  idempotency: { readonly header: string; readonly key: string } | null,
): ExchangeRequest {
  const headers: Record<string, string> = { 'user-agent': USER_AGENT, accept: 'application/json' };
  for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
  headers['accept-encoding'] = 'gzip';
  const body = encodeBody(request.body, request.bodyFormat);
  if (body !== undefined) headers['content-type'] = body.type;
  if (idempotency !== null) headers[idempotency.header.toLowerCase()] = idempotency.key;
  if (credential !== null) headers[credential.header] = credential.value;
  return { method: request.method, url: request.url, headers, ...(body === undefined ? {} : { body: body.text }) };
}

function encodeBody(
  body: JsonObject | undefined,
  format: HttpTargetRequest['bodyFormat'],
): { readonly type: string; readonly text: string } | undefined {
  if (body === undefined) return undefined;
  if (format !== 'form') return { type: 'application/json', text: JSON.stringify(body) };
  // Rendering has refused what cannot be encoded.
  return { type: 'application/x-www-form-urlencoded', text: encodeForm(body) ?? '' };
}

import express, { type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { FieldError } from '../../contract/api.ts';
import { PROBLEMS } from '../../contract/codes.ts';
import { MAX_BODY_VALUES } from '../../contract/constants.ts';
import { MAX_JSON_DEPTH, parseStrictJson, type StrictJsonResult } from '../../domain/json/strict-json.ts';
import { explainFields } from '../../domain/files/explain-issue.ts';
import { ProblemError } from '../problem.ts';
import { pointerStep } from '../../contract/pointer.ts';

const MAX_FIELD_ERRORS = 20;

/**
 * Reads the raw body, never compressed (a small body must not become a large one). Decoding and parsing are ours: the usual
 * parsers keep the last of duplicate keys and round numbers.
 */
export function readBody(limit: number): RequestHandler[] {
  return [refuseOtherMedia, express.raw({ type: () => true, limit, inflate: false })];
}

/** The raw body of a route that reads it itself, once it knows the sender. Undefined where its media type is another. */
export async function readRaw(
  req: Request,
  res: Response,
  options: { readonly limit: number; readonly type?: string },
): Promise<Buffer | undefined> {
  const read = express.raw({ type: options.type ?? (() => true), limit: options.limit, inflate: false });
  await new Promise<void>((resolve, reject) => {
    // The error middleware knows the reader's errors by their type.
    read(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error as Error)));
  });
  const body: unknown = req.body;
  return Buffer.isBuffer(body) ? body : undefined;
}

/** What is signed has a level more around a body, and whoever verifies it reads no more than `MAX_JSON_DEPTH`. */
const MAX_DEPTH = MAX_JSON_DEPTH - 1;

/** The body as JSON, or undefined where there is none. Throws the 400 codes of the strict parser. */
export function parseBody(raw: unknown): unknown {
  if (!Buffer.isBuffer(raw) || raw.length === 0) return undefined;
  let text: string;
  try {
    // A byte order mark is skipped (RFC 8259, 8.1).
    text = new TextDecoder('utf-8', { fatal: true }).decode(raw);
  } catch {
    throw new ProblemError('malformed_json', { detail: describeBytes(raw) });
  }
  const parsed = parseStrictJson(text, { maxDepth: MAX_DEPTH, maxValues: MAX_BODY_VALUES });
  if (!parsed.ok) throw new ProblemError(parsed.code, { detail: describeRefusal(parsed) });
  return parsed.value;
}

/** What bytes that are no UTF-8 are, where a byte order mark says it, else where they end to be. */
function describeBytes(raw: Buffer): string {
  const isUtf16 = ['fffe', 'feff'].includes(raw.subarray(0, 2).toString('hex'));
  if (isUtf16) return 'The body is UTF-16, as its byte order mark says: send UTF-8.';
  const decoded = Buffer.from(raw.toString('utf8'));
  const before = raw
    .subarray(
      0,
      decoded.findIndex((byte, at) => byte !== raw[at]),
    )
    .toString('utf8')
    .split('\n');
  return `The body is not valid UTF-8, at line ${before.length}, column ${(before.at(-1) as string).length + 1}.`;
}

/** Which key, and where. The key is the caller's own and comes as a JSON string, clipped. */
function describeRefusal({ code, line, column, key }: Extract<StrictJsonResult, { ok: false }>): string {
  const named = key === undefined ? '' : ` (${JSON.stringify(key.slice(0, 100))})`;
  const place = line === undefined ? '' : `, at line ${line}, column ${column ?? 1}`;
  return `${PROBLEMS[code].title}${named}${place}.`;
}

/** Validates the body. Throws `invalid_request` with what is wrong where. */
export function validateBody<T>(schema: z.ZodType<T>, value: unknown): T {
  if (value === undefined)
    throw new ProblemError('invalid_request', { detail: 'The body is missing: send a JSON object.' });
  return validate(schema, value as Json);
}

/** Validates the query, in which a parameter given twice is a list of its values. */
export function validateQuery<T>(schema: z.ZodType<T>, query: Request['query']): T {
  const twice = Object.keys(query).filter((name) => typeof query[name] !== 'string');
  const errors = twice.map((name) => ({
    pointer: pointerStep(name),
    message: 'must be given once',
    in: 'query' as const,
  }));
  if (errors.length > 0) throw new ProblemError('invalid_request', { errors: errors.slice(0, MAX_FIELD_ERRORS) });
  return validate(schema, query as JsonObject, 'query');
}

function validate<T>(schema: z.ZodType<T>, value: Json, part?: FieldError['in']): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = explainFields(result.error, schema, value)
    .slice(0, MAX_FIELD_ERRORS)
    .map((error): FieldError => (part === undefined ? error : { ...error, in: part }));
  throw new ProblemError('invalid_request', { errors });
}

/** A header that does not have its form: `must` finishes the sentence that its name begins. */
export function invalidHeader(name: string, must: string): ProblemError {
  return new ProblemError('invalid_request', { errors: [{ pointer: pointerStep(name), message: must, in: 'header' }] });
}

const refuseOtherMedia: RequestHandler = (req, _res, next) => {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
  if (!hasBody) {
    next();
    return;
  }
  const [media, ...parameters] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((p) => p.trim()).find((p) => p.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  const isJson = media?.trim() === 'application/json';
  next(
    isJson && isUtf8
      ? undefined
      : new ProblemError('unsupported_media_type', { detail: describeMedia(media?.trim(), charset) }),
  );
};

/** The sender's own words are repeated only where they are a media type. */
function describeMedia(media: string | undefined, charset: string | undefined): string {
  const way = 'Send JSON in UTF-8 with the header Content-Type: application/json';
  if (media === 'application/json') return `${way}, without another ${charset?.split('=')[0] ?? 'charset'}.`;
  if (media === undefined || media === '') return `${way}; the header is missing.`;
  return `${way}${/^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(media) ? `, not ${media}` : ''}.`;
}

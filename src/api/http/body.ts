import express, { type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { FieldError } from '../../contract/api.ts';
import { PROBLEMS } from '../../contract/codes.ts';
import { MAX_BODY_VALUES } from '../../contract/constants.ts';
import { MAX_JSON_DEPTH, parseStrictJson, type StrictJsonResult } from '../../domain/json/strict-json.ts';
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
    throw new ProblemError('malformed_json', { detail: 'The body is not valid UTF-8.' });
  }
  const parsed = parseStrictJson(text, { maxDepth: MAX_DEPTH, maxValues: MAX_BODY_VALUES });
  if (!parsed.ok) throw new ProblemError(parsed.code, { detail: describeRefusal(parsed) });
  return parsed.value;
}

/** Which key, and where. The key is the caller's own and comes as a JSON string, clipped. */
function describeRefusal({ code, line, column, key }: Extract<StrictJsonResult, { ok: false }>): string {
  const named = key === undefined ? '' : ` (${JSON.stringify(key.slice(0, 100))})`;
  const place = line === undefined ? '' : `, at line ${line}, column ${column ?? 1}`;
  return `${PROBLEMS[code].title}${named}${place}.`;
}

/** Validates one part of the request. Throws `invalid_request` with what is wrong where. */
export function validate<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors: FieldError[] = result.error.issues.slice(0, MAX_FIELD_ERRORS).map((issue) => ({
    pointer: issue.path.map((key) => pointerStep(String(key))).join(''),
    message: issue.message,
  }));
  throw new ProblemError('invalid_request', { errors });
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
  next(media?.trim() === 'application/json' && isUtf8 ? undefined : new ProblemError('unsupported_media_type'));
};

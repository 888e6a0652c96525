import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { pipeline, type Readable } from 'node:stream';
import type { Json } from '../../contract/json.ts';
import { parseBodyJson, type OmittedReason, wellFormed } from '../json-text.ts';

/** Largest answer, in bytes after decompression, that is kept. */
export const RESPONSE_LIMIT = 256 * 1024;

export type BodyRead =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'omitted'; readonly why: OmittedReason }
  /** The connection broke, or time ran out, before the end. */
  | { readonly kind: 'broken' };

/** Reads an answer whose every byte is the target's: bounded, decompressed within the bound, decoded strictly. */
export async function readBody(
  stream: Readable,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Promise<BodyRead> {
  // Destroyed early, it tells so by an error that nobody else would hear.
  stream.on('error', () => undefined);
  const encoding = headerOf(headers, 'content-encoding').toLowerCase();
  const decoder = decoderOf(encoding);
  if (decoder === 'unknown') {
    stream.destroy();
    return { kind: 'omitted', why: 'encoding_not_supported' };
  }
  const source = decoder === null ? stream : pipeline(stream, decoder, () => undefined);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > RESPONSE_LIMIT) {
        stream.destroy();
        return { kind: 'omitted', why: 'response_too_large' };
      }
      chunks.push(chunk);
    }
  } catch {
    return { kind: 'broken' };
  }
  return decode(Buffer.concat(chunks), headerOf(headers, 'content-type').toLowerCase());
}

function decode(bytes: Buffer, contentType: string): BodyRead {
  if (bytes.length === 0) return { kind: 'json', value: null };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { kind: 'omitted', why: 'not_text' };
  }
  if (!/^application\/(?:[a-z0-9.+-]*\+)?json\b/.test(contentType)) return { kind: 'text', value: wellFormed(text) };
  const parsed = parseBodyJson(text);
  if (parsed.ok) return { kind: 'json', value: parsed.value };
  return parsed.why === 'not_json' ? { kind: 'text', value: wellFormed(text) } : { kind: 'omitted', why: parsed.why };
}

function decoderOf(encoding: string) {
  switch (encoding) {
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return 'unknown';
  }
}

function headerOf(headers: Readonly<Record<string, string | string[] | undefined>>, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

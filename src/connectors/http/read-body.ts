import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Json, JsonObject } from '../../contract/json.ts';
import { parseStorable, storableText } from '../../domain/json/storable.ts';
import { omitted } from '../answer.ts';

/**
 * Largest answer, in bytes after decompression, that is read. Less of it is kept (`LIMITS.responseBody`), but what is small in a
 * large answer can be found only by reading it.
 */
const ANSWER_LIMIT = 4 * 1024 * 1024;

export type BodyRead =
  /** Parts that nest too deeply are named in their place. */
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'omitted'; readonly value: JsonObject }
  /** The connection broke, or time ran out, before the end. */
  | { readonly kind: 'broken' };

/** Reads an answer, all of which the target controls: bounded, decompressed within the bound, decoded strictly. */
export async function readBody(
  stream: Readable,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Promise<BodyRead> {
  // Destroying the stream early emits an error that would otherwise be unhandled.
  stream.on('error', () => undefined);
  const encoding = headerOf(headers, 'content-encoding').toLowerCase();
  const length = headerOf(headers, 'content-length');
  const announced = /^[0-9]{1,15}$/.test(length) ? { bytes: Number(length) } : {};
  const decoder = decoderOf(encoding);
  if (decoder === 'unknown') {
    stream.destroy();
    return { kind: 'omitted', value: omitted('encoding_not_supported', announced) };
  }
  const source = decoder === null ? stream : pipeline(stream, decoder, () => undefined);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > ANSWER_LIMIT) {
        stream.destroy();
        const known = decoder === null && 'bytes' in announced ? announced : { atLeastBytes: size };
        return { kind: 'omitted', value: omitted('response_too_large', known) };
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
  const text = decodeText(bytes, contentType);
  if (text === undefined) {
    const [mediaType = ''] = /^[a-z0-9.+-]{1,40}\/[a-z0-9.+-]{1,80}/.exec(contentType) ?? [];
    const size = { bytes: bytes.length, ...(mediaType === '' ? {} : { mediaType }) };
    return { kind: 'omitted', value: omitted('not_text', size) };
  }
  if (!/^application\/(?:[a-z0-9.+-]*\+)?json\b/.test(contentType)) return { kind: 'text', value: storableText(text) };
  const parsed = parseStorable(text);
  if (!parsed.ok && parsed.why === 'not_json') return { kind: 'text', value: storableText(text) };
  return { kind: 'json', value: parsed.value };
}

/**
 * Text in the encoding that a byte order mark or the media type names, else UTF-8. A mark of UTF-8 stays in the text, where
 * it is a character like any other; undefined where bytes stand for no text in that encoding.
 */
function decodeText(bytes: Buffer, contentType: string): string | undefined {
  const marked = MARKS.find(({ mark }) => mark.every((byte, at) => bytes[at] === byte))?.encoding;
  const options = { fatal: true, ignoreBOM: marked === 'utf-8' };
  try {
    return decoderFor(marked ?? charsetOf(contentType), options).decode(bytes);
  } catch {
    return undefined;
  }
}

function charsetOf(contentType: string): string {
  const parameters = contentType.split(';').map((part) => part.trim());
  const charset = parameters.find((part) => part.startsWith('charset='));
  return charset?.slice('charset='.length).replaceAll('"', '') ?? 'utf-8';
}

/** UTF-8 if the named encoding is unknown. */
function decoderFor(encoding: string, options: { readonly fatal: boolean; readonly ignoreBOM: boolean }) {
  try {
    return new TextDecoder(encoding, options);
  } catch {
    return new TextDecoder('utf-8', options);
  }
}

/** Byte order marks (WHATWG Encoding, section 6). */
const MARKS = [
  { encoding: 'utf-8', mark: [0xef, 0xbb, 0xbf] },
  { encoding: 'utf-16be', mark: [0xfe, 0xff] },
  { encoding: 'utf-16le', mark: [0xff, 0xfe] },
] as const;

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

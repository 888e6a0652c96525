import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PROBLEMS } from '../../contract/codes.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { withoutByteOrderMark } from '../../contract/exact-number.ts';
import { parseStrictJson } from '../../domain/json/strict-json.ts';
import { CliError } from '../ui/exit.ts';
import { decodeUtf8, type Io } from '../ui/io.ts';

/** An option that is JSON text, `@FILE`, or `-` for standard input. */
export async function readJsonObject(io: Io, option: string, text: string): Promise<JsonObject> {
  return parseJsonObject(option, await readText(io, option, text));
}

/** Likewise, with any JSON value. */
export async function readJson(io: Io, option: string, text: string): Promise<Json> {
  return parse(option, await readText(io, option, text));
}

export function parseJsonObject(option: string, text: string): JsonObject {
  const value = parse(option, text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new CliError('usage', 'not_an_object', `${option} must be a JSON object.`);
}

/** As strict as the api: what a person edits must not silently change on the way. */
function parse(option: string, text: string): Json {
  const parsed = parseStrictJson(withoutByteOrderMark(text));
  if (parsed.ok) return parsed.value;
  const where = parsed.line === undefined ? '' : ` on line ${parsed.line}`;
  throw new CliError(
    'usage',
    parsed.code,
    `${option}: ${PROBLEMS[parsed.code].title}${where}.`,
    'Pass JSON text, @FILE, or - for standard input.',
  );
}

async function readText(io: Io, option: string, text: string): Promise<string> {
  if (text === '-') return readAll(option, io.stdin);
  return text.startsWith('@') ? readTextFile(io, option, text.slice(1)) : text;
}

export function readTextFile(io: Io, option: string, file: string): string {
  const path = resolve(io.cwd, file);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new CliError('notFound', 'file_unreadable', `${option}: ${path} cannot be read.`);
  }
  return decodeUtf8(`${option}: ${path}`, bytes);
}

async function readAll(option: string, stream: NodeJS.ReadableStream): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece));
  return decodeUtf8(`${option}: standard input`, Buffer.concat(pieces));
}

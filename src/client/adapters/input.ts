import { REVIEW_ID_PATTERN } from '../../contract/constants.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { isOfferableName, offeredName } from '../../contract/tool-name.ts';
import { localError, type HoldpointError } from '../errors.ts';

// What frameworks hand over: a model wrote it, not every framework checks it, and some write names in snake_case.

export interface AwaitInput {
  readonly reviewId: string;
}
export interface RevisionInput extends AwaitInput {
  readonly revision: number;
  readonly arguments: JsonObject;
}

/** Throws `invalid_request` with the pointer of what cannot be sent as it is. */
export function readArguments(input: unknown): JsonObject {
  if (!isPlainObject(input)) throw invalid('', 'must be a JSON object');
  return toJson(input, '') as JsonObject;
}

/** Throws `invalid_request`. */
export function readAwaitInput(input: unknown): AwaitInput {
  const reviewId = memberOf(readArguments(input), 'reviewId');
  if (typeof reviewId === 'string' && REVIEW_ID_PATTERN.test(reviewId)) return { reviewId };
  throw invalid('/reviewId', 'must be the reviewId of a pending result: rev_ and 26 characters');
}

/** Throws `invalid_request`. */
export function readRevisionInput(input: unknown): RevisionInput {
  const given = readArguments(input);
  const { revision, arguments: args } = given;
  const isNumber = typeof revision === 'number' && Number.isInteger(revision) && revision > 0;
  if (!isNumber) throw invalid('/revision', 'must be the revision of the result that asks for changes');
  if (!isPlainObject(args)) throw invalid('/arguments', 'must be all arguments of the tool, as a JSON object');
  return { ...readAwaitInput(given), revision, arguments: args as JsonObject };
}

/** The id of a tool call; undefined where the framework gives none, or an empty one, which tells no two calls apart. */
export function readCallId(id: unknown): string | undefined {
  return typeof id === 'string' && id.trim() !== '' ? id : undefined;
}

/** The name that a model sees. Throws `not_configured` for one that models' APIs refuse. */
export function readToolName(name: string | undefined, tool: string): string {
  if (name === undefined) return offeredName(tool);
  if (isOfferableName(name)) return name;
  const detail = `the tool name ${JSON.stringify(name)} is not 1 to 64 letters, digits, _ or -`;
  throw localError('not_configured', detail);
}

/** A member under its name in camelCase or in snake_case. */
export function memberOf(value: Readonly<Record<string, unknown>>, camel: string): unknown {
  const snake = camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return value[camel] ?? value[snake];
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The `Object.prototype` of any realm: an agent may run in a context of its own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** `JSON.stringify` would send a date as text and NaN as null. Members that are undefined are left out, as it does. */
function toJson(value: unknown, pointer: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid(pointer, 'must be a finite number');
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      throw invalid(pointer, 'is an integer beyond 2^53, which JavaScript has rounded: send it as a string');
    return value;
  }
  if (Array.isArray(value)) return value.map((item, index) => toJson(item, `${pointer}/${index}`));
  if (!isPlainObject(value)) throw invalid(pointer, 'is not JSON');
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(members.map(([key, item]) => [key, toJson(item, pointer + pointerStep(key))]));
}

function invalid(pointer: string, message: string): HoldpointError {
  const detail = `${pointer === '' ? 'the input' : pointer} ${message}`;
  return localError('invalid_request', detail, { errors: [{ pointer, message }] });
}

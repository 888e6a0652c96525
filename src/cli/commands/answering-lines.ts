import { ExactReadBuffer } from '../../connectors/mcp/exact-lines.ts';
import { isExactNumber, writeJson } from '../../contract/exact-number.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

/** A client's messages on standard input. What is no message of the protocol is answered instead of dropped: its client waits. */
export class AnsweringLines extends ExactReadBuffer {
  readonly #answer: (line: string) => void;

  constructor(limit: number, answer: (line: string) => void) {
    super(limit);
    this.#answer = answer;
  }

  override readMessage(): ReturnType<ExactReadBuffer['readMessage']> {
    const before: Buffer = this['_buffer'] ?? Buffer.alloc(0);
    try {
      return super.readMessage();
    } catch (error) {
      const answer = refuseLine(before.toString('utf8', 0, before.indexOf('\n')));
      if (answer !== undefined) this.#answer(`${answer}\n`);
      throw error;
    }
  }
}

const NOT_A_MESSAGE =
  'not a JSON-RPC message of MCP: ids and progress tokens are texts or integers within ±(2^53 − 1), params an object';

/** Undefined: a blank line, an answer or a notification, which no one waits for. */
function refuseLine(line: string): string | undefined {
  if (line.trim() === '') return undefined;
  const message = parse(line);
  if (message === undefined) return errorLine(null, -32_700, 'not valid JSON');
  const isAwaited = 'id' in message ? 'method' in message : !('method' in message);
  return isAwaited ? errorLine(message['id'] ?? null, -32_600, NOT_A_MESSAGE) : undefined;
}

function parse(line: string): JsonObject | undefined {
  try {
    const value = JSON.parse(line) as Json;
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
  } catch {
    return undefined;
  }
}

/** The id with every digit, so that the client knows which of its requests is meant. */
function errorLine(given: Json, code: number, message: string): string {
  const id = isExactNumber(given) || typeof given !== 'object' ? given : null;
  return writeJson({ jsonrpc: '2.0', id, error: { code, message } });
}

import { ReadBuffer } from '@modelcontextprotocol/sdk/shared/stdio.js';
import { markNumbers } from '../../contract/exact-number.ts';

/**
 * JSON-RPC as it comes, line by line, with the numbers that `JSON.parse` would round as they are kept (exact-number.ts): the
 * SDK parses messages itself. Neither JSON nor an event stream has a line break inside a token.
 */
class ExactLines {
  #pending: Uint8Array[] = [];
  /** Bytes of the line that is not complete yet. */
  waiting = 0;

  /** The lines that are complete with this piece. */
  push(piece: Uint8Array): Buffer {
    const end = Math.max(piece.lastIndexOf(LINE_FEED), piece.lastIndexOf(RETURN)) + 1;
    const lines =
      end === 0 ? Buffer.alloc(0) : mark(Buffer.concat([...this.#pending.splice(0), piece.subarray(0, end)]));
    this.#pending.push(piece.subarray(end));
    this.waiting = piece.length - end + (end === 0 ? this.waiting : 0);
    return lines;
  }

  end(): Buffer {
    return mark(Buffer.concat(this.#pending.splice(0)));
  }
}

const [LINE_FEED, RETURN] = [0x0a, 0x0d] as const;

/** Fields of an event stream that hold no JSON; no line of JSON begins with one. An event's id goes back to the server as it came. */
const OTHER_FIELD = /^((?:id|event|retry):[^\r\n]*)/m;

/** Bytes that are no UTF-8 stay as they are: they are no JSON either. */
function mark(bytes: Buffer): Buffer {
  const text = bytes.toString('utf8');
  // Split by what is captured, so that every other part is such a field.
  const parts = text.split(OTHER_FIELD);
  const marked = parts.map((part, index) => (index % 2 === 1 ? part : markNumbers(part))).join('');
  return marked === text ? bytes : Buffer.from(marked);
}

/** For the body of an HTTP answer, whole or as an event stream. */
export function exactLines(): TransformStream<Uint8Array, Uint8Array> {
  const lines = new ExactLines();
  return new TransformStream({
    transform: (piece, controller) => controller.enqueue(lines.push(piece)),
    flush: (controller) => controller.enqueue(lines.end()),
  });
}

/** For a child process: the SDK's own buffer, which counts a line that is not complete yet too. */
export class ExactReadBuffer extends ReadBuffer {
  readonly #lines = new ExactLines();
  readonly #limit: number;

  constructor(limit: number) {
    super({ maxBufferSize: limit });
    this.#limit = limit;
  }

  override append(piece: Buffer): void {
    const lines = this.#lines.push(piece);
    if (this.#lines.waiting > this.#limit) throw new Error('the answer is too large');
    if (lines.length > 0) super.append(lines);
  }
}

import { HoldpointError } from './errors.ts';
import { isFinal } from './resolution.ts';
import { sleep } from './retry.ts';
import type { Transport } from './transport.ts';
import type { Review, ReviewRow } from '../contract/review.ts';

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** Resume after this event (`ReviewEvent.id`). */
  readonly lastEventId?: string;
}

/** A change. `id` is the audit index of the entry that made it. */
export interface ReviewEvent {
  readonly id: string;
  readonly review: Review;
}
export interface ReviewRowEvent {
  readonly id: string;
  readonly review: ReviewRow;
}

/** Longest wait between two connections, in ms. */
const MAX_PAUSE = 10_000;
/** The server says something every 15 s; silence for longer means that the connection is dead. */
const SILENCE = 45_000;

/** Changes of one review until it is final. Reconnects from where it was; ends quietly when the signal is aborted. */
export async function* watchReview(
  transport: Transport,
  reviewId: string,
  options: WatchOptions = {},
): AsyncIterableIterator<ReviewEvent> {
  for await (const event of watch(transport, `/v1/reviews/${encodeURIComponent(reviewId)}/events`, options)) {
    const review = transport.parseJson(event.data) as Review;
    yield { id: event.id, review };
    if (isFinal(review)) return;
  }
}

/** Changes of every review this key may see, without end. */
export async function* watchAll(
  transport: Transport,
  options: WatchOptions = {},
): AsyncIterableIterator<ReviewRowEvent> {
  for await (const event of watch(transport, '/v1/events', options)) {
    yield { id: event.id, review: transport.parseJson(event.data) as ReviewRow };
  }
}

async function* watch(
  transport: Transport,
  path: string,
  options: WatchOptions,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const { signal } = options;
  let lastEventId = options.lastEventId;
  let failures = 0;
  while (!hasAborted(signal)) {
    try {
      for await (const event of readStream(transport, path, lastEventId, signal)) {
        failures = 0;
        if (event === 'over') return;
        if (event.id !== '') lastEventId = event.id;
        if (event.event === 'review') yield event;
      }
    } catch (error) {
      if (hasAborted(signal)) return;
      if (error instanceof HoldpointError && !error.retryable) throw error;
    }
    const pause = Math.min(MAX_PAUSE, 250 * 2 ** failures);
    failures = Math.min(failures + 1, 10);
    if (!(await rest(pause, signal))) return;
  }
}

async function* readStream(
  transport: Transport,
  path: string,
  lastEventId: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerSentEvent | 'over'> {
  const quiet = new AbortController();
  const body = await transport.open({
    method: 'GET',
    path,
    repeatable: 'always',
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    signal: signal === undefined ? quiet.signal : AbortSignal.any([signal, quiet.signal]),
  });
  if (body === undefined) {
    yield 'over';
    return;
  }
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const splitter = new EventSplitter();
  try {
    for (;;) {
      const timer = setTimeout(() => quiet.abort(), SILENCE);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      yield* splitter.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    quiet.abort();
    await reader.cancel().catch(() => undefined);
  }
}

/** A call, so that the compiler does not take an earlier look at a signal for its present state. */
function hasAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** False when the signal ended the rest. */
async function rest(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await sleep(ms, signal);
    return true;
  } catch {
    return false;
  }
}

/** One server-sent event (WHATWG HTML, 9.2). */
export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Splits text into events as it arrives; call with each piece. Comments and `retry` are ignored. */
export class EventSplitter {
  #rest = '';
  #id = '';
  #event = '';
  #data: string[] = [];
  #sawReturn = false;

  *push(text: string): Generator<ServerSentEvent> {
    this.#rest += this.#joinReturns(text);
    for (let end = this.#rest.indexOf('\n'); end !== -1; end = this.#rest.indexOf('\n')) {
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 1);
      if (line === '') yield* this.#dispatch();
      else this.#field(line);
    }
  }

  /** CR, LF and CRLF all end a line, also where CRLF is cut between two pieces. */
  #joinReturns(text: string): string {
    const joined = this.#sawReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.#sawReturn = text.endsWith('\r');
    return joined.replace(/\r\n?/g, '\n');
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
  }

  *#dispatch(): Generator<ServerSentEvent> {
    if (this.#data.length > 0) {
      yield { id: this.#id, event: this.#event === '' ? 'message' : this.#event, data: this.#data.join('\n') };
    }
    this.#event = '';
    this.#data = [];
  }
}

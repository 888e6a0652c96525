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

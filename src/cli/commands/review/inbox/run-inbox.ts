import { setTimeout as sleep } from 'node:timers/promises';
import type { DecisionType, Review } from '../../../../contract/review.ts';
import { queuedDecisionWords } from '../../../../domain/stop.ts';
import { explainError } from '../../../ui/explain-error.ts';
import type { Io, Streams } from '../../../ui/io.ts';
import { openScreen, type Screen } from '../../../ui/screen.ts';
import { visible } from '../../../ui/visible.ts';
import type { Connection } from '../../connect.ts';
import { renderOutcome } from '../outcome.ts';
import { askDecision } from './ask.ts';
import { renderChanges } from './changes.ts';
import { intentOf } from './keys.ts';
import { START, type Effect, type InboxState, type Layout, type Step, type Unsent } from './model.ts';
import type { Descriptions } from './plain-words.ts';
import { readDescriptions, readInbox } from './source.ts';
import { compared, hold, listed, press, read, resized, shown, tick } from './update.ts';
import { renderFrame } from './view.ts';

/** Countdowns move on, in ms. */
const TICK = 500;
/** Least time between two readings of the list, in ms: a busy day must not turn into a flood of requests. */
const CALM = 1_000;

/** The inbox, until somebody quits. Nothing of the terminal is left changed. */
export async function runInbox(io: Io, streams: Streams, connection: Connection, signal: AbortSignal): Promise<void> {
  const inbox = new Inbox(io, streams, connection, signal);
  await inbox.run();
}

/** The shell around the pure state: keys, time and answers go in, effects come out. */
class Inbox {
  readonly #io: Io;
  readonly #connection: Connection;
  readonly #screen: Screen;
  readonly #quit = new AbortController();
  #state: InboxState = START;
  #layout: Layout = { height: 1, total: 0 };
  #descriptions: Descriptions = new Map();
  #pages = 1;
  /** The list is being read, and something happened since it began. */
  readonly #listing = { now: false, again: false };

  constructor(io: Io, streams: Streams, connection: Connection, signal: AbortSignal) {
    this.#io = io;
    this.#connection = connection;
    signal.addEventListener('abort', () => this.#quit.abort(), { once: true });
    this.#screen = openScreen(streams, {
      key: (key) => {
        const intent = intentOf(key);
        if (intent !== undefined) this.#take(press(this.#state, intent, this.#layout));
      },
      resize: () => this.#show(resized(this.#state)),
    });
  }

  async run(): Promise<void> {
    const timer = setInterval(() => this.#take(tick(this.#state, this.#io.now())), TICK);
    try {
      this.#show(this.#state);
      void this.#list();
      void this.#describe();
      void this.#follow();
      await new Promise<void>((resolve) => {
        if (this.#quit.signal.aborted) resolve();
        this.#quit.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      clearInterval(timer);
      this.#screen.close();
    }
    if (this.#state.unsent !== null) this.#io.note('The decision that was about to be sent was not sent.');
  }

  #show(state: InboxState): void {
    const frame = renderFrame({ io: this.#io, size: this.#screen.size(), descriptions: this.#descriptions }, state);
    this.#layout = frame;
    this.#screen.draw(frame.lines);
    this.#state = shown(state, frame);
  }

  #take({ state, effects }: Step): void {
    this.#show(state);
    for (const effect of effects) void this.#do(effect).catch((error: unknown) => this.#fail(error));
  }

  async #do(effect: Effect): Promise<void> {
    switch (effect.do) {
      case 'quit':
        return this.#quit.abort();
      case 'list':
        return this.#list();
      case 'more':
        this.#pages += 1;
        return this.#list();
      case 'read':
        return this.#read(effect.reviewId);
      case 'compare':
        return this.#compare(effect.review);
      case 'ask':
        return this.#ask(effect.review, effect.type);
      case 'send':
        return this.#send(effect.unsent);
    }
  }

  async #list(): Promise<void> {
    if (this.#listing.now) {
      this.#listing.again = true;
      return;
    }
    this.#listing.now = true;
    try {
      const { rows, more } = await readInbox(this.#connection.client, this.#pages);
      this.#show(listed(this.#state, rows, more));
    } catch (error) {
      this.#show({ ...this.#state, connection: 'lost' });
      this.#fail(error);
    }
    await sleep(CALM, undefined, { signal: this.#quit.signal }).catch(() => undefined);
    const { again } = this.#listing;
    Object.assign(this.#listing, { now: false, again: false });
    if (again && !this.#quit.signal.aborted) await this.#list();
  }

  async #describe(): Promise<void> {
    this.#descriptions = await readDescriptions(this.#connection, this.#quit.signal);
    this.#show(this.#state);
  }

  /** Live: every change reads the list again, and the review that is open or about to be decided. */
  async #follow(): Promise<void> {
    const { reviews } = this.#connection.client;
    try {
      for await (const { review } of reviews.watch({ signal: this.#quit.signal })) {
        void this.#list();
        const { open, unsent } = this.#state;
        if (open?.reviewId === review.reviewId || unsent?.reviewId === review.reviewId) {
          await this.#read(review.reviewId);
        }
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #read(reviewId: string): Promise<void> {
    const review = await this.#connection.client.reviews.get(reviewId, { signal: this.#quit.signal });
    this.#show(read(this.#state, review));
  }

  async #compare(review: Review): Promise<void> {
    const lines =
      review.revision === 1
        ? ['This is the first version.']
        : renderChanges(this.#io, (await this.#connection.client.reviews.proof(review.reviewId)).materials);
    this.#show(compared(this.#state, review.reviewId, lines));
  }

  async #ask(review: Review, type: DecisionType): Promise<void> {
    const request = await this.#screen.suspend(() => askDecision(this.#io, review, type));
    if (request === undefined) return this.#show({ ...this.#state, message: { tone: 'plain', text: 'Not decided.' } });
    this.#show(hold(this.#state, review, request, this.#io.now()));
    // It may have changed while somebody was typing.
    await this.#read(review.reviewId);
  }

  async #send({ reviewId, request }: Unsent): Promise<void> {
    const result = await this.#connection.client.reviews.decide(reviewId, request);
    const text = result.admitted
      ? (renderOutcome(result.review)[0] ?? '')
      : `The decision is ${queuedDecisionWords(request.type)}.`;
    this.#show({ ...this.#state, message: { tone: result.admitted ? 'good' : 'plain', text } });
    if (result.admitted) this.#show(read(this.#state, result.review));
    await this.#list();
  }

  #fail(error: unknown): void {
    if (this.#quit.signal.aborted) return;
    const { code, message, hint } = explainError(error, this.#connection.url);
    const text = `${code}: ${visible(message)}${hint === undefined ? '' : ` ${hint}`}`;
    this.#show({ ...this.#state, message: { tone: 'bad', text } });
  }
}

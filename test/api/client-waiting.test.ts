import { afterEach, describe, expect, test } from 'vitest';
import { Holdpoint, ResolutionTimeoutError } from '../../src/client/index.ts';
import { aReview } from '../unit/client-fixtures.ts';
import { hangUp, json, problem, startStub, type Step, type Stub } from './client-stub.ts';

const id = aReview().reviewId;
const pending = json(200, aReview());
const rejected = aReview({
  status: 'rejected',
  resolution: { type: 'reject', by: 'ops-1', comment: 'no', edited: false, retryable: false },
});

let stub: Stub;
afterEach(() => stub.close());

async function client(...steps: readonly Step[]): Promise<Holdpoint> {
  stub = await startStub(...steps);
  return new Holdpoint({ url: stub.url, apiKey: 'hpk_test', retry: { retries: 0 } });
}

describe('resolution', () => {
  test('goes on through broken connections, 503 and early answers until the review is final', async () => {
    const hp = await client(hangUp, problem(503, 'database_unavailable'), pending, json(200, rejected));
    await expect(hp.review(id).resolution()).resolves.toMatchObject({ status: 'rejected', comment: 'no' });
    expect(stub.seen).toHaveLength(4);
    expect(stub.seen[0]?.url).toBe(`/v1/reviews/${id}?waitSeconds=30`);
  });

  test('a refusal ends it at once', async () => {
    const hp = await client(problem(404, 'not_found'));
    await expect(hp.review(id).resolution({ timeout: '1m' })).rejects.toMatchObject({ code: 'not_found' });
    expect(stub.seen).toHaveLength(1);
  });

  test('its own time-out is a typed error that decides nothing: not one POST was sent', async () => {
    const hp = await client(() => undefined);
    const error = await hp
      .review(id)
      .resolution({ timeout: 150 })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ResolutionTimeoutError);
    expect(error).toMatchObject({ code: 'local_timeout', reviewId: id, retryable: true });
    expect(stub.seen.every((request) => request.method === 'GET')).toBe(true);
    // Never asks the server to hold for longer than this side waits.
    expect(stub.seen[0]?.url).toBe(`/v1/reviews/${id}?waitSeconds=1`);
  });

  test('an abort is told apart from a time-out', async () => {
    const hp = await client(() => undefined);
    const reason = new Error('stop');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await expect(hp.review(id).resolution({ timeout: '1m', signal: controller.signal })).rejects.toBe(reason);
  });

  test('a duration that is none is refused before anything is asked', async () => {
    const hp = await client(pending);
    await expect(hp.review(id).resolution({ timeout: '10 minutes' })).rejects.toThrow(RangeError);
    expect(stub.seen).toHaveLength(0);
  });
});

describe('a request for changes', () => {
  const asked = (revision: number) =>
    aReview({ status: 'changes_requested', revision, feedback: { by: 'ops-1', comment: `less ${revision}`, at: '' } });

  test('is answered once, with the revision that it was asked of, and the waiting goes on', async () => {
    const [one, two] = [json(200, asked(1)), json(200, asked(2))];
    const moved = problem(409, 'already_resolved');
    // The first answer is lost on its way back; the second comes too late.
    const hp = await client(
      one,
      hangUp,
      one,
      json(200, aReview({ revision: 2 })),
      pending,
      two,
      moved,
      json(200, rejected),
    );
    const heard: unknown[] = [];
    const end = await hp.review(id).resolution({
      onChangesRequested: ({ revision, comment, review }) => {
        heard.push([revision, comment, review.status]);
        return { amount: revision };
      },
    });
    expect(end.status).toBe('rejected');
    expect(heard).toEqual([
      [1, 'less 1', 'changes_requested'],
      [2, 'less 2', 'changes_requested'],
    ]);
    const sent = stub.seen.filter(({ method }) => method === 'POST');
    expect(sent.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { arguments: { amount: 1 }, revision: 1 },
      { arguments: { amount: 1 }, revision: 1 },
      { arguments: { amount: 2 }, revision: 2 },
    ]);
  });

  test('without an answer, or without anybody to ask, is waited out', async () => {
    const hp = await client(json(200, asked(1)), json(200, asked(1)), json(200, rejected));
    let times = 0;
    const onChangesRequested = (): undefined => void (times += 1);
    expect(await hp.review(id).resolution({ onChangesRequested })).toMatchObject({ status: 'rejected' });
    expect([times, stub.seen.some(({ method }) => method === 'POST')]).toEqual([1, false]);
  });

  test('what the handler throws ends the waiting; so does arguments that do not fit', async () => {
    const hp = await client(json(200, asked(1)), problem(422, 'revision_invalid'));
    const broken = new Error('no idea');
    const thrown = hp.review(id).resolution({ onChangesRequested: () => Promise.reject(broken) });
    await expect(thrown).rejects.toBe(broken);
    await stub.close();
    const again = await client(json(200, asked(1)), problem(422, 'revision_invalid'));
    const unfit = again.review(id).resolution({ onChangesRequested: () => ({}) });
    await expect(unfit).rejects.toMatchObject({ code: 'revision_invalid' });
  });
});

describe('watch', () => {
  const events = (...items: readonly (readonly [number, unknown])[]): Step => {
    return (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n');
      for (const [at, data] of items) response.write(`id: ${at}\nevent: review\ndata: ${JSON.stringify(data)}\n\n`);
      response.end();
    };
  };

  test('resumes after the last event and ends when the review is final', async () => {
    const hp = await client(events([7, aReview()]), hangUp, events([9, rejected]));
    const seen: [string, string][] = [];
    for await (const event of hp.reviews.watch(id)) seen.push([event.id, event.review.status]);
    expect(seen).toEqual([
      ['7', 'pending'],
      ['9', 'rejected'],
    ]);
    expect(stub.seen.map((request) => request.headers['last-event-id'])).toEqual([undefined, '7', '7']);
    expect(stub.seen[0]?.url).toBe(`/v1/reviews/${id}/events`);
  });

  test('where the final state was seen already there is nothing more to come', async () => {
    const hp = await client((_request, response) => void response.writeHead(204).end());
    const seen: unknown[] = [];
    for await (const event of hp.reviews.watch(id, { lastEventId: '9' })) seen.push(event);
    expect(seen).toEqual([]);
    expect(stub.seen).toHaveLength(1);
    expect(stub.seen[0]?.headers['last-event-id']).toBe('9');
  });

  test('a refusal is thrown', async () => {
    const hp = await client(problem(401, 'unauthenticated'));
    await expect(hp.reviews.watch(id).next()).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('aborting ends the watch of everything quietly', async () => {
    const hp = await client((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: 3\nevent: review\ndata: {"reviewId":"${id}"}\n\n`);
    });
    const controller = new AbortController();
    const seen: string[] = [];
    for await (const event of hp.reviews.watch({ signal: controller.signal })) {
      seen.push(event.review.reviewId);
      controller.abort();
    }
    expect(seen).toEqual([id]);
    expect(stub.seen[0]?.url).toBe('/v1/events');
  });
});

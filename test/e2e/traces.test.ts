import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { startParts, type PartsWorld } from '../support/chaos-parts.ts';
import { startTraceCollector, type CollectedSpan, type TraceCollector } from '../support/trace-collector.ts';
import type { Review } from '../../src/contract/review.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';

let collector: TraceCollector;
/** Batches are sent every fifth of a second, not every five seconds. */
const environment = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200' });
beforeAll(async () => {
  collector = await startTraceCollector();
});
afterAll(() => collector.close());

/** As an agent that traces its own work would send. */
function newTrace() {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

/** Names of the spans from the agent's own down to one with this name; each is the parent of the next. */
async function pathTo(name: string, { traceId, spanId }: { traceId: string; spanId: string }): Promise<string[]> {
  const find = (): string[] | undefined => {
    const own = collector.spans.filter((span) => span.traceId === traceId);
    const climb = (span: CollectedSpan | undefined): string[] | undefined => {
      if (span === undefined) return undefined;
      if (span.parentSpanId === spanId) return [span.name];
      const above = climb(own.find((other) => other.spanId === span.parentSpanId));
      return above && [...above, span.name];
    };
    return own
      .filter((span) => span.name === name)
      .map(climb)
      .find((path) => path !== undefined);
  };
  return until(find, { what: `a span ${name} of ${traceId}: ${JSON.stringify(collector.spans.map((s) => s.name))}` });
}

describe('in one process', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ env: environment() });
  });
  afterAll(() => world.close());

  const propose = (tool: string, args: object, headers: Record<string, string>) =>
    world.send('POST', '/v1/execute', { as: 'agent-1', headers, body: { service: 'bank', tool, arguments: args } });

  test('a call that policy frees: from the agent’s span to the target, which is told the trace', async () => {
    const trace = newTrace();
    const ref = newRef('read');
    const { status, headers } = await propose('bank.get', { ref }, { ...trace.headers, tracestate: 'agent=chosen' });
    expect(status).toBe(200);
    expect(headers.get('traceparent')).toMatch(new RegExp(`^00-${trace.traceId}-(?!${trace.spanId})[0-9a-f]{16}-01$`));
    const seen = world.target.seen.find((one) => one.ref === ref);
    expect(seen?.headers['traceparent']).toContain(trace.traceId);
    expect(seen?.headers['tracestate']).toBeUndefined();
    expect(await pathTo('GET', trace)).toEqual(['POST /v1/execute', 'GET']);
  });

  test('a call that people decide on: through its workflow and the activity that makes it', async () => {
    const trace = newTrace();
    const ref = newRef('pay');
    const { body } = await propose('bank.pay', { ref, amount: 4242 }, trace.headers);
    const reviewId = body['reviewId'] as string;
    await until(async () => ((await world.review(reviewId)).call.digest === null ? undefined : true), {
      what: 'a digest',
    });
    await world.decide(reviewId, { comment: 'looked at it' });
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed' } });
    const toExecution = [
      'POST /v1/execute',
      'StartWorkflow:gatedCall',
      'RunWorkflow:gatedCall',
      'StartActivity:executeCall',
      'RunActivity:executeCall',
    ];
    expect(await pathTo('POST', trace)).toEqual([...toExecution, 'POST']);
    expect(world.target.seen.find((one) => one.ref === ref)?.headers['traceparent']).toContain(trace.traceId);
    const first = collector.spans.find(({ name, traceId }) => name === toExecution[0] && traceId === trace.traceId);
    expect(first?.attributes).toContainEqual({ key: 'holdpoint.review_id', value: { stringValue: reviewId } });
  });

  test('no argument, secret, answer or error text is in a span', async () => {
    const ref = newRef('fails');
    world.target.script(ref, { kind: 'answer', status: 500, body: { why: 'no funds left' } });
    const trace = newTrace();
    const { body } = await propose('bank.get', { ref: `../${ref}` }, trace.headers);
    const failing = await propose('bank.get', { ref }, trace.headers);
    expect([body['outcome'], failing.body['outcome']]).not.toContain(undefined);
    await pathTo('GET', trace);
    const text = collector.text();
    const { credentials } = world.deployment;
    for (const hidden of [
      ref,
      '4242',
      'looked at it',
      'no funds left',
      'agent=chosen',
      ...Object.values(credentials),
    ]) {
      expect(text).not.toContain(hidden);
    }
    const keys = new Set(collector.spans.flatMap(({ attributes }) => attributes.map(({ key }) => key)));
    expect([...keys].toSorted()).toEqual([
      'holdpoint.review_id',
      'http.request.method',
      'http.response.status_code',
      'http.route',
      'run_id',
      'server.address',
      'temporalActivityId',
      'temporalWorkflowId',
      'workflowId',
    ]);
  });

  test('a collector that takes nothing is told once in the log, and changes nothing else', async () => {
    collector.answer(400);
    for (const ref of [newRef('read'), newRef('read')]) {
      expect((await propose('bank.get', { ref }, newTrace().headers)).status).toBe(200);
    }
    const log = () => readFileSync(join(world.holdpoint.dataDir, 'holdpoint.log'), 'utf8');
    const lines = () => log().match(/traces_not_exported/g)?.length;
    await until(lines, { what: 'a line of the log' });
    collector.answer(200);
    await until(
      () =>
        log().includes('takes traces again')
          ? true
          : propose('bank.get', { ref: newRef('again') }, {}).then(() => undefined),
      {
        what: 'another line of the log',
      },
    );
    expect(lines()).toBe(1);
  });
});

describe('in parts apart', () => {
  let world: PartsWorld;
  beforeAll(async () => {
    world = await startParts({ isFull: false, instances: 1, env: environment() });
  }, 300_000);
  afterAll(() => world.close());

  const propose = (tool: string, ref: string, trace: ReturnType<typeof newTrace>) =>
    fetch(`${world.urls.propose[0]}/v1/execute`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.deployment.credentials['agent-1']}`,
        'content-type': 'application/json',
        ...trace.headers,
      },
      body: JSON.stringify({ service: 'bank', tool, arguments: { ref } }),
    });

  test('a trace goes through every part', async () => {
    await until(
      async () =>
        (await propose('bank.get', newRef('first'), newTrace()).catch(() => undefined))?.ok === true ? true : undefined,
      {
        what: 'an answer of all parts',
        withinMs: 120_000,
      },
    );
    const read = newTrace();
    expect((await propose('bank.get', newRef('read'), read)).status).toBe(200);
    expect(await pathTo('GET', read)).toEqual(['POST /v1/execute', 'RunActivity:executeFree', 'GET']);

    const held = newTrace();
    const { reviewId } = (await (await propose('bank.pay', newRef('pay'), held)).json()) as { reviewId: string };
    const review = async () => (await world.send('GET', `/v1/reviews/${reviewId}`, 'ops-1')).body as Review;
    const digest = await until(async () => (await review()).call.digest ?? undefined, { what: 'a digest' });
    await world.send('POST', `/v1/reviews/${reviewId}/decision`, 'ops-1', { type: 'approve', digest });
    await until(async () => (isFinal(await review()) ? true : undefined), { what: 'the end', withinMs: 60_000 });
    expect((await pathTo('POST', held)).at(-2)).toBe('RunActivity:executeCall');
    await pathTo('RunWorkflow:gatedCall', held);
    const parts = collector.spans.filter(({ traceId }) => traceId === held.traceId).map(({ part }) => part);
    expect([...new Set(parts)].toSorted()).toEqual(['api-propose', 'execute', 'gate']);
  });
});

import { SpanKind, type Attributes, type Context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, W3CTraceContextPropagator, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  SamplingDecision,
  type ReadableSpan,
  type Sampler,
  type SamplingResult,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import { headersWithContext } from '@temporalio/interceptors-opentelemetry/lib/instrumentation.js';
import type { ClientInterceptors } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { HOLDPOINT_REVIEW_ID } from '../../api/index.ts';
import type { Part } from '../../contract/part.ts';

export type WorkerTracing = Pick<WorkerOptions, 'interceptors' | 'sinks'>;

/** What Temporal's clients and workers need to carry a trace on. */
export interface Tracing {
  readonly client: ClientInterceptors;
  readonly worker: WorkerTracing;
}

/**
 * Sends a span of each step of a request to an OpenTelemetry collector: OTLP as JSON over HTTP, in batches, to `url`. Steps of
 * requests alone, so what a part does by itself leaves none.
 */
export function startTracing(part: Part, url: string, log: Logger): Tracing & { stop(): Promise<void> } {
  const resource = new Resource({
    'service.name': 'holdpoint',
    'service.version': part.version,
    'service.instance.id': part.instance,
    'holdpoint.part': part.name,
  });
  const processor = new BatchSpanProcessor(bareExporter(new OTLPTraceExporter({ url }), log));
  const sampler = new ParentBasedSampler({ root: onlyRequests });
  const provider = new BasicTracerProvider({ resource, sampler, spanProcessors: [processor] });
  provider.register({
    contextManager: new AsyncLocalStorageContextManager().enable(),
    propagator: new W3CTraceContextPropagator(),
  });
  log.info({ url }, 'traces go to the collector');
  return {
    stop: () => provider.shutdown(),
    client: {
      workflow: [new OpenTelemetryWorkflowClientInterceptor()],
      // The SDK traces no start of an activity without a workflow; what runs it finds the context in the same header.
      activity: [{ start: (input, next) => next({ ...input, headers: headersWithContext(input.headers) }) }],
    },
    worker: {
      interceptors: {
        activity: [
          (ctx) => ({
            inbound: new OpenTelemetryActivityInboundInterceptor(ctx),
            outbound: new OpenTelemetryActivityOutboundInterceptor(ctx),
          }),
        ],
      },
      sinks: { exporter: makeWorkflowExporter(processor, resource) },
    },
  };
}

const onlyRequests: Sampler = {
  shouldSample: (_context: Context, _traceId: string, _name: string, kind: SpanKind): SamplingResult => ({
    decision: kind === SpanKind.SERVER ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
  }),
  toString: () => 'OnlyRequests',
};

/** Attributes that hold neither what a caller wrote nor what a target answered. */
const KEPT: ReadonlySet<string> = new Set([
  HOLDPOINT_REVIEW_ID,
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'server.address',
  'temporalWorkflowId',
  'temporalActivityId',
  'run_id',
  'workflowId',
]);

/** Sends spans without messages of errors, stack traces, and attributes that are not in {@link KEPT}. */
export function bareExporter(exporter: SpanExporter, log: Pick<Logger, 'warn' | 'info'>): SpanExporter {
  let isFailing = false;
  const note = ({ code, error }: ExportResult): void => {
    const fails = code !== ExportResultCode.SUCCESS;
    if (fails && !isFailing)
      log.warn({ code: 'traces_not_exported', err: error }, 'the collector does not take traces');
    if (!fails && isFailing) log.info('the collector takes traces again');
    isFailing = fails;
  };
  return {
    export: (spans, done) =>
      exporter.export(spans.map(bare), (result) => {
        note(result);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

function bare(span: ReadableSpan): ReadableSpan {
  const attributes: Attributes = Object.fromEntries(Object.entries(span.attributes).filter(([name]) => KEPT.has(name)));
  const over = { attributes, events: [], links: [], status: { code: span.status.code } };
  return Object.create(span, Object.getOwnPropertyDescriptors(over)) as ReadableSpan;
}

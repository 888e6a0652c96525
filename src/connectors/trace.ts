import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/**
 * Sends a request to a target with a span of its own, and with `traceparent` among the headers that `send` is given. Nothing of
 * the URL but the host is in the span: paths and queries hold arguments. In a process that sends no traces, there are no headers.
 */
export function traceRequest<T>(
  method: string,
  { hostname }: URL,
  send: (headers: Readonly<Record<string, string>>) => Promise<T>,
  statusOf: (answer: T) => number | undefined,
): Promise<T> {
  const attributes = { 'http.request.method': method, 'server.address': hostname };
  return trace.getTracer('holdpoint').startActiveSpan(method, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    const headers: Record<string, string> = {};
    propagation.inject(context.active(), headers);
    try {
      const answer = await send(headers);
      const status = statusOf(answer);
      if (status === undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      else span.setAttribute('http.response.status_code', status);
      return answer;
    } finally {
      span.end();
    }
  });
}

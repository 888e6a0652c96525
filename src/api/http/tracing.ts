import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import type { RequestHandler, Response } from 'express';
import { describeRequest } from './logging.ts';

/** Attribute of spans: the id of the review that a request is about. */
export const HOLDPOINT_REVIEW_ID = 'holdpoint.review_id';

/**
 * A span for each request, as a part of the caller's trace where `traceparent` names one, and answered in that header. Does
 * nothing in a process that sends no traces. `tracestate` and `baggage` are not heeded: they would carry texts of an agent on
 * to a target, past every reviewer.
 */
export function traceRequests(): RequestHandler {
  const tracer = trace.getTracer('holdpoint');
  return (req, res, next) => {
    const { traceparent } = req.headers;
    const parent = propagation.extract(ROOT_CONTEXT, { traceparent });
    const span = tracer.startSpan(req.method, { kind: SpanKind.SERVER }, parent);
    const here = trace.setSpan(parent, span);
    propagation.inject(here, res, { set: (response: Response, name, value) => void response.setHeader(name, value) });
    if (span.isRecording()) res.once('close', () => endSpan(span, describeRequest(req, res)));
    context.with(here, next);
  };
}

function endSpan(span: Span, { method, route, status, notes }: ReturnType<typeof describeRequest>): void {
  span.updateName(`${method} ${route}`);
  span.setAttributes({ 'http.request.method': method, 'http.route': route, 'http.response.status_code': status });
  if (notes?.reviewId !== undefined) span.setAttribute(HOLDPOINT_REVIEW_ID, notes.reviewId);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

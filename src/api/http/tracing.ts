import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RequestHandler, Response } from 'express';
import { HOLDPOINT_REVIEW_ID } from '../../contract/trace.ts';
import { describeRequest } from './logging.ts';

/**
 * A span for each request, as a part of the caller's trace where `traceparent` names one, and answered in that header. Does
 * nothing in a process that sends no traces. `tracestate` and `baggage` are not heeded: they would carry texts of an agent on
 * to a target, past every reviewer.
 */
export function traceRequests(): RequestHandler {
  return (req, res, next) => {
    const { traceparent } = req.headers;
    const parent = propagation.extract(ROOT_CONTEXT, { traceparent });
    const span = trace.getTracer('holdpoint').startSpan(req.method, { kind: SpanKind.SERVER }, parent);
    const here = trace.setSpan(parent, span);
    propagation.inject(here, res, { set: (response: Response, name, value) => void response.setHeader(name, value) });
    res.once('close', () => {
      if (!span.isRecording()) return;
      const { method, route, status, notes } = describeRequest(req, res);
      span.updateName(`${method} ${route}`);
      span.setAttributes({ 'http.request.method': method, 'http.route': route, 'http.response.status_code': status });
      if (notes?.reviewId !== undefined) span.setAttribute(HOLDPOINT_REVIEW_ID, notes.reviewId);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    context.with(here, next);
  };
}

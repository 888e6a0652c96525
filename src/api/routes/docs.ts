import { z } from 'zod';
import { endpoint, type Endpoint } from '../http/endpoint.ts';

/** `document` is built once, from the endpoints themselves, and written once: anybody may ask for it. */
export function docsEndpoints(document: () => unknown): Endpoint[] {
  let text: string | undefined;
  return [
    endpoint<'public'>({
      method: 'get',
      path: '/openapi.json',
      tag: 'Operation',
      summary: 'This document',
      who: 'public',
      answers: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
      problems: [],
      handle: () => ({
        status: 200,
        text: (text ??= JSON.stringify(document())),
        contentType: 'application/json; charset=utf-8',
      }),
    }),
  ];
}

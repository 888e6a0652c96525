import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Router } from 'express';
import { z } from 'zod';
import { endpoint, type Endpoint } from '../http/endpoint.ts';

/** `document` is built once, from the endpoints themselves, and written once: anybody may ask for it. */
export function docsEndpoints(document: () => unknown): Endpoint[] {
  let text: string | undefined;
  const page = { who: 'public', tag: 'Operation', problems: [], hidden: true } as const;
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
    endpoint<'public'>({
      ...page,
      method: 'get',
      path: '/docs',
      summary: 'This document as a page',
      answers: { 200: { description: 'HTML', contentType: 'text/html' } },
      handle: () => ({ status: 200, text: DOCS_HTML, contentType: 'text/html; charset=utf-8' }),
    }),
    endpoint<'public'>({
      ...page,
      method: 'get',
      path: '/docs/start.js',
      summary: 'Starts the page',
      answers: { 200: { description: 'JavaScript', contentType: 'text/javascript' } },
      handle: () => ({ status: 200, text: DOCS_SCRIPT, contentType: 'text/javascript; charset=utf-8' }),
    }),
  ];
}

/** Script and style sheet of Swagger UI, from the installed package: the page works offline. */
export function docsAssets(): Router {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const router = Router();
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    router.get(`/docs/${name}`, (_req, res) => res.sendFile(name, { root: folder, cacheControl: false }));
  }
  return router;
}

const DOCS_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdpoint API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const DOCS_SCRIPT = `'use strict';
SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', validatorUrl: null, supportedSubmitMethods: [], deepLinking: true });
`;

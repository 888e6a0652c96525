import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Router } from 'express';
import { endpoint, type Endpoint } from '../http/endpoint.ts';

/** Where the dashboard's own router takes over; the same document everywhere. */
const PATHS = ['/', '/reviews/{reviewId}', '/group', '/audit', '/policy', '/design'];

/** The page of this API, drawn from `/openapi.json`. */
const DOCS = '/docs';

/** Pages for people; no part of the API. The token of a sign-in link is in the fragment and never reaches a server. */
export function pageEndpoints(page: DashboardPage | undefined): Endpoint[] {
  return [...PATHS, DOCS].map((path) =>
    endpoint({
      method: 'get',
      path,
      tag: 'Pages',
      summary: 'Page',
      who: 'public',
      answers: { 200: { description: 'The page', contentType: 'text/html' } },
      problems: [],
      hidden: true,
      handle: () => ({
        status: 200,
        text: (path === DOCS ? page?.docs : page?.html) ?? NO_PAGE,
        contentType: 'text/html; charset=utf-8',
      }),
    }),
  );
}

/** The reviewers' page as the build left it. */
export interface DashboardPage {
  readonly html: string;
  readonly docs: string;
  /** By file name; names hold a hash of the content. */
  readonly assets: ReadonlyMap<string, DashboardAsset>;
}

interface DashboardAsset {
  readonly type: string;
  readonly plain: Uint8Array;
  readonly gzipped: Uint8Array | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Reads what `scripts/build.mjs` wrote into `folder`: all of it, once, so that no request names a path. */
export function loadDashboard(folder: string): DashboardPage {
  const names = readdirSync(join(folder, 'assets'));
  const present = new Set(names);
  const assets = names.flatMap((name): [string, DashboardAsset][] => {
    const type = TYPES[extname(name)];
    if (type === undefined) return [];
    const read = (file: string): Uint8Array => readFileSync(join(folder, 'assets', file));
    return [[name, { type, plain: read(name), gzipped: present.has(`${name}.gz`) ? read(`${name}.gz`) : undefined }]];
  });
  const html = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { html: html('index.html'), docs: html('docs.html'), assets: new Map(assets) };
}

/** Scripts, style sheets and fonts of the page; a name that does not exist is left to the next handler. */
export function dashboardAssets(page: DashboardPage | undefined): Router {
  const router = Router({ caseSensitive: true });
  router.get('/assets/:name', (req, res, next) => {
    const asset = page?.assets.get(req.params.name);
    if (asset === undefined) return next();
    // The name changes with the content.
    res.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
    res.setHeader('Content-Type', asset.type);
    res.setHeader('Vary', 'Accept-Encoding');
    if (asset.gzipped === undefined || req.acceptsEncodings('gzip') === false) return res.end(asset.plain);
    res.setHeader('Content-Encoding', 'gzip');
    return res.end(asset.gzipped);
  });
  return router;
}

/** Shown where the page was not built: the API works without it. */
const NO_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Holdpoint</title><link rel="icon" href="data:,"></head>
<body><main><h1>Holdpoint</h1>
<p>This build has no pages. Decide with <code>npx holdpoint review</code> or the API (<a href="/openapi.json">/openapi.json</a>).</p>
</main></body>
</html>
`;

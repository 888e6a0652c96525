import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { root } from './root.mjs';

/** What text is drawn with first; asked for with the document, or it would be asked for once text is drawn. */
const FIRST_FONT = 'atkinson-hyperlegible-next-latin-400-normal.woff2';

/**
 * Bundles the reviewers' page and the API's: hashed files in `assets`, scripts and style sheets also gzipped, and no inline script or
 * style (CSP).
 */
export async function bundleDashboard(outDir) {
  const { build } = await import('vite');
  const restore = setNodeEnv('production');
  try {
    await build(configFor(outDir));
  } finally {
    restore();
  }
  const fonts = join(root, 'node_modules', '@fontsource', 'atkinson-hyperlegible-next');
  copyFileSync(join(fonts, 'LICENSE'), join(outDir, 'FONT-LICENSE.txt'));
  for (const name of readdirSync(join(outDir, 'assets'))) {
    if (extname(name) === '.woff2') continue;
    const file = join(outDir, 'assets', name);
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: constants.Z_BEST_COMPRESSION }));
  }
}

/** The build may run under another value (tests do), and React would then include its development checks. */
function setNodeEnv(value) {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = value;
  return () => {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  };
}

function configFor(outDir) {
  return {
    configFile: false,
    root: join(root, 'src', 'dashboard'),
    publicDir: false,
    // What checks a proof in the page is the core's own code, which hashes and verifies through Node.
    resolve: { alias: { 'node:crypto': join(root, 'src', 'dashboard', 'proof', 'node-crypto.ts') } },
    logLevel: 'warn',
    plugins: [preloadFont()],
    build: {
      outDir,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 2_000,
      manifest: 'manifest.json',
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      // `"use client"` is for servers that draw pages; this one does not.
      rolldownOptions: {
        input: ['index.html', 'docs.html'].map((name) => join(root, 'src', 'dashboard', name)),
        onLog: (level, log, handle) => void (log.code === 'MODULE_LEVEL_DIRECTIVE' || handle(level, log)),
      },
      target: 'es2023',
      // Browsers of 2024, so that `light-dark()` and the tokens arrive as they were written.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    },
  };
}

function preloadFont() {
  return {
    name: 'preload-font',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle = {}, path }) => {
        if (path !== '/index.html') return [];
        const font = Object.values(bundle).find(({ names = [] }) => names.includes(FIRST_FONT));
        if (font === undefined) throw new Error(`not in the bundle: ${FIRST_FONT}`);
        const attrs = { rel: 'preload', as: 'font', type: 'font/woff2', href: `/${font.fileName}`, crossorigin: '' };
        return [{ tag: 'link', attrs, injectTo: 'head' }];
      },
    },
  };
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { root } from './root.mjs';

/** Bundles the reviewers' page: hashed files in `assets`, each also gzipped, and no inline script or style (CSP). */
export async function bundleDashboard(outDir) {
  const { build } = await import('vite');
  const restore = setNodeEnv('production');
  try {
    await build(configFor(outDir));
  } finally {
    restore();
  }
  for (const name of readdirSync(join(outDir, 'assets'))) {
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
    build: {
      outDir,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1_000,
      manifest: 'manifest.json',
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      // `"use client"` is for servers that draw pages; this one does not.
      rolldownOptions: {
        onLog: (level, log, handle) => void (log.code === 'MODULE_LEVEL_DIRECTIVE' || handle(level, log)),
      },
      target: 'es2023',
    },
  };
}

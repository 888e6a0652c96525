import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { buildClientPackage, CLIENT_PACKAGE } from './client-package.mjs';
import { bundleDashboard } from './dashboard.mjs';
import { root } from './root.mjs';

const STAMP = 'build-stamp';

/**
 * Builds `dist` if a source has changed since it was built: compiled TypeScript, data files, the workflow code as one
 * bundle (so that a start does not have to bundle it), and the reviewers' page; and `dist` of `packages/client`.
 */
export async function build() {
  const unlock = await lock();
  try {
    const stamp = digestSources();
    const [dist, clientDist] = [root, CLIENT_PACKAGE].map((folder) => join(folder, 'dist'));
    if (readStamp() === stamp && existsSync(clientDist)) return;
    console.log('Building');
    const incoming = `${dist}.incoming`;
    rmSync(incoming, { recursive: true, force: true });
    compile(incoming);
    copyAssets(incoming);
    await parseCatalogs(incoming);
    // npm makes it executable on the first `npx holdpoint` only, so a later build has to do it itself.
    chmodSync(join(incoming, 'cli', 'main.js'), 0o755);
    await bundleWorkflows(incoming);
    await bundleDashboard(join(incoming, 'dashboard'));
    await buildClientPackage(incoming, `${clientDist}.incoming`);
    writeFileSync(join(incoming, STAMP), stamp);
    swap(clientDist);
    swap(dist);
  } finally {
    unlock();
  }
}

/** In one step, so that a process that starts meanwhile sees either the old build or the new one. */
function swap(folder) {
  const old = `${folder}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(`${folder}.incoming`, folder);
  rmSync(old, { recursive: true, force: true });
}

/** Two builds at once, of a start and a test run say, go one after the other. */
async function lock() {
  const { tryLock } = await import('fs-native-extensions');
  const fd = openSync(join(root, 'node_modules', '.holdpoint-build.lock'), 'a+');
  while (!tryLock(fd)) await sleep(200);
  return () => closeSync(fd);
}

function compile(outDir) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status === 0) return;
  throw new Error('The TypeScript compiler found errors.');
}

function copyAssets(outDir) {
  for (const file of listFiles(join(root, 'src'))) {
    if (/\.(tsx?|md)$/.test(file) || file.startsWith(join(root, 'src', 'dashboard'))) continue;
    const target = join(outDir, relative(join(root, 'src'), file));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(file, target);
  }
}

/** Beside each catalog what it says, so that a start does not have to parse it. */
async function parseCatalogs(outDir) {
  const load = async (file) => await import(pathToFileURL(join(outDir, file)).href);
  const { loadCatalogFiles } = await load('catalog/index.js');
  const { parseCatalog } = await load('domain/files/parse-file.js');
  for (const [name, { name: file, text }] of loadCatalogFiles()) {
    const parsed = parseCatalog(name, text, file);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 2));
    writeFileSync(join(outDir, 'catalog', `${name}.json`), JSON.stringify(parsed.file.value));
  }
}

async function bundleWorkflows(outDir) {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const spans = createRequire(import.meta.url).resolve(
    '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors',
  );
  for (const [name, workflowInterceptorModules] of [
    ['workflow-bundle.js', []],
    ['workflow-bundle-traced.js', [spans]],
  ]) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(outDir, 'workflows', 'index.js'),
      preloadModules: [join(outDir, 'workflows', 'pure.js')],
      payloadConverterPath: join(outDir, 'workflows', 'payload-converter.cjs'),
      workflowInterceptorModules,
      logger: new DefaultLogger('WARN'),
    });
    writeFileSync(join(outDir, name), code);
  }
}

function digestSources() {
  const hash = createHash('sha256');
  const files = [
    ...listFiles(join(root, 'src')),
    ...[
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'scripts/lib/build.mjs',
      'scripts/lib/client-package.mjs',
      'scripts/lib/contract-types.mjs',
      'scripts/lib/dashboard.mjs',
    ].map((f) => join(root, f)),
  ];
  for (const file of files) {
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function readStamp() {
  try {
    return readFileSync(join(root, 'dist', STAMP), 'utf8');
  } catch {
    return undefined;
  }
}

function listFiles(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .toSorted();
}

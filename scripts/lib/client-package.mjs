import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, posix } from 'node:path';
import { root } from './root.mjs';

export const CLIENT_PACKAGE = join(root, 'packages', 'client');

/** Entry points of `@holdpoint/client`, by name in `dist`; sources below `src`. */
const ENTRIES = {
  index: 'client/index',
  langgraph: 'client/adapters/langgraph',
  ai: 'client/adapters/ai',
  'openai-agents': 'client/adapters/openai-agents',
  workflow: 'workflows/request-approval',
};

/**
 * Writes what `@holdpoint/client` ships into `outDir`: one module per entry point, and declarations that name no package
 * but the frameworks. `compiled` is what the TypeScript compiler made of `src`.
 */
export async function buildClientPackage(compiled, outDir) {
  await bundleModules(outDir);
  await writeDeclarations(compiled, outDir);
  copyFileSync(join(root, 'LICENSE'), join(CLIENT_PACKAGE, 'LICENSE'));
}

async function bundleModules(outDir) {
  const { build } = await import('vite');
  const entry = Object.fromEntries(
    Object.entries(ENTRIES).map(([name, source]) => [name, join(root, 'src', `${source}.ts`)]),
  );
  await build({
    configFile: false,
    root: join(root, 'src'),
    publicDir: false,
    logLevel: 'warn',
    build: {
      outDir,
      emptyOutDir: true,
      minify: false,
      reportCompressedSize: false,
      target: 'es2023',
      lib: { entry, formats: ['es'] },
      rolldownOptions: {
        // Frameworks stay imports.
        external: (id) => !id.startsWith('.') && !isAbsolute(id),
        // Modules of the contract build schemas as they load; the client needs none of them.
        treeshake: {
          moduleSideEffects: false,
          manualPureFunctions: ['defineQuery', 'defineSearchAttributeKey', 'defineSignal'],
        },
        output: { entryFileNames: '[name].js', chunkFileNames: 'shared/[name].js' },
      },
    },
  });
}

/** `from '../contract/review.ts'`, `import("../contract/json.ts")` */
const RELATIVE = /(\bfrom |\bimport\()(["'])(\.[^"']+)\.ts\2/g;
const CONTRACT_NAMES = /\b(?:import|export) type \{([^}]*)\} from ["'][./]+\/contract\/([\w-]+)\.ts["']/g;
const CONTRACT_INLINE = /\bimport\(["'][./]+\/contract\/([\w-]+)\.ts["']\)\.(\w+)/g;

/** Copies the declarations that the entry points lead to. Those of the contract are printed without their schemas. */
async function writeDeclarations(compiled, outDir) {
  // Not at the top: this file is loaded before anything is installed.
  const { printContractTypes } = await import('./contract-types.mjs');
  const files = Object.values(ENTRIES);
  const fromContract = new Map();
  for (const file of files) {
    const text = readFileSync(join(compiled, `${file}.d.ts`), 'utf8').replace(/^\/\/# sourceMappingURL.*$/m, '');
    for (const [, names, module] of text.matchAll(CONTRACT_NAMES)) {
      for (const name of names.split(',')) fromContract.set(name.trim().split(' as ')[0], module);
    }
    for (const [, module, name] of text.matchAll(CONTRACT_INLINE)) fromContract.set(name, module);
    const linked = text.replaceAll(RELATIVE, (_whole, before, quote, path) => {
      const target = posix.join(posix.dirname(file), path);
      if (target.startsWith('contract/')) {
        return `${before}${quote}${posix.relative(posix.dirname(file), 'contract.js')}${quote}`;
      }
      if (!files.includes(target)) files.push(target);
      return `${before}${quote}${path}.js${quote}`;
    });
    write(join(outDir, `${file}.d.ts`), linked);
  }
  write(join(outDir, 'contract.d.ts'), printContractTypes(fromContract));
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

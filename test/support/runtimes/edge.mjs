// node --experimental-vm-modules edge.mjs URL: runs agent.mjs as an edge runtime does, in a world of its own that has
// what the web has and nothing of Node's; modules come from the client's own files alone.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, SourceTextModule } from 'node:vm';

const WEB = `AbortController AbortSignal ArrayBuffer Headers ReadableStream Request Response TextDecoder TextEncoder URL
  URLSearchParams Uint8Array atob btoa clearTimeout crypto fetch performance setTimeout`.split(/\s+/);
const context = createContext({
  ...Object.fromEntries(WEB.map((name) => [name, globalThis[name]])),
  holdpointStub: process.argv[2],
  holdpointReport: (line) => process.stdout.write(`${line}\n`),
});

const allowed = /\/packages\/client\/dist\/(?:shared\/)?[\w-]+\.js$/;
const modules = new Map();

async function load(specifier, from) {
  if (!specifier.startsWith('.')) throw new Error(`an edge runtime has no ${specifier}`);
  const url = new URL(specifier, from).href;
  if (!allowed.test(url)) throw new Error(`not of the client: ${url}`);
  if (!modules.has(url)) modules.set(url, make(url));
  return modules.get(url);
}

function make(url) {
  return new SourceTextModule(readFileSync(fileURLToPath(url), 'utf8'), {
    context,
    identifier: url,
    importModuleDynamically: async (specifier) => {
      const module = await load(specifier, url);
      if (module.status === 'unlinked') await module.link((name, { identifier }) => load(name, identifier));
      if (module.status === 'linked') await module.evaluate();
      return module;
    },
  });
}

const agent = make(new URL('./agent.mjs', import.meta.url).href);
await agent.link((name, { identifier }) => load(name, identifier));
await agent.evaluate();

import { readFileSync } from 'node:fs';

const CATALOG_NAMES = ['github', 'stripe', 'postgres'] as const;
type CatalogName = (typeof CATALOG_NAMES)[number];

/** Built-in catalogs as YAML text, by the name that `include` gives. The files lie beside this one, in `src` and `dist`. */
export function loadCatalogTexts(): Record<CatalogName, string> {
  return { github: read('github'), stripe: read('stripe'), postgres: read('postgres') };
}

/** The same as files, named as their problems are told. */
export function loadCatalogFiles(): ReadonlyMap<string, { readonly name: string; readonly text: string }> {
  return new Map(CATALOG_NAMES.map((name) => [name, { name: `catalog/${name}.yaml`, text: read(name) }]));
}

function read(name: CatalogName): string {
  return readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8');
}

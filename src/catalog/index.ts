import { readFileSync } from 'node:fs';

export const CATALOG_NAMES = ['github', 'stripe', 'postgres'] as const;
export type CatalogName = (typeof CATALOG_NAMES)[number];

/** Built-in catalogs as YAML text, by the name that `include` gives. The files lie beside this one, in `src` and `dist`. */
export function loadCatalogTexts(): Record<CatalogName, string> {
  return { github: read('github'), stripe: read('stripe'), postgres: read('postgres') };
}

function read(name: CatalogName): string {
  return readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8');
}

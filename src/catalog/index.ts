import { readFileSync } from 'node:fs';
import { CATALOGS } from '../contract/policy.ts';

/**
 * Built-in catalogs, one YAML file per service: each tool with its class, effects, schema, request and preview. By the name
 * that `include` gives, with the file names that problems are reported under. The files lie beside this one, in `src` and
 * `dist`.
 */
export function loadCatalogFiles(): ReadonlyMap<string, { readonly name: string; readonly text: string }> {
  const read = (name: string): string => readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8');
  return new Map(CATALOGS.map((name) => [name, { name: `catalog/${name}.yaml`, text: read(name) }]));
}

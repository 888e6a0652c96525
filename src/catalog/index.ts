import { existsSync, readFileSync } from 'node:fs';
import { CATALOGS, type PolicyFile } from '../contract/policy.ts';

export interface CatalogFile {
  readonly name: string;
  readonly text: string;
  /** What the text says, where the build has read it: parsing takes longer than most of what a start does. */
  readonly parsed?: PolicyFile;
}

/**
 * Built-in catalogs, one YAML file per service: each tool with its class, effects, schema, request and preview. By the name
 * that `include` gives, with the file names that problems are reported under. The files lie beside this one, in `src` and
 * `dist`.
 */
export function loadCatalogFiles(): ReadonlyMap<string, CatalogFile> {
  return new Map(
    CATALOGS.map((name) => {
      const text = readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8');
      const built = new URL(`./${name}.json`, import.meta.url);
      const parsed = existsSync(built) && (JSON.parse(readFileSync(built, 'utf8')) as PolicyFile);
      return [name, { name: `catalog/${name}.yaml`, text, ...(parsed && { parsed }) }];
    }),
  );
}

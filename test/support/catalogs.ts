import { loadCatalogFiles } from '../../src/catalog/index.ts';
import type { PolicyFile } from '../../src/contract/policy.ts';
import { parseCatalog } from '../../src/domain/files/parse-file.ts';

/** The built-in catalogs by name, read as a start reads them. */
export const CATALOGS: ReadonlyMap<string, PolicyFile> = new Map(
  [...loadCatalogFiles()].map(([name, { name: fileName, text }]) => {
    const parsed = parseCatalog(name, text, fileName);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 2));
    return [name, parsed.file.value];
  }),
);

import { loadCatalogFiles } from '../../src/catalog/index.ts';
import { parseCatalog } from '../../src/domain/files/parse-file.ts';

const parsed = [...loadCatalogFiles()].map(([name, file]) => {
  const result = parseCatalog(name, file.text, file.name);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return [name, { ...file, parsed: result.file.value }] as const;
});

/** The files of the built-in catalogs as a build leaves them, by name. */
export const CATALOG_FILES = new Map(parsed);

/** What they say. */
export const CATALOGS = new Map(parsed.map(([name, file]) => [name, file.parsed]));

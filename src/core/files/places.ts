import type { Json } from '../../contract/json.ts';
import type { TextFile } from './load-settings.ts';
import { readYaml, type Path } from './yaml-source.ts';

/** Where a text stands as a value in a YAML file: `holdpoint.yaml:12:5`, top to bottom. */
export function placesOf({ name, text }: TextFile, value: string): readonly string[] {
  const read = readYaml(text, name);
  if (!read.ok) return [];
  return findPaths(read.source.value, value, []).map((path) => {
    const { line, column } = read.source.locate(path);
    return `${name}:${line}:${column}`;
  });
}

function findPaths(at: Json, value: string, path: Path): readonly Path[] {
  if (at === value) return [path];
  if (typeof at !== 'object' || at === null) return [];
  const steps = Array.isArray(at) ? at.map((part: Json, index) => [index, part] as const) : Object.entries(at);
  return steps.flatMap(([step, part]) => findPaths(part as Json, value, [...path, step]));
}

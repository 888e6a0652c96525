import type { Json } from '../../contract/json.ts';
import type { Path, YamlSource } from './yaml-source.ts';

/** Where a text stands as a value in a YAML file: `holdpoint.yaml:12:5`, the topmost place of several. */
export function placeOf(source: YamlSource, text: string): string | undefined {
  const path = findPath(source.value, text, []);
  if (path === undefined) return undefined;
  const { line, column } = source.locate(path);
  return `${source.file}:${line}:${column}`;
}

function findPath(at: Json, text: string, path: Path): Path | undefined {
  if (at === text) return path;
  if (typeof at !== 'object' || at === null) return undefined;
  const steps = Array.isArray(at) ? at.map((part: Json, index) => [index, part] as const) : Object.entries(at);
  for (const [step, part] of steps) {
    const found = findPath(part as Json, text, [...path, step]);
    if (found !== undefined) return found;
  }
  return undefined;
}

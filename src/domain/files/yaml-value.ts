import { isAlias, isMap, isScalar, isSeq, type Document, type Scalar, type YAMLMap } from 'yaml';
import type { Json } from '../../contract/json.ts';

export interface ValueProblem {
  /** Characters from the start of the file. */
  readonly offset: number;
  readonly message: string;
  readonly fix: string;
}

/** Aliases can repeat what they name a billion times; nobody writes more than this by hand. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 60;
const PLAIN_TAGS = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((t) => `tag:yaml.org,2002:${t}`));

/** The JSON value of a YAML document, with everything in it that JSON cannot say. */
export function convertYaml(
  doc: Document,
  textKeys: ReadonlySet<string>,
): { readonly value: Json; readonly problems: readonly ValueProblem[] } {
  const problems: ValueProblem[] = [];
  let nodes = 0;
  const refuse = (node: unknown, message: string, fix: string): null => {
    const range = (node as { range?: readonly number[] } | null)?.range;
    problems.push({ offset: range?.[0] ?? 0, message, fix });
    return null;
  };

  const convert = (node: unknown, depth: number, key?: string): Json => {
    if (node === null || node === undefined) return null;
    nodes += 1;
    if (nodes > MAX_NODES || depth > MAX_DEPTH) {
      return nodes === MAX_NODES + 1 || depth > MAX_DEPTH
        ? refuse(
            node,
            'the file is nested too deeply or repeats itself too often',
            'Write it with fewer levels and aliases',
          )
        : null;
    }
    if (isAlias(node)) {
      const target = node.resolve(doc);
      if (target === undefined) return refuse(node, `nothing is called &${node.source}`, 'Name it before it is used');
      return convert(target, depth + 1, key);
    }
    const tag = (node as { tag?: string }).tag;
    if (tag !== undefined && !PLAIN_TAGS.has(tag))
      return refuse(node, `the tag ${tag} is not supported`, 'Delete the tag');
    if (isSeq(node)) return node.items.map((item) => convert(item, depth + 1));
    if (isMap(node)) return convertMap(node, depth);
    return isScalar(node)
      ? convertScalar(node, key)
      : refuse(node, 'this is not a value', 'Write text, a number or a list');
  };

  const convertMap = (map: YAMLMap, depth: number): Json => {
    const entries: [string, Json][] = [];
    for (const { key, value } of map.items) {
      if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
        refuse(key ?? map, 'a key must be text', 'Write the key as one word, or in quotes');
      } else if (key.value === '<<' && key.type === 'PLAIN') {
        refuse(key, 'merge keys (<<) are not supported', 'Write the keys out');
      } else {
        // The spelling in the file, so that `1.0:` and `0x1:` stay what they look like.
        const name = typeof key.value === 'string' ? key.value : (key.source ?? JSON.stringify(key.value));
        entries.push([name, convert(value, depth + 1, name)]);
      }
    }
    // `fromEntries` defines: a key `__proto__` becomes an ordinary (and unknown) one.
    return Object.fromEntries(entries);
  };

  const convertScalar = (scalar: Scalar, key: string | undefined): Json => {
    const { value } = scalar;
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
    if (typeof value !== 'number') return refuse(scalar, 'this is not a value', 'Write text in quotes');
    if (key !== undefined && textKeys.has(key) && scalar.source !== undefined) return scalar.source;
    if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      return refuse(
        scalar,
        `${scalar.source ?? String(value)} is not a number that can be kept exactly`,
        'Write it in quotes if it is text',
      );
    }
    return Object.is(value, -0) ? 0 : value;
  };

  return { value: convert(doc.contents, 0), problems };
}

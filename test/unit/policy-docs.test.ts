import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { configFileSchema } from '../../src/contract/config.ts';
import { policyFileSchema } from '../../src/contract/policy.ts';

const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');

/** What a section says as code, sections below it included. */
function codeOf(heading: string): string {
  const [hashes = ''] = /^#+/.exec(heading) ?? [];
  const [, section] = page.split(`\n${heading}\n`);
  if (section === undefined) throw new Error(`docs/policy.md has no section ${heading}`);
  const [own = ''] = section.split(new RegExp(`^#{1,${hashes.length}} `, 'm'));
  return [...own.matchAll(/```[^]*?```|`[^`\n]+`/g)].map(([code]) => code).join('\n');
}

/** Every key below a schema, as `tools.request.path`. Free-form objects (JSON Schema, headers) have none. */
function keysOf(node: unknown, at: readonly string[] = []): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((part) => keysOf(part, at));
  if (typeof node !== 'object' || node === null) return [];
  const { properties = {}, items, additionalProperties, anyOf } = node as Readonly<Record<string, object>>;
  return [
    ...Object.entries(properties).flatMap(([key, part]) => [[...at, key].join('.'), ...keysOf(part, [...at, key])]),
    ...keysOf([items, additionalProperties, anyOf].flat(), at),
  ];
}

/** Where the keys below a first one stand; other keys stand with the first ones. */
const SECTIONS: Readonly<Record<string, string>> = {
  connectors: '### Connectors',
  tools: '### Tools',
  'tools.preview.requests': '### Previews',
  'tools.money': '### Money',
  rules: '### Rules',
  approvals: '### Approvals',
};

it.each([
  ['holdpoint.yaml', configFileSchema, '## holdpoint.yaml'],
  ['policy.yaml', policyFileSchema, '## The policy file'],
])('every key of %s stands in docs/policy.md', (_file, schema, heading) => {
  const keys = [...new Set(keysOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })))];
  expect(keys.length).toBeGreaterThan(60);
  const missing = keys.filter((path) => {
    const place = Object.keys(SECTIONS).findLast((first) => path.startsWith(`${first}.`));
    const key = path.split('.').at(-1) ?? '';
    return !new RegExp(`(?<![A-Za-z])${key}(?![A-Za-z])`).test(codeOf(SECTIONS[place ?? ''] ?? heading));
  });
  expect(missing).toEqual([]);
});

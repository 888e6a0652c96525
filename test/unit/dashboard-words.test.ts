import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** Attributes and props whose texts people read or hear. */
const SPOKEN = new Set([
  'aria-label',
  'aria-description',
  'aria-roledescription',
  'title',
  'placeholder',
  'alt',
  'label',
  'what',
  'hint',
  'text',
]);
/** In these, several words are no sentence. */
const TECHNICAL = new Set(['className', 'viewBox', 'd', 'autoComplete']);
/** Functions whose texts are selectors or keys. */
const SELECTING = new Set(['querySelector', 'querySelectorAll', 'matches', 'matchMedia', 'closest', 'useKept']);

/** The product's name, and what a library says, which is put into other words. */
const NO_TEXTS = new Set(['Holdpoint', 'Instance does not have required property "']);

const LETTER = /\p{L}/u;
const SEVERAL_WORDS = /\p{L}[\p{L}’']* +[\p{L}“]/u;

/** Texts of a source file that a person would see, and that are not in `words.ts`. */
function findTexts(file: string, source: string): readonly string[] {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const found: string[] = [];
  const visit = (node: Node, isSaid: boolean): void => {
    const text = textOf(node);
    if (text !== undefined && (isSaid ? LETTER : SEVERAL_WORDS).test(text) && !NO_TEXTS.has(text.trim())) {
      found.push(`${file}:${source.slice(0, node.start).split('\n').length} ${text.trim()}`);
    }
    for (const child of childrenOf(node)) visit(child, isSaidIn(node, child, isSaid));
  };
  visit(program as unknown as Node, false);
  return found;
}

function textOf(node: Node): string | undefined {
  if (node.type === 'JSXText' || node.type === 'Literal')
    return typeof node['value'] === 'string' ? node['value'] : undefined;
  return node.type === 'TemplateElement' ? (node['value'] as { readonly raw: string }).raw : undefined;
}

/** Whether a text at this place is drawn or read aloud: what stands between tags, and what may become that. */
function isSaidIn(node: Node, child: Node, isSaid: boolean): boolean {
  switch (node.type) {
    case 'JSXElement':
    case 'JSXFragment':
      return child.type === 'JSXText' || child.type === 'JSXExpressionContainer';
    case 'JSXAttribute':
      return SPOKEN.has((node['name'] as { readonly name: string }).name);
    case 'JSXExpressionContainer':
    case 'TemplateLiteral':
    case 'ArrayExpression':
      return isSaid;
    case 'LogicalExpression':
      return isSaid && child === node['right'];
    case 'ConditionalExpression':
      return isSaid && child !== node['test'];
    default:
      return false;
  }
}

function childrenOf(node: Node): readonly Node[] {
  if (node.type === 'ImportDeclaration' || node.type === 'ThrowStatement') return [];
  if (node.type === 'JSXAttribute' && TECHNICAL.has((node['name'] as { readonly name: string }).name)) return [];
  if (node.type === 'CallExpression') {
    const callee = node['callee'] as { readonly name?: string; readonly property?: { readonly name?: string } };
    if (SELECTING.has(callee.name ?? callee.property?.name ?? '')) return [];
  }
  return Object.values(node)
    .flat()
    .filter((part): part is Node => typeof part === 'object' && part !== null && 'type' in part);
}

const FOLDER = packageFile('src', 'dashboard');
const FILES = (readdirSync(FOLDER, { recursive: true }) as string[]).filter((name) => /\.tsx?$/.test(name));

describe('texts of the page', () => {
  test.each(FILES.filter((name) => name !== 'words.ts'))('%s holds none', (name) => {
    expect(findTexts(name, readFileSync(join(FOLDER, name), 'utf8'))).toEqual([]);
  });

  test.each([
    ['<p>Approve</p>', 1],
    ['<p aria-label="Approve" />', 1],
    ["<p>{isOpen ? 'open' : words.closed}</p>", 1],
    ["<p>{isOpen && 'open'}</p>", 1],
    ['<p title={`by ${name}`} />', 1],
    ["const MESSAGE = 'It did not arrive.'", 1],
    ['<p className="note note-bad">{words.note}</p>', 0],
    ["<p>{kind === 'open' ? words.a : words.b}</p>", 0],
    ["throw new Error('no place for it')", 0],
    ["<p data-kind='open'>·</p>", 0],
  ] as const)('%s: %d found', (source, count) => {
    expect(findTexts('a.tsx', source)).toHaveLength(count);
  });
});
